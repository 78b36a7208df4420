"""A float Graph becomes a small int8 one."""

from __future__ import annotations

from edgekit.compress.quantize import Options, quantize

__all__ = ["Options", "quantize"]
