"""From a planned model to results: build it, switch a board on, run, compare, count."""

from __future__ import annotations

import hashlib
import platform
import shlex
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgekit import analysis, energy, reference, resources, timing
from edgekit.board import Board
from edgekit.costs import Cycles, Energy, Latency, LayerProfile
from edgekit.device import link, measure, tensors
from edgekit.device import results as device_results
from edgekit.device.deploy import Bench, Image, deploy
from edgekit.device.meters.registry import Settings, open_meter
from edgekit.errors import InternalError, Problem, UserError
from edgekit.ir.graph import Array, Graph
from edgekit.plan import costs as cost_tables
from edgekit.plan.plan import Plan
from edgekit.results import (
    Build,
    How,
    ImageInfo,
    LayerCheck,
    ModelInfo,
    Profile,
    Run,
    SampleInfo,
    Sizes,
    Stack,
    Tool,
    Verification,
)
from edgekit.samples import Samples, answer, real_values
from edgekit.scoring import score
from edgekit.toolchain import compilers, footprint, project

if sys.platform != "win32":
    import fcntl

Progress = Callable[[str, int, int], None]
"""Called with a stage, what is done of it and its whole (0: unknown)."""


_TIMED_RUNS = 20
_SUSTAINED_S = 0.5
_NOT_RUN = "the stack is known after a run (edgekit profile)"
_NOT_ALONE = "code and static data of the model alone are not known: this board's only image has the harness in it"
_NO_STACK = "nothing measures the stack on this board"


def silent(stage: str, done: int, whole: int) -> None:
    """Progress that nobody wants to hear of."""
    del stage, done, whole


@dataclass(frozen=True)
class Job:
    """A model planned for a board. ``data`` is the .tflite file's bytes, None if the graph came without.

    ``layers_of`` limits the comparison of every layer to the first so many samples, 0 to none: the outputs of all
    are compared anyway. ``task`` is the MLPerf Tiny task the firmware names itself by; empty: the model's name.
    ``runs`` inferences are timed after ``warmups`` (0: 20, and 1 where the board is emulated and each run the same).
    ``put`` puts the image onto the board and gives the board's port; None: it is there, or the board is emulated.
    """

    graph: Graph
    optimised: Graph
    data: bytes | None
    board: Board
    plan: Plan
    out: Path | None
    toolchain: str
    progress: Progress
    layers_of: int = 0
    task: str = ""
    port: str = ""
    runs: int = 0
    warmups: int = 1
    meter: Settings | None = None
    put: Callable[[Image], str] | None = None

    @property
    def model(self) -> ModelInfo:
        """The model as its file has it, before any pass."""
        tensors = [self.graph.tensors[n] for n in self.graph.inputs]
        inputs = tuple(f"{t.dtype.value} {'x'.join(map(str, t.shape))}" for t in tensors)
        return ModelInfo(self.graph.name, self.graph.sha256, self.graph.macs, inputs)


