"""The public verbs, exported by ``edgekit`` itself: a model in, typed results out.

``model`` is the path of a .tflite file, its bytes, or a Graph; with a file or bytes the tflite-micro interpreter can
be the reference. ``board`` is a name that `edgekit boards` lists, a path to a .toml file, or a Board. ``progress`` is
called with a stage, what is done of it and its whole (0: unknown). ``port`` is the serial port or pyserial URL of a
real board that was flashed with the built image; without it the board is emulated. ``bundle`` is a folder to store the
result in, with its raw readings: it must not exist, be empty, or hold an older bundle. ``optimize`` is
what is wanted most: ``speed``, ``size``, ``ram`` or ``balanced`` (see ``edgekit.plan.select.Objective``).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgekit import AS_READ, analysis, evaluation, execution, flashing, keeping, passes, quantizing
from edgekit import board as board_files
from edgekit import bundle as bundles
from edgekit import samples as sample_files
from edgekit.analysis import Analysis
from edgekit.board import Board
from edgekit.compress.calibrate import CALIBRATORS
from edgekit.device.flash.choose import Wish
from edgekit.device.flash.run import Flashed
from edgekit.device.link import RUNS_MAX
from edgekit.device.meters.registry import Settings
from edgekit.errors import Problem, UnsupportedError, UsageError, known_word
from edgekit.evaluation import Evaluation
from edgekit.execution import Job, Progress, silent
from edgekit.frontends import tflite
from edgekit.frontends.keras import SUFFIXES as KERAS_SUFFIXES
from edgekit.ir.graph import Graph
from edgekit.plan import make
from edgekit.plan.plan import Plan
from edgekit.plan.select import Objective
from edgekit.quantizing import Quantization
from edgekit.results import Build, Profile, Run, Verification
from edgekit.samples import Samples
from edgekit.toolchain import placement

ModelLike = Path | str | bytes | Graph
BoardLike = Path | str | Board
SamplesLike = Path | str | Samples

TASKS = ("kws01", "vww01", "ad01", "ic01", "sww01")
"""The tasks of MLPerf Tiny, by the names its runner knows."""


def load(model: ModelLike) -> Graph:
    """Read and check a model.

    Raises:
        ModelError: the file cannot be read, is damaged or contradicts itself.
        UnsupportedError: everything in it that edgekit cannot generate.
    """
    if isinstance(model, str | Path) and Path(model).suffix.lower() in KERAS_SUFFIXES:
        hint = f"quantize it first: edgekit quantize {Path(model).name} --data samples.npz"
        raise UnsupportedError(Problem("this is a float model; boards run int8 ones", Path(model).name, hint=hint))
    return model if isinstance(model, Graph) else tflite.read(model)


def quantize(
    model: Path | str | Graph,
    data: SamplesLike,
    out: Path | str | None = None,
    *,
    test: SamplesLike | None = None,
    calibrate: str = "minmax",
    max_drop: float | None = None,
    doctor: bool = False,
    progress: Progress = silent,
) -> Quantization:
    """The int8 form of a float model, with its accuracy beside the float one's; written to ``out``, if given.

    ``model`` is a .keras or .h5 file or a float Graph. Ranges come from ``data``, by ``calibrate``, one of
    ``edgekit.compress.calibrate.CALIBRATORS``. Accuracy is measured on ``test``, or else on that part of ``data`` that
    set no ranges. If it drops by more than ``max_drop`` (a share; 0.01 if None) nothing is written, and the result's
    ``refused`` says so. With ``doctor`` layers are ranked by the error they make, and remedies are tried.

    Raises:
        DataError: the samples do not fit, are too few, constant or not finite, or labels name no class.
        UnsupportedError: every layer that has no int8 form.
        ModelError, MissingToolError: the model cannot be read.
    """
    return quantizing.run(
        model,
        data,
        test=test,
        out=None if out is None else Path(out),
        calibrator=known_word("calibrator", calibrate, CALIBRATORS),
        max_drop=max_drop,
        doctor=doctor,
        progress=progress,
    )


def optimise(graph: Graph, after: str | None = None) -> Graph:
    """The graph after all passes, or after those up to ``after``; every remaining byte is unchanged.

    Raises:
        UsageError: ``after`` is neither a pass nor ``read``, the graph as it was read.
    """
    known = (AS_READ, *passes.PASSES)
    if after is not None:
        known_word("pass", after, known)
    return graph if after == AS_READ else passes.optimise(graph, after or "")


def analyze(
    model: ModelLike, board: BoardLike | None = None, *, optimize: str = "balanced", progress: Progress = silent
) -> Analysis:
    """Layers, MACs, weights, arena and the boards the model fits: all, or the one asked for.

    Raises:
        ModelError, UnsupportedError: as ``load`` does; with a board also every layer no kernel runs there.
        BoardError: there is no such board.
    """
    graph = load(model)
    names = board_files.names() if board is None else ()
    boards = [board_files.load(n) for n in names] if board is None else [_board(board)]
    stage = f"planning for {boards[0].name}" if len(boards) == 1 else "planning for every board"
    return analysis.analyze(
        graph, optimise(graph), boards, _objective(optimize), lambda done, whole: progress(stage, done, whole)
    )


def make_plan(graph: Graph, board: BoardLike, *, optimize: str = "balanced") -> Plan:
    """Kernels, packed constants, schedule and arena of a graph on a board.

    ``optimize`` is ``speed``, ``size``, ``ram`` or ``balanced``.

    Raises:
        UnsupportedError: every layer that no kernel runs on this board.
    """
    where, objective = _board(board), _objective(optimize)
    analysis.check(graph, where.target)
    return make.make(graph, where.target, objective=objective, room=placement.room(where))


def build(
    model: ModelLike,
    board: BoardLike,
    out: Path | str | None = None,
    *,
    toolchain: str = "zig",
    optimize: str = "balanced",
    task: str = "",
    progress: Progress = silent,
    dry_run: bool = False,
) -> Build:
    """Generate the C project of a model for a board in ``out`` and build its image.

    Without ``out`` the project goes to edgekit's cache. ``task`` is one of ``TASKS``: what the public MLPerf Tiny
    runner is told, and how the harness reads its inputs. ``dry_run`` writes and runs nothing.

    Raises:
        FitError: the image does not fit the board.
        MissingToolError, BuildError: the compiler or CMake is missing or fails.
        ModelError, UnsupportedError, BoardError: as ``load`` and ``make_plan`` do.
    """
    if task:
        known_word("MLPerf Tiny task", task, TASKS)
    job = _job(model, board, out, toolchain, progress, optimize=optimize)
    return execution.build(replace(job, task=task), dry_run=dry_run)


def flash(
    model: ModelLike,
    board: BoardLike,
    *,
    wish: Wish | None = None,
    toolchain: str = "zig",
    optimize: str = "balanced",
    progress: Progress = silent,
    on_bytes: flashing.FlashProgress = silent,
    out: Path | str | None = None,
    dry_run: bool = False,
    force: bool = False,
) -> Flashed:
    """Put a model's image onto a board: build it, write it, ask the board for its build id.

    ``model`` may also be a folder that ``build`` wrote. ``wish`` says how to reach the board; without it, what is
    plugged in decides, and where nothing is, the emulated board takes the image and ``Flashed.via`` says so. A board
    that says it runs this build already is left alone, unless ``force``. ``on_bytes`` is told of bytes written.

    Raises:
        FlashError: the image is not on the board, or not whole; in which state the board is.
        UsageError: it is not clear which board or way is meant.
        EdgekitError: whatever ``build`` raises.
    """
    order = flashing.Order(wish or Wish(), dry_run=dry_run, force=force)
    if isinstance(model, str | Path) and Path(model).is_dir():
        return flashing.folder(Path(model), _board(board), order, progress, on_bytes)
    return flashing.model(_job(model, board, out, toolchain, progress, optimize=optimize), order, on_bytes)


def run(
    model: ModelLike,
    board: BoardLike,
    samples: SamplesLike,
    *,
    toolchain: str = "zig",
    optimize: str = "balanced",
    progress: Progress = silent,
    out: Path | str | None = None,
    port: str = "",
) -> Run:
    """Outputs of a model on a board, for every sample.

    Raises:
        DataError: the samples do not fit the model.
        DeviceError: the board cannot be reached, or its firmware stopped.
        EdgekitError: whatever ``build`` raises.
    """
    job = _job(model, board, out, toolchain, progress, optimize=optimize)
    return execution.run(replace(job, port=port), _samples(samples, job.graph))


def verify(
    model: ModelLike,
    board: BoardLike,
    samples: SamplesLike | None = None,
    *,
    layers_of: int = 0,
    toolchain: str = "zig",
    optimize: str = "balanced",
    progress: Progress = silent,
    out: Path | str | None = None,
    port: str = "",
    bundle: Path | str | None = None,
) -> Verification:
    """Compare every byte of every layer's output on a board with the reference.

    Without ``samples``: random ones from a seed, and the extremes of the input range. ``layers_of`` looks into the
    layers of the first so many samples only (0: all); the outputs of all are compared.

    Raises:
        EdgekitError: whatever ``run`` raises; a difference is a result and no error.
    """
    where = _reserved(bundle)
    job = replace(_job(model, board, out, toolchain, progress, optimize=optimize), layers_of=layers_of, port=port)
    found = execution.verify(job, _samples(samples, job.graph))
    if where is not None:
        options = {"optimize": optimize, "layers_of": layers_of, "port": port, "samples": found.sample_source}
        keeping.keep(job, where, found.json(), image=found.image, raw={}, options=options)
    return found


def evaluate(
    model: ModelLike,
    board: BoardLike,
    data: SamplesLike,
    *,
    count: int = 0,
    fresh: bool = False,
    toolchain: str = "zig",
    optimize: str = "balanced",
    progress: Progress = silent,
    out: Path | str | None = None,
    port: str = "",
    bundle: Path | str | None = None,
) -> Evaluation:
    """Accuracy on a board over a labelled data set, every output byte held against the reference.

    Of ``data`` the first ``count`` samples (0: all) are run. A run that was stopped goes on where it was when the same
    model, image, data and board are asked for again, unless ``fresh``.

    Raises:
        DataError: the samples do not fit the model or have no labels.
        EdgekitError: whatever ``run`` raises; a difference is a result and no error.
    """
    where = _reserved(bundle)
    job = replace(_job(model, board, out, toolchain, progress, optimize=optimize), port=port)
    found = evaluation.evaluate(job, _samples(data, job.graph), count=count, fresh=fresh)
    if where is not None:
        options = {"optimize": optimize, "port": port, "count": count, "samples": found.sample_source}
        keeping.keep(job, where, found.json(), image=found.image, raw=found.raw, options=options)
    evaluation.forget(found)
    return found


def profile(
    model: ModelLike,
    board: BoardLike,
    samples: SamplesLike | None = None,
    *,
    layers_of: int = 0,
    toolchain: str = "zig",
    optimize: str = "balanced",
    progress: Progress = silent,
    out: Path | str | None = None,
    port: str = "",
    runs: int = 0,
    warmups: int = 1,
    meter: Settings | None = None,
    wish: Wish | None = None,
    on_bytes: flashing.FlashProgress = silent,
    bundle: Path | str | None = None,
) -> Profile:
    """What one inference costs on a board, layer by layer, after verifying that it is right.

    With ``wish`` the board is flashed first as ``flash`` does, unless it runs this build already.

    ``runs`` inferences are timed after ``warmups`` of 0 to 32 (0 runs: 20, on an emulated board 1). ``meter`` measures
    energy; without it energy is estimated where the board file has the board's active power.

    Raises:
        MeterError: the meter fails or cannot be trusted.
        EdgekitError: whatever ``verify`` raises.
    """
    if not 0 <= warmups <= RUNS_MAX or runs < 0:
        found, allowed = f"{runs} runs, {warmups} warm-ups", f"0 or more, 0 to {RUNS_MAX}"
        raise UsageError(Problem("so many inferences cannot be timed", found=found, allowed=allowed))
    where = _reserved(bundle)
    job = _job(model, board, out, toolchain, progress, optimize=optimize)
    job = replace(job, layers_of=layers_of, port=port, runs=runs, warmups=warmups, meter=meter)
    if wish is not None:
        job = replace(job, put=flashing.first(job.board, replace(wish, port=wish.port or port), on_bytes))
    result = execution.profile(job, _samples(samples, job.graph))
    if where is not None:
        verified = result.verification
        options = {"optimize": optimize, "layers_of": layers_of, "port": port, "samples": verified.sample_source,
                   "runs": runs, "warmups": warmups, "meter": meter or ""}  # fmt: skip
        keeping.keep(job, where, result.json(), image=verified.image, raw=result.raw, options=options)
    return result


def _reserved(bundle: Path | str | None) -> Path | None:
    """The folder of a bundle, after it was found fit to be written to."""
    if bundle is None:
        return None
    bundles.reserve(Path(bundle))
    return Path(bundle)


def _job(
    model: ModelLike,
    board: BoardLike,
    out: Path | str | None,
    toolchain: str,
    progress: Progress,
    *,
    optimize: str,
) -> Job:
    """Everything read and planned; nothing written yet."""
    where = _board(board)
    data = model if isinstance(model, bytes) else None
    graph = load(model)
    if isinstance(model, str | Path):
        data = Path(model).read_bytes()
    optimised = optimise(graph)
    return Job(
        graph=graph,
        optimised=optimised,
        data=data,
        board=where,
        plan=make_plan(optimised, where, optimize=optimize),
        out=Path(out) if out is not None else None,
        toolchain=toolchain,
        progress=progress,
    )


def _objective(name: str) -> Objective:
    if name not in set(Objective):
        raise UsageError(Problem("kernels cannot be chosen for that", found=f"'{name}'", allowed=", ".join(Objective)))
    return Objective(name)


def _board(board: BoardLike) -> Board:
    return board if isinstance(board, Board) else board_files.load(board)


def _samples(samples: SamplesLike | None, graph: Graph) -> Samples:
    if samples is None:
        return sample_files.made_up(graph)
    return samples if isinstance(samples, Samples) else sample_files.load(samples, graph)
