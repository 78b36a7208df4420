"""edgekit.frontends."""
