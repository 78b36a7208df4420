"""The code generator: a Plan in, C files out. It knows nothing of graphs, ops or frontends."""
