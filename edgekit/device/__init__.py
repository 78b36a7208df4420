"""edgekit.device."""