def build(job: Job, *, dry_run: bool = False) -> Build:
    """Generate the project and build its images; ``dry_run`` only says what would be done."""
    out = job.out or _cached(job)
    compiler = compilers.find(job.toolchain, job.board.target)
    tool = Tool(compiler.toolchain, compiler.version)
    ram, flash = analysis.available(job.board)
    if dry_run:
        files, build_id = project.project_files(job.plan, job.board, compiler, job.task)
        sizes = Sizes(
            arena=job.plan.arena_bytes,
            weights=job.plan.weight_bytes,
            board_ram=ram,
            board_flash=flash,
            notes=("code, static data and the image's sizes are known after a build, the stack after a run",),
        )
        commands = tuple(shlex.join(c) for c in project.commands(out, compiler))
        return Build(job.plan, job.board.name, out, tool, sizes, None, None, build_id, tuple(sorted(files)), commands)
    job.progress("generating C", 0, 0)
    written = project.write_project(job.plan, job.board, out, toolchain=job.toolchain, task=job.task)
    built = project.build(written, lambda done, whole, _what: job.progress("building", done, whole))
    size = footprint.measure(built, job.plan.weight_bytes, job.plan.arena_bytes)
    footprint.check_stack(size, job.board)
    alone = built.bare is not None
    sizes = Sizes(
        arena=size.ram_arena,
        stack_bound=size.stack_bound.bytes if size.stack_bound else None,
        static=size.ram_static if alone else None,
        weights=size.flash_weights,
        code=size.flash_code if alone else None,
        image_ram=size.image_ram,
        image_flash=size.image_flash,
        board_ram=ram,
        board_flash=flash,
        notes=_unknown(size, alone=alone),
    )
    files = tuple(sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if _is_source(p, out)))
    return Build(
        job.plan,
        job.board.name,
        out,
        tool,
        sizes,
        built.elf,
        built.bin or built.hex or built.elf,
        built.build_id,
        files,
        stack=tuple(
            Stack(what, bound.bytes, bound.chain)
            for what, bound in (("one inference", size.stack_bound), ("the whole image", size.image_stack_bound))
            if bound is not None
        ),
        stack_reserved=size.stack_reserved,
        code_parts=size.code_parts,
        static_parts=size.static_parts,
    )


def _unknown(size: footprint.Footprint, *, alone: bool) -> tuple[str, ...]:
    """Why parts of the model's sizes are not known after a build."""
    if not alone:
        return (_NOT_ALONE, _NO_STACK)
    return (_NOT_RUN,) if size.stack_bound is None else ()


def _is_source(path: Path, out: Path) -> bool:
    return path.is_file() and path.relative_to(out).parts[0] != "build"


def _cached(job: Job) -> Path:
    """The folder in the user's cache for this model, board and toolchain."""
    name = f"{job.plan.model}-{job.plan.sha256[:8] or 'graph'}-{job.board.name}-{job.toolchain}"
    return resources.user_cache() / "builds" / name


@contextmanager
def alone(job: Job) -> Generator[None]:
    """Keep another edgekit from rebuilding the same cached project meanwhile, where the system has file locks."""
    folder = _cached(job)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "Let XDG_CACHE_HOME name a folder that can be written to."
        raise UserError(Problem(f"cannot make edgekit's cache: {error}", str(folder.parent), hint=hint)) from error
    with (folder.parent / f".{folder.name}.lock").open("w") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def on_board(job: Job) -> Generator[tuple[Build, Bench]]:
    """The built image on its board, switched on and with a session to it."""
    with alone(job):
        built = build(job)
        if built.elf is None or built.image is None:
            raise InternalError(Problem("a board needs an image", str(built.out)))
        image = Image(built.image, built.elf, built.build_id)
        port = job.put(image) if job.put else job.port
        job.progress(f"reaching {port}" if port else f"switching {job.board.name} on", 0, 0)
        with deploy(job.board, job.plan, image, port=port) as bench:
            yield built, bench


def run(job: Job, samples: Samples) -> Run:
    """Outputs for every sample."""
    with on_board(job) as (_, bench):
        how = bench.how
        outputs = [tuple(o) for o in _outputs(job, bench, samples, "running")]
    slots = [job.plan.slots[i] for i in job.plan.outputs]
    real = [tuple(real_values(a, s.scale, s.zero_point) for a, s in zip(one, slots, strict=True)) for one in outputs]
    names = tuple(s.tensor for s in slots)
    return Run(job.model, job.board.name, how, names, tuple(outputs), tuple(real), samples.source)


def verify(job: Job, samples: Samples) -> Verification:
    """Every layer's output, byte by byte."""
    with on_board(job) as (built, bench):
        return _verify(job, built, bench, samples)


