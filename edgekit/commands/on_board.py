"""Commands that put a model on a board: build, run, verify, evaluate, profile, demo."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Group

import edgekit
from edgekit import demo as shipped
from edgekit import report, samples
from edgekit.commands.common import (
    BoardName,
    BundleDir,
    ByteProgress,
    Count,
    FirstOf,
    Json,
    LayersOf,
    Model,
    OptimizeFor,
    OutDir,
    Port,
    SamplesFile,
    Toolchain,
    ToolchainName,
    emit,
    working,
)
from edgekit.commands.metering import (
    MeterName,
    Runs,
    SpikeFilter,
    SubtractIdle,
    Supply,
    Voltage,
    Warmup,
    WindowCount,
    WindowSeconds,
)
from edgekit.device.flash.choose import WAYS, Wish
from edgekit.device.meters.registry import Settings
from edgekit.device.meters.registry import parse as parse_meter
from edgekit.errors import Problem, UsageError
from edgekit.files import write_whole
from edgekit.plan.select import Objective
from edgekit.samples import Samples

_FLASH_WAYS = ("auto", *(way for way in WAYS if way != "emulator"))
Flash = Annotated[
    str,
    typer.Option(
        "--flash",
        metavar="WAY",
        help=f"Flash the board first, unless it runs this very image: {', '.join(_FLASH_WAYS)}.",
        show_default=False,
    ),
]

DEMO_BOARD = "nucleo-l4r5zi"
_DEMO_SAMPLES = 14
_DEMO_LAYERS_OF = 2


def build(
    model: Model,
    board: BoardName,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where the project goes; default: ./MODEL-BOARD.")
    ] = None,
    toolchain: ToolchainName = Toolchain.ZIG,
    optimize: OptimizeFor = Objective.BALANCED,
    task: Annotated[
        str, typer.Option("--task", metavar="TASK", help="MLPerf Tiny task for its public runner: kws01, vww01 ...")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be generated and run; write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Generate a C project of its own for a model and a board, and build it.

    The project is C11 and CMake and needs no Python to be built again.

    Example: edgekit build model.tflite --board nucleo-l4r5zi -o firmware
    """
    with working() as progress:
        where = out or Path(f"{model.stem}-{Path(board).stem}")
        built = edgekit.build(
            model,
            board,
            where,
            toolchain=toolchain.value,
            optimize=optimize.value,
            task=task,
            progress=progress,
            dry_run=dry_run,
        )
    emit(built.json(), report.build(built), as_json=json)


def run(
    model: Model,
    board: BoardName,
    *,
    inputs: Annotated[
        Path, typer.Option("--input", "-i", metavar="FILE", help="A .npy or .npz with the input.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Save the raw outputs here: arr_0, arr_1 ..."),
    ] = None,
    count: FirstOf = 0,
    toolchain: ToolchainName = Toolchain.ZIG,
    optimize: OptimizeFor = Objective.BALANCED,
    out: OutDir = None,
    port: Port = "",
    json: Json = False,
) -> None:
    """Run a model on a board and show its outputs.

    Example: edgekit run model.tflite --board nucleo-l4r5zi --input x.npy
    """
    with working() as progress:
        given = samples.load(inputs, edgekit.load(model)).first(count)
        done = edgekit.run(
            model,
            board,
            given,
            toolchain=toolchain.value,
            optimize=optimize.value,
            progress=progress,
            out=out,
            port=port,
        )
    if output is not None:
        columns = zip(*done.outputs, strict=True)
        packed = io.BytesIO()
        np.savez(packed, *(np.stack(c) for c in columns))
        write_whole(output, packed.getvalue())
    emit(done.json(), report.run(done), as_json=json)


def verify(
    model: Model,
    board: BoardName,
    *,
    samples_file: SamplesFile = None,
    count: Count = 0,
    layers_of: LayersOf = 0,
    toolchain: ToolchainName = Toolchain.ZIG,
    optimize: OptimizeFor = Objective.BALANCED,
    out: OutDir = None,
    port: Port = "",
    bundle: BundleDir = None,
    json: Json = False,
) -> None:
    """Check that every byte of every layer's output on the board equals the reference's.

    Exits with 1 if anything differs. Example: edgekit verify model.tflite --board emu-m4 --samples test.npz
    """
    with working() as progress:
        given = _given(samples_file, model, count)
        checked = edgekit.verify(
            model,
            board,
            given,
            layers_of=layers_of,
            toolchain=toolchain.value,
            optimize=optimize.value,
            progress=progress,
            out=out,
            port=port,
            bundle=bundle,
        )
    emit(checked.json(), report.verification(checked), as_json=json)
    if not checked.exact:
        raise typer.Exit(1)


