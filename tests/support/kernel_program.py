"""A C program that runs one kernel over all its cases and checks every byte it may and may not touch.

The same program runs on this machine under sanitizers and on emulated cores. Each case is planned three ways: in
one band, in bands of one row, and (row-wise layers) with input and output held as the smallest rings of rows. Before
each step the rows it may read are put in place, the rest of the arena holds a pattern; after it only the output and
the scratch may have changed, and the rows it computed must equal the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from support import graphs
from support.graphs import Case

from edgekit.board import Target
from edgekit.codegen.render import render
from edgekit.ir import interp
from edgekit.ir.graph import Array, Graph
from edgekit.plan.kernels import Kernel
from edgekit.plan.make import make
from edgekit.plan.plan import Layer, Plan, Slot, Step

_GAP = 32


@dataclass(frozen=True)
class Entry:
    """A case planned in one way, with its inputs and the values its outputs must have."""

    graph: Graph
    plan: Plan
    samples: tuple[tuple[list[Array], list[Array]], ...]
    windows: tuple[tuple[tuple[int, int], ...], ...]


def cases_of(kernel: Kernel) -> list[Case]:
    """Cases of every op the kernel can run."""
    found: list[Case] = []
    for case in graphs.kernel_cases():
        if kernel.family == case.op.FAMILY:
            view = graphs.graph(case).views()[0]
            if kernel.applies(case.op.lower(view).ints):
                found.append(case)
    return found


def entries(kernel: Kernel, target: Target, cases: Sequence[Case], *, brief: bool = False) -> list[Entry]:
    """Every case planned every way, named k000, k001 ...; ``brief``: whole and in the smallest rings of two rows."""
    result: list[Entry] = []
    for case in cases:
        graph = graphs.graph(case)
        samples = tuple(
            (inputs, interp.outputs(graph, inputs)) for inputs in graphs.samples(graph, count=1)[2 if brief else 0 :]
        )
        for plan in _plans(kernel, graph, target, brief=brief):
            named = replace(plan, model=f"k{len(result):03d}", title=f"{kernel.name} {case.name}")
            result.append(Entry(graph, _renamed(named, plan.model), samples, _windows(graph, plan)))
    return result


def write_program(folder: Path, items: Sequence[Entry]) -> list[Path]:
    """The program's C files in ``folder``; compile all of them with firmware/include on the path and a port."""
    for item in items:
        for name, text in render(item.plan).items():
            if name.endswith((".c", ".h")) and not name.endswith("_info.c"):
                path = folder / Path(name).name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    source = folder / "driver.c"
    source.write_text(_driver(items), encoding="utf-8")
    return [source]


def _plans(kernel: Kernel, graph: Graph, target: Target, *, brief: bool) -> Iterator[Plan]:
    forced = {kernel.family: kernel.name}
    whole = make(graph, target, forced)
    yield whole
    layer = whole.layers[0]
    if layer.rowwise and layer.rows > 1:
        if not brief:
            yield make(graph, target, forced, band_rows=1)
        for band in (2,) if brief else (1, 2):
            yield _ringed(graph, make(graph, target, forced, band_rows=band))


