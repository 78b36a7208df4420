"""The demonstration that ships with edgekit: a trained int8 model and labelled samples it never saw.

Seven shoulder exercises told apart by a smart watch's accelerometer and gyroscope; ``PROVENANCE.toml`` beside
this file says how both were made and how good the model is, ``LICENSE`` under which terms they come.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
MODEL = _FOLDER / "watch_gestures.tflite"
"""The int8 model: (1, 128, 1, 6) int8 to (1, 7) int8 probabilities."""
SAMPLES = _FOLDER / "watch_test.npz"
"""Arrays ``inputs`` (n, 128, 1, 6) int8 as the model takes them, ``labels`` (n,) uint8, ``classes`` (7,)."""
PROVENANCE = _FOLDER / "PROVENANCE.toml"
"""Data, script, versions, seed, split, accuracies, input quantisation and SHA-256 of both files."""