def evaluate(
    model: Model,
    board: BoardName,
    *,
    data: Annotated[
        Path, typer.Option("--data", metavar="FILE", help="A .npz with `inputs` and `labels`.", show_default=False)
    ],
    count: FirstOf = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what a run that was stopped has kept.")] = False,
    toolchain: ToolchainName = Toolchain.ZIG,
    optimize: OptimizeFor = Objective.BALANCED,
    out: OutDir = None,
    port: Port = "",
    bundle: BundleDir = None,
    json: Json = False,
) -> None:
    """Run a labelled data set on a board: accuracy, what is taken for what, and whether every output is exact.

    Each result is kept as it comes: a run that was stopped goes on there when the same is asked again. `--board host`
    runs the same generated C on this computer, for large sets. Exits with 1 if an output is not exact.

    Example: edgekit evaluate model.tflite --board nucleo-l4r5zi --data test.npz --count 100
    """
    with working() as progress:
        found = edgekit.evaluate(
            model,
            board,
            data,
            count=count,
            fresh=fresh,
            toolchain=toolchain.value,
            optimize=optimize.value,
            progress=progress,
            out=out,
            port=port,
            bundle=bundle,
        )
    emit(found.json(), report.evaluation(found), as_json=json)
    if not found.exact:
        raise typer.Exit(1)


def profile(
    model: Model,
    board: BoardName,
    *,
    samples_file: SamplesFile = None,
    count: Count = 0,
    layers_of: LayersOf = 0,
    runs: Runs = 0,
    warmup: Warmup = 1,
    meter: MeterName = "",
    supply: Supply = None,
    voltage: Voltage = None,
    window: WindowSeconds = 0.0,
    windows: WindowCount = 3,
    subtract_idle: SubtractIdle = False,
    spike_filter: SpikeFilter = False,
    toolchain: ToolchainName = Toolchain.ZIG,
    optimize: OptimizeFor = Objective.BALANCED,
    out: OutDir = None,
    port: Port = "",
    flash: Flash = "",
    bundle: BundleDir = None,
    json: Json = False,
) -> None:
    """Show what one inference costs: instructions, cycles, latency, energy, RAM, flash; and whether it is exact.

    Exits with 1 if it is not exact. Examples: edgekit profile model.tflite --board nucleo-l4r5zi --json · edgekit
    profile model.tflite --board nucleo-l4r5zi --flash volume --port /dev/ttyACM0 --meter ppk2 --supply 3.0
    """
    settings = None
    if meter:
        kind, where = parse_meter(meter)
        settings = Settings(kind, where, supply, voltage, spike_filter, windows, window, subtract_idle)
    wish, bytes_shown = _wish(flash), ByteProgress()
    with working() as progress, closing(bytes_shown):
        given = _given(samples_file, model, count)
        found = edgekit.profile(
            model,
            board,
            given,
            layers_of=layers_of,
            toolchain=toolchain.value,
            optimize=optimize.value,
            progress=progress,
            out=out,
            port=port,
            runs=runs,
            warmups=warmup,
            meter=settings,
            wish=wish,
            on_bytes=bytes_shown,
            bundle=bundle,
        )
    emit(found.json(), report.ProfileReport(found), as_json=json)
    if not found.exact:
        raise typer.Exit(1)


def demo(
    *,
    board: BoardName = DEMO_BOARD,
    count: Annotated[int, typer.Option("--count", min=1, metavar="N", help="Labelled samples to run.")] = _DEMO_SAMPLES,
    toolchain: ToolchainName = Toolchain.ZIG,
    optimize: OptimizeFor = Objective.BALANCED,
    out: OutDir = None,
    json: Json = False,
) -> None:
    """Take the shipped model, a smart watch that tells exercises apart, all the way to a verified board.

    Labelled samples of people the model never met are classified on the emulated board.

    Example: edgekit demo
    """
    with working() as progress:
        every = samples.load(shipped.SAMPLES, edgekit.load(shipped.MODEL))
        found = edgekit.profile(
            shipped.MODEL,
            board,
            _spread(every, count),
            layers_of=_DEMO_LAYERS_OF,
            toolchain=toolchain.value,
            optimize=optimize.value,
            progress=progress,
            out=out,
        )
    emit(found.json(), Group(report.ProfileReport(found), "", report.after_demo(board, out)), as_json=json)
    if not found.exact:
        raise typer.Exit(1)


def _wish(way: str) -> Wish | None:
    """How the board is to be flashed first; None: not at all."""
    if way and way not in _FLASH_WAYS:
        raise UsageError(Problem("there is no such way to flash", "--flash", f"'{way}'", ", ".join(_FLASH_WAYS)))
    return Wish("" if way == "auto" else way) if way else None


def _given(path: Path | None, model: Path, count: int) -> Samples | None:
    if path is not None:
        return samples.load(path, edgekit.load(model)).first(count)
    return samples.made_up(edgekit.load(model), count) if count else None


def _spread(given: Samples, count: int) -> Samples:
    """``count`` samples spread evenly over all, so that every class and person has a chance."""
    chosen = [i * len(given) // count for i in range(min(count, len(given)))]
    return Samples(
        inputs=tuple(given.inputs[i] for i in chosen),
        source=f"{len(chosen)} of {len(given)} spread evenly: {given.source}",
        labels=tuple(given.labels[i] for i in chosen) if given.labels else (),
        classes=given.classes,
    )