def _windows(graph: Graph, plan: Plan) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Per step, the rows of each activation input that it reads."""
    view = graph.views()[0]
    op = view.node.op
    layer = plan.layers[0]
    result: list[tuple[tuple[int, int], ...]] = []
    for step in plan.steps:
        rows: list[tuple[int, int]] = []
        for index in op.activations(view):
            slot = next((s for s in plan.slots if s.tensor == view.input(index).name), None)
            if slot is None:
                continue
            if layer.accumulates:
                window = step.begin, step.end
            else:
                window = op.input_rows(view, index, step.begin, step.end) if layer.rowwise else (0, slot.rows)
            rows.append((max(window[0], 0), min(window[1], slot.rows)))
        result.append(tuple(rows))
    return tuple(result)


def _ringed(graph: Graph, plan: Plan) -> Plan:
    """``plan`` with every tensor in the smallest ring of rows its steps allow, none sharing bytes."""
    windows = _windows(graph, plan)
    computed = [i for i in plan.layers[0].inputs if i >= 0]
    need = {slot: max(w[k][1] - w[k][0] for w in windows) for k, slot in enumerate(computed)}
    if not plan.layers[0].accumulates:
        need |= {slot: max(s.end - s.begin for s in plan.steps) for slot in plan.layers[0].outputs}
    offset = 0
    slots: list[Slot] = []
    for i, slot in enumerate(plan.slots):
        ring = max(need.get(i, slot.rows), 1)
        slots.append(replace(slot, offset=offset, ring_rows=ring))
        offset += -(-slots[-1].bytes // plan.arena_align) * plan.arena_align + plan.arena_align
    layer = replace(plan.layers[0], scratch=offset)
    return replace(plan, slots=tuple(slots), layers=(layer,), arena_bytes=offset + layer.scratch_bytes + _GAP)


def _renamed(plan: Plan, old: str) -> Plan:
    def name(text: str) -> str:
        return plan.model + text.removeprefix(old)

    layers = tuple(replace(layer, constants={k: name(v) for k, v in layer.constants.items()}) for layer in plan.layers)
    return replace(plan, layers=layers, constants=tuple(replace(c, name=name(c.name)) for c in plan.constants))


def _checked(layer: Layer, step: Step) -> tuple[int, int]:
    """The output rows that a step has finished; an end of -1 is all."""
    if layer.accumulates:
        return (0, -1) if step.end == layer.rows else (0, 0)
    return (step.begin, step.end) if layer.rowwise else (0, -1)


def _driver(items: Sequence[Entry]) -> str:
    includes = [f'#include "{e.plan.model}{suffix}.c"' for e in items for suffix in ("_weights", "_kernels", "")]
    tables = [_tables(e) for e in items]
    listed = ",\n".join(f"    &{e.plan.model}_case" for e in items)
    arena = max(e.plan.arena_bytes for e in items)
    head = f"#define ARENA_BYTES {arena + 2 * _GAP}U\n#define CASES {len(items)}U\n"
    main = (Path(__file__).parent / "kernel_driver.c").read_text(encoding="utf-8")
    before, after = main.split("/* CASES HERE */\n")
    return "\n".join(
        [head, before, *includes, *tables, f"static const test_case *const cases[] = {{\n{listed}}};\n", after]
    )


def _tables(entry: Entry) -> str:
    m, plan = entry.plan.model, entry.plan
    layer = plan.layers[0]
    inputs = [plan.slots[i] for i in layer.inputs if i >= 0]
    outputs = [plan.slots[i] for i in layer.outputs]
    order = [plan.inputs.index(i) for i in layer.inputs if i >= 0]
    data = b"".join(
        b"".join(sample[0][k].tobytes() for k in order) + b"".join(a.tobytes() for a in sample[1])
        for sample in entry.samples
    )
    spans = [f"{{{s.offset}, {s.images}, {s.rows}, {s.ring_rows}, {s.row_bytes}}}" for s in (*inputs, *outputs)]
    steps = [
        f"{{{', '.join(map(str, _checked(layer, s)))}, {{{', '.join(f'{{{a}, {b}}}' for a, b in w) or '{0, 0}'}}}}}"
        for s, w in zip(plan.steps, entry.windows, strict=True)
    ]
    return f"""
static const uint8_t {m}_data[] = {{{",".join(map(str, data))}}};
static const tensor {m}_tensors[] = {{{", ".join(spans)}}};
static const step_rows {m}_steps[] = {{{", ".join(steps)}}};
static const test_case {m}_case = {{
    "{plan.title}", {m}_step, {m}_data, {m}_tensors, {m}_steps, {len(plan.steps)}U, {len(entry.samples)}U,
    {len(inputs)}U, {len(outputs)}U, {layer.scratch}U, {layer.scratch_bytes}U, {plan.arena_bytes}U,
}};
"""
