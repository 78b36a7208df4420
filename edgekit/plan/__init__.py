"""edgekit.plan."""
