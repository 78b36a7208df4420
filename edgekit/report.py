"""Every text report, in one place: results in, Rich renderables out."""

from __future__ import annotations

from edgekit.reports.analysis import analysis
from edgekit.reports.bench import bench, cost_tables
from edgekit.reports.catalogue import BoardList, cached, kernels, ops, tools
from edgekit.reports.choices import channels, kernel, kernel_in_model
from edgekit.reports.compare import comparison
from edgekit.reports.devices import devices
from edgekit.reports.errors import errors
from edgekit.reports.evaluation import evaluation
from edgekit.reports.fits import fits
from edgekit.reports.flash import flashed
from edgekit.reports.memory import ArenaOverTime, layer, sizes, stack, ways
from edgekit.reports.parts import console, show, written
from edgekit.reports.profile import ProfileReport
from edgekit.reports.quantization import quantization
from edgekit.reports.verification import after_demo, build, run, verification

__all__ = [
    "ArenaOverTime", "BoardList", "ProfileReport", "after_demo", "analysis", "bench", "build", "cached", "channels",
    "comparison", "console", "cost_tables", "devices", "errors", "evaluation", "fits", "flashed", "kernel",
    "kernel_in_model", "kernels", "layer", "ops", "quantization", "run", "show", "sizes", "stack", "tools",
    "verification", "ways", "written",
]  # fmt: skip
