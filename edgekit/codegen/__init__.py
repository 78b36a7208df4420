"""edgekit.codegen."""
