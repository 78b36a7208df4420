"""edgekit.emulate."""