def profile(job: Job, samples: Samples) -> Profile:
    """Costs of one inference of the first sample, after all samples were verified."""
    with ExitStack() as opened:
        # The meter comes first: it may be what feeds the board.
        meter = opened.enter_context(closing(open_meter(job.meter))) if job.meter is not None else None
        built, bench = opened.enter_context(on_board(job))
        verified = _verify(job, built, bench, samples)
        costs = measure.profile(
            bench.session,
            job.plan,
            samples.inputs[0],
            runs=job.runs or (1 if bench.how == "emulated" else _TIMED_RUNS),
            warmups=job.warmups,
            how=bench.how,
            counter=bench.counter,
            progress=_stage(job, "counting" if bench.counter else "timing"),
        )
        cycles = timing.cycles(job.board, bench.how, costs)
        latency = timing.latency(job.board, bench.how, costs, cycles)
        if bench.how == "measured":
            window = measure.sustained(bench.session, job.plan, samples.inputs[0], _SUSTAINED_S)
            latency = timing.with_window(latency, *window)
        used = energy.estimate(job.board, latency)
        if meter is not None and job.meter is not None:
            used = energy.measure(
                bench.session,
                meter,
                job.meter,
                board=job.board,
                how=bench.how,
                load=lambda: tensors.load(bench.session, job.plan, samples.inputs[0]),
                progress=_stage(job, f"measuring energy with {meter.about.name}"),
            )
    return _profile(job, built, verified, costs, (cycles, latency, used))


def _stage(job: Job, name: str) -> link.Progress:
    def progress(done: int, whole: int) -> None:
        job.progress(name, done, whole)

    return progress


def _outputs(job: Job, bench: Bench, samples: Samples, stage: str) -> list[list[Array]]:
    results: list[list[Array]] = []
    for i, inputs in enumerate(samples.inputs):
        results.append(measure.run(bench.session, job.plan, inputs))
        job.progress(stage, i + 1, len(samples))
    return results


def _verify(job: Job, built: Build, bench: Bench, samples: Samples) -> Verification:
    wanted = reference.make(job.graph, job.optimised, job.data)
    looked_into = samples.first(job.layers_of)
    stage = _stage(job, f"verifying every layer against {wanted.name}")
    found = measure.verify(bench.session, job.plan, wanted.values, looked_into.inputs, how=bench.how, progress=stage)
    outputs = tuple(_check(c, found.missing) for c in found.outputs)
    right = None
    if samples.labels or len(samples) > len(looked_into):
        every = _outputs(job, bench, samples, "running further samples")
        for i in range(len(looked_into), len(samples)):
            values = wanted.values(samples.inputs[i])
            outputs = tuple(compared(c, o, values) for c, o in zip(outputs, every[i], strict=True))
        if samples.labels:
            right = score(samples.labels, [answer_of(job, o) for o in every], samples.classes)
    return Verification(
        model=job.model,
        board=job.board.name,
        how=bench.how,
        reference=wanted.name,
        samples=found.samples,
        output_samples=len(samples),
        sample_source=samples.source,
        layers=tuple(_check(c, found.missing) for c in found.layers),
        outputs=outputs,
        toolchain=built.toolchain,
        accuracy=right,
        sample_info=SampleInfo(samples.sha256, samples.first_sha256),
        image=image_info(built),
    )


def answer_of(job: Job, outputs: Sequence[Array]) -> int:
    """The class that a sample's outputs name."""
    slot = job.plan.slots[job.plan.outputs[0]]
    return answer(outputs[0], slot.scale, slot.zero_point)


def image_info(built: Build) -> ImageInfo | None:
    """The image that a board runs, None after a dry run."""
    if built.image is None:
        return None
    data = built.image.read_bytes()
    return ImageInfo(built.image.name, hashlib.sha256(data).hexdigest(), len(data), built.build_id)


