"""Graph and target to Plan: kernels, packed constants, schedule, arena.

Kernels are chosen before memory is planned, because scratch, alignment and in-place belong to the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgekit.board import Target
from edgekit.ir.graph import Array, Graph, image_rows
from edgekit.plan import schedule, search, select
from edgekit.plan.flow import Flow, Work, flow_of
from edgekit.plan.memory import WORD, Memory, bands, plan_memory
from edgekit.plan.plan import Constant, Layer, Plan, Step
from edgekit.plan.schedule import Segment
from edgekit.plan.select import Objective

_CTYPES = {
    "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t",
    "uint32": "uint32_t", "int64": "int64_t", "float32": "float", "bool": "uint8_t",
}  # fmt: skip
_MVE_ALIGN = 16
_MAX_NAME = 64
_C_HEADERS = {
    "assert", "complex", "ctype", "errno", "fenv", "float", "inttypes", "iso646", "limits", "locale",
    "math", "setjmp", "signal", "stdalign", "stdarg", "stdatomic", "stdbool", "stddef", "stdint",
    "stdio", "stdlib", "stdnoreturn", "string", "tgmath", "threads", "time", "uchar", "wchar", "wctype",
}  # fmt: skip
"""A model's header of one of these names would be taken for the C library's."""


def make(
    graph: Graph,
    target: Target,
    kernel_names: Mapping[str, str] | None = None,
    *,
    band_rows: int = 0,
    objective: Objective = Objective.BALANCED,
    segments: Sequence[Segment] | None = None,
    room: int = 0,
) -> Plan:
    """Plan ``graph`` for ``target``.

    ``kernel_names`` forces a kernel for a family (tests and benchmarks do), ``segments`` what is computed band by band,
    ``band_rows`` splits every row-wise layer into bands of that many rows, one layer after the other. Without any of
    them ``objective`` decides between kernels and between ways to compute the model, of which those whose arena has
    at most ``room`` bytes go first (0: not limited).

    Raises:
        UnsupportedError: if a layer has no kernel on this target.
    """
    choices = select.choose(graph, target, objective, kernel_names)
    align = slot_align(target)
    if segments is None and not kernel_names and not band_rows:
        way = search.pick(search.front(graph, choices, target, align), choices, target, objective, room)
        flow, steps = way.flow, way.steps
    else:
        flow = flow_of(graph, schedule.streamed(choices, segments or (), target))
        steps = _split(flow, band_rows) if band_rows else schedule.order(flow, segments or ())
    return assemble(graph, target, flow, steps, plan_memory(graph, flow, steps, align))


def front(graph: Graph, target: Target) -> tuple[tuple[search.Way, ...], int]:
    """The ways to compute ``graph`` that no other beats, fastest first; predicted instructions of the first one."""
    choices = select.choose(graph, target, Objective.BALANCED)
    return search.front(graph, choices, target, slot_align(target)), search.instructions(choices, target)


def slot_align(target: Target) -> int:
    """Bytes that tensors are aligned to."""
    return _MVE_ALIGN if "mve" in target.isas else WORD


def assemble(graph: Graph, target: Target, flow: Flow, steps: tuple[Step, ...], memory: Memory) -> Plan:
    """The plan of layers, order and memory that were decided on."""
    pool = _Pool(c_name(graph.name))
    most = bands(flow, steps)
    layers = tuple(_layer(work, most[work.number], memory, pool) for work in flow.works)
    return Plan(
        model=c_name(graph.name),
        title=graph.name,
        sha256=graph.sha256,
        core=target.core,
        isas=target.isas,
        macs=graph.macs,
        arena_bytes=-(-memory.size // WORD) * WORD,
        arena_align=max([_MVE_ALIGN, *(w.choice.kernel.align for w in flow.works)]),
        lower_bound=memory.lower_bound,
        layers=layers,
        steps=steps,
        slots=memory.slots,
        constants=tuple(pool.constants),
        inputs=tuple(memory.index(name) for name in graph.inputs),
        outputs=tuple(memory.index(name) for name in graph.outputs),
    )


def c_name(title: str) -> str:
    """A C identifier for a model's title that also names files.

    Lower case, at most 64 characters, no leading digit, no header of the C library and not the runtime's ``ek_``.
    """
    name = re.sub(r"\W+", "_", title, flags=re.ASCII).strip("_").lower()[:_MAX_NAME].rstrip("_")
    taken = not name or name[0].isdigit() or name in _C_HEADERS or f"{name}_".startswith("ek_")
    return f"m_{name}".rstrip("_") if taken else name


def _split(flow: Flow, rows: int) -> tuple[Step, ...]:
    """One layer after the other, row-wise ones in bands of ``rows`` rows."""
    steps: list[Step] = []
    for work in flow.works:
        band = rows if work.choice.rowwise else work.rows
        steps += [Step(work.number, k, min(k + band, work.rows)) for k in range(0, work.rows, max(band, 1))]
    return tuple(steps)


@dataclass
class _Pool:
    """Constants by content, so that equal arrays are stored once."""

    model: str
    constants: list[Constant] = field(default_factory=list[Constant])
    _names: dict[tuple[str, bytes], str] = field(default_factory=dict[tuple[str, bytes], str])

    def add(self, layer: int, array_name: str, array: Array, where: str) -> tuple[str, int]:
        """Name of the constant and the bytes it adds to flash (0 if it was there already)."""
        data = np.ascontiguousarray(array)
        ctype = _CTYPES[data.dtype.name]
        raw = data.astype(data.dtype.newbyteorder("<")).tobytes()
        known = self._names.get((ctype, raw))
        if known is not None:
            return known, 0
        name = f"{self.model}_w{layer:02d}_{array_name}"
        self.constants.append(Constant(name, ctype, data.size, raw, f"{array_name} of {where}"))
        self._names[ctype, raw] = name
        return name, len(raw)


def _layer(work: Work, band: int, memory: Memory, pool: _Pool) -> Layer:
    number, view, kernel, lowered = work.number, work.choice.view, work.choice.kernel, work.choice.lowered
    names: dict[str, str] = {}
    added = 0
    for array, data in work.choice.packed.items():
        names[array], new = pool.add(number, array, data, view.node.name)
        added += new
    inputs: list[int] = []
    for position, index in enumerate(view.node.op.activations(view)):
        tensor = view.input(index)
        if tensor.data is not None:
            names[f"input{position}"], new = pool.add(number, f"input{position}", tensor.data, view.node.name)
            added += new
        inputs.append(memory.index(tensor.name))
    ints = work.choice.ints(band) if "band" in (*kernel.fields, *kernel.specialise) else dict(lowered.ints)
    offset, scratch_bytes = memory.scratch[number]
    return Layer(
        name=view.node.name,
        origin=view.node.origin,
        op=view.node.op.NAME,
        kernel=kernel.name,
        template=kernel.template,
        why=kernel.summary,
        macs=view.node.op.macs(view),
        ints=ints,
        fields=kernel.fields,
        specialise=kernel.specialise,
        constants=names,
        inputs=tuple(inputs),
        outputs=tuple(memory.index(t.name) for t in view.outputs),
        scratch=offset,
        scratch_bytes=scratch_bytes,
        weight_bytes=added,
        rowwise=work.choice.rowwise,
        accumulates=work.accumulates,
        images=image_rows(view.output.shape)[0],
        rows=work.rows,
    )
