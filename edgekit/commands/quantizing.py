"""The command that makes an int8 model of a float one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import edgekit
from edgekit import quantizing, report
from edgekit.commands.common import Json, emit, working
from edgekit.errors import Problem, UsageError


class Calibrator(StrEnum):
    """How the range of each tensor follows from the values seen."""

    MINMAX = "minmax"
    PERCENTILE = "percentile"
    MSE = "mse"
    ENTROPY = "entropy"


FloatModel = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A float Keras model: .keras or .h5.", show_default=False)
]
DataFile = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="FILE",
        help="A .npz with float `inputs` as the model meets them in use, and maybe `labels`: 100 samples or more.",
        show_default=False,
    ),
]
TestFile = Annotated[
    Path | None,
    typer.Option(
        "--test", metavar="FILE", help="Samples to measure accuracy on; else those of --data that set no ranges."
    ),
]
OutFile = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="The .tflite to write (else MODEL_int8.tflite, here)."),
]
Calibrate = Annotated[
    Calibrator,
    typer.Option(
        "--calibrate",
        help="How ranges are chosen. minmax: all values seen; percentile: all but one in ten thousand; mse: least "
        "squared error; entropy: least information lost.",
    ),
]
MaxDrop = Annotated[
    str,
    typer.Option(
        "--max-drop",
        metavar="PERCENT",
        help="Write nothing if int8 is less accurate than float by more than this (with labels: 1%).",
    ),
]
Doctor = Annotated[
    bool,
    typer.Option(
        "--doctor",
        help="Rank the layers by the error they make, try remedies, and write the model with those that help.",
    ),
]


def quantize(
    model: FloatModel,
    data: DataFile,
    *,
    test: TestFile = None,
    out: OutFile = None,
    calibrate: Calibrate = Calibrator.MINMAX,
    max_drop: MaxDrop = "",
    doctor: Doctor = False,
    json: Json = False,
) -> None:
    """Make an int8 .tflite of a float model, and show what that costs in accuracy and saves in bytes.

    Exits with 1, and writes nothing, if accuracy drops too far. Examples: edgekit quantize net.keras --data
    samples.npz · edgekit quantize net.keras --data samples.npz --doctor --max-drop 0.5%
    """
    target = out or Path(f"{model.stem}{quantizing.SUFFIX}")
    with working() as progress:
        found = edgekit.quantize(
            model,
            data,
            target,
            test=test,
            calibrate=calibrate.value,
            max_drop=_share(max_drop),
            doctor=doctor,
            progress=progress,
        )
    emit(found.json(), report.quantization(found), as_json=json)
    if found.refused:
        raise typer.Exit(1)


def _share(text: str) -> float | None:
    """``0.5%`` and ``0.5 %`` as 0.005; None if it is empty."""
    if not text.strip():
        return None
    try:
        value = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        value = -1.0
    if not text.strip().endswith("%") or not 0 <= value <= 1:
        raise UsageError(
            Problem("this is no drop of accuracy", "--max-drop", f"'{text}'", "a percentage, such as 0.5%")
        )
    return value
