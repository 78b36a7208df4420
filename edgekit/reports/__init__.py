"""Text reports, as Rich renderables: one module per kind. ``edgekit.report`` has them all."""
