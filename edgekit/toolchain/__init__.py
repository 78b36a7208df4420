"""edgekit.toolchain."""