def compared(check: LayerCheck, got: Array, values: Mapping[str, Array]) -> LayerCheck:
    """``check`` with one more sample's output added."""
    want = values[check.tensor]
    raw = [np.frombuffer(np.ascontiguousarray(a).tobytes(), np.uint8).reshape(want.size, -1) for a in (got, want)]
    unlike = (raw[0] != raw[1]).any(axis=1)
    apart = np.abs(got.reshape(-1)[unlike].astype(np.float64) - want.reshape(-1)[unlike].astype(np.float64))
    return replace(
        check,
        bytes=check.bytes + want.nbytes,
        different=check.different + int(unlike.sum()),
        largest=max([check.largest, *np.nan_to_num(apart, nan=np.inf).tolist()]),
    )


def _check(check: device_results.TensorCheck, missing: Sequence[str]) -> LayerCheck:
    return LayerCheck(
        name=check.layer or f"(output {check.tensor})",
        op=check.op,
        tensor=check.tensor,
        bytes=check.bytes,
        different=check.mismatches,
        largest=check.largest,
        missing=check.tensor in missing,
    )


def _profile(
    job: Job,
    built: Build,
    verified: Verification,
    costs: device_results.Run,
    found: tuple[Cycles, Latency, Energy],
) -> Profile:
    how = verified.how
    counts = timing.counts_cycles(job.board, costs)
    cycles, latency, used = found
    return Profile(
        model=job.model,
        board=job.board.name,
        board_title=job.board.title,
        core=job.board.target.core,
        clock_hz=job.board.target.clock_hz,
        how=verified.how,
        emulator=job.board.emulator if verified.how == "emulated" else "",
        verification=verified,
        instructions=costs.instructions,
        cycles=cycles,
        latency_us=None if latency.median is None else round(latency.median, 3),
        latency_how="measured, median" if how == "measured" else latency.how,
        sizes=_with_stack(built.sizes, costs.stack),
        layers=tuple(_layer(job, how, i, cost, counts=counts) for i, cost in enumerate(costs.layers)),
        toolchain=built.toolchain,
        latency=latency,
        energy=used,
        notes=(*_notes(job), *timing.notes(latency)),
        machine=_machine() if job.board.target.core == "host" else "",
        raw=_raw(costs, latency, used),
    )


def _with_stack(sizes: Sizes, stack: int) -> Sizes:
    """``sizes`` after a run; firmware that cannot tell its stack says 0."""
    return replace(sizes, stack=stack, notes=tuple(n for n in sizes.notes if n != _NOT_RUN)) if stack else sizes


def _machine() -> str:
    """This computer's processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _raw(costs: device_results.Run, latency: Latency, used: Energy) -> dict[str, Array]:
    """The single readings, by the names of ``edgekit.bundle.RAW``."""
    raw: dict[str, Array] = {"layer_cycles": np.array([c.cycles for c in costs.layers], np.int64)}
    if costs.instructions is not None:
        raw["layer_instructions"] = np.array([c.instructions for c in costs.layers], np.int64)
    if latency.samples:
        raw["latency_us"] = np.array(latency.samples, np.float64)
    if used.trace is not None:
        raw["current_s"] = used.trace.seconds
        raw["current_a"] = used.trace.amperes
        raw["windows_s"] = np.array(used.trace.windows, np.float64).reshape(-1, 2)
    return raw


def _layer(job: Job, how: How, index: int, cost: device_results.LayerCost, *, counts: bool) -> LayerProfile:
    layer = job.plan.layers[index]
    cycles = cost.cycles if how == "measured" and counts else cost.counted_cycles
    return LayerProfile(layer.name, layer.op, layer.kernel, layer.macs, cost.instructions, cycles, layer.weight_bytes)


def _notes(job: Job) -> tuple[str, ...]:
    notes: list[str] = []
    saved = job.graph.macs - job.plan.macs
    if saved:
        share = f"{saved:,} of the model's MACs ({saved / job.graph.macs:.0%})"
        notes.append(f"{share} cannot change any output byte and are left out")
    if job.board.target.bare_metal and cost_tables.table(job.plan.core) is None:
        notes.append(f"no cost table of {job.plan.core} yet: kernels by their rank, whatever --optimize says")
    return tuple(notes)
