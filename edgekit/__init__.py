"""edgekit: neural networks on microcontrollers and edge boards.

The verbs, as functions (their module loads at first use, so that ``import edgekit`` is quick)::

    import edgekit

    edgekit.quantize("net.keras", "data.npz", "model.tflite")   # float becomes int8, its accuracy measured
    graph = edgekit.load("model.tflite")                        # a checked Graph
    edgekit.analyze(graph)                                      # ops, MACs, memory, which boards it fits
    edgekit.build("model.tflite", "nucleo-l4r5zi", out="fw")    # a CMake project of its own, and its image
    edgekit.flash("model.tflite", "nucleo-l4r5zi")              # onto the board that is plugged in
    edgekit.verify("model.tflite", "nucleo-l4r5zi").exact       # every byte of every layer
    edgekit.profile("model.tflite", "nucleo-l4r5zi").json()     # what each layer costs
    edgekit.evaluate("model.tflite", "host", "test.npz")        # accuracy over a labelled data set
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgekit.verbs import (
        analyze,
        build,
        evaluate,
        flash,
        load,
        make_plan,
        optimise,
        profile,
        quantize,
        run,
        verify,
    )

__version__ = "0.1.0"

AS_READ = "read"
"""The name of a graph before any pass."""

__all__ = [
    "analyze", "build", "evaluate", "flash", "load", "make_plan", "optimise", "profile", "quantize", "run", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("edgekit.verbs"), name)
    raise AttributeError(f"module 'edgekit' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
