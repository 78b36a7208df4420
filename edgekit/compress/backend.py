# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""Keras, loaded when it is first needed and untyped: its annotations say less than it accepts."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from edgekit.errors import MissingToolError, Problem


def load() -> Any:
    """The package keras.

    Raises:
        MissingToolError: it is not installed.
    """
    if importlib.util.find_spec("keras") is None:
        hint = "pip install 'edgekit[tensorflow]'"
        raise MissingToolError(Problem("Keras is not installed, and it is what trains models", hint=hint))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras  # noqa: PLC0415  (heavy: only here)

    return keras


def deterministic() -> None:
    """Have the same seed give the same training again, bit for bit on the same machine."""
    keras = load()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415  (heavy: only here)

        tf.config.experimental.enable_op_determinism()
