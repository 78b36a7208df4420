"""LiteRT's own post-training quantisation, in a process of its own: what edgekit's is compared with.

python litert.py MODEL.keras SAMPLES.npy OUT.tflite
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

TIMEOUT_S = 400


def quantised(model: Path, samples: Any, folder: Path) -> bytes:
    """The full int8 file LiteRT's converter makes of a .keras file, its ranges set by ``samples``."""
    np.save(folder / "calibration.npy", samples)
    out = folder / "litert.tflite"
    paths = [str(Path(__file__).resolve().parents[2]), *sys.path]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    command = [sys.executable, __file__, str(model), str(folder / "calibration.npy"), str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S, env=environment)
    return out.read_bytes()


def main() -> None:
    import keras

    from edgekit.demo import make

    model, samples, out = sys.argv[1:]
    Path(out).write_bytes(make.convert(keras.models.load_model(model, compile=False), np.load(samples)))


if __name__ == "__main__":
    main()
