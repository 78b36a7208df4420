"""Arena slots for every tensor and scratch for every layer, from the schedule's lifetimes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgekit.ir.graph import Graph, image_rows
from edgekit.plan import arena
from edgekit.plan.kernels import Choice
from edgekit.plan.plan import Slot, Step

WORD = 4


@dataclass(frozen=True)
class Memory:
    """Slots of the tensors, scratch (offset, bytes) of the layers, and how good the layout is."""

    slots: tuple[Slot, ...]
    scratch: tuple[tuple[int, int], ...]
    size: int
    lower_bound: int

    def index(self, tensor: str) -> int:
        """Position of a tensor's slot, -1 for a constant."""
        return next((i for i, s in enumerate(self.slots) if s.tensor == tensor), -1)


@dataclass(frozen=True)
class _Life:
    """First and last step, both included, at which bytes must exist."""

    first: int
    last: int

    def joined(self, other: _Life) -> _Life:
        return _Life(min(self.first, other.first), max(self.last, other.last))


def plan_memory(graph: Graph, choices: Sequence[Choice], steps: Sequence[Step], align: int) -> Memory:
    """Give every computed tensor of ``graph`` a slot; ``align`` is that of slots in bytes."""
    spans = [_span(i, steps) for i in range(len(choices))]
    layer_of = {id(c.view.node): i for i, c in enumerate(choices)}
    life = _lifetimes(graph, layer_of, spans, len(steps))
    ends = {id(c.view.node): span.last for c, span in zip(choices, spans, strict=True) if c.kernel.inplace}
    owner = _owners(graph, life, ends)
    groups: dict[str, list[str]] = {}
    for name in life:
        groups.setdefault(owner[name], []).append(name)
    blocks = [_block(graph, members, life, align) for members in groups.values()]
    blocks += [
        arena.Block(c.kernel.scratch_bytes(c.lowered.ints), span.first, span.last, max(c.kernel.align, WORD))
        for c, span in zip(choices, spans, strict=True)
    ]
    layout = arena.lay_out(blocks)
    place = dict(zip(groups, layout.offsets, strict=False))
    return Memory(
        slots=tuple(_slot(graph, name, place[owner[name]], life[name]) for name in life),
        scratch=tuple((o, b.size) for o, b in zip(layout.offsets[len(groups) :], blocks[len(groups) :], strict=True)),
        size=layout.size,
        lower_bound=layout.lower_bound,
    )


def _span(layer: int, steps: Sequence[Step]) -> _Life:
    mine = [k for k, step in enumerate(steps) if step.layer == layer]
    return _Life(mine[0], mine[-1])


def _lifetimes(graph: Graph, layer_of: Mapping[int, int], spans: Sequence[_Life], end: int) -> dict[str, _Life]:
    """Life of every computed tensor, in the order they come to life; model inputs exist from the first step."""
    life = {name: _Life(0, 0) for name in graph.inputs if graph.tensors[name].data is None}
    for node in graph.nodes:
        reads = [n for n in node.inputs if n in life]
        if id(node) in layer_of:
            span = spans[layer_of[id(node)]]
        else:
            born = max((life[n].first for n in reads), default=0)
            span = _Life(born, born)
        for name in reads:
            life[name] = life[name].joined(span)
        life.update(dict.fromkeys(node.outputs, span))
    for name in graph.outputs:
        life[name] = replace(life[name], last=end)
    return life


def _owners(graph: Graph, life: Mapping[str, _Life], in_place_until: Mapping[int, int]) -> dict[str, str]:
    """Whose bytes each tensor uses: a reshape its input's, an in-place kernel's output those of a dying input.

    ``in_place_until`` gives the last step of every node whose kernel may write over its first input.
    """
    owner = {name: name for name in life}
    busy = {name: span.last for name, span in life.items()}

    def join(output: str, root: str) -> None:
        old = owner[output]
        for name, whose in owner.items():
            if whose == old:
                owner[name] = root
        busy[root] = max(busy[root], busy[old])

    reads = [(node, next((n for n in node.inputs if n in life), "")) for node in graph.nodes]
    # Views first: a tensor that is still read through a view made later must not be written over.
    for node, source in reads:
        if source and not node.op.FAMILY:
            join(node.outputs[0], owner[source])
    for node, source in reads:
        if not source or id(node) not in in_place_until:
            continue
        root, output = owner[source], node.outputs[0]
        same_size = graph.tensors[source].bytes == graph.tensors[output].bytes
        read_once = sum(owner.get(n) == root for n in node.inputs) == 1
        if same_size and read_once and busy[root] == in_place_until[id(node)]:
            join(output, root)
    return owner


def _block(graph: Graph, members: Sequence[str], life: Mapping[str, _Life], align: int) -> arena.Block:
    span = life[members[0]]
    for name in members[1:]:
        span = span.joined(life[name])
    return arena.Block(max(graph.tensors[n].bytes for n in members), span.first, span.last, align)


def _slot(graph: Graph, name: str, offset: int, span: _Life) -> Slot:
    tensor = graph.tensors[name]
    images, rows, elements = image_rows(tensor.shape)
    return Slot(
        tensor=name,
        shape=tensor.shape,
        dtype=tensor.dtype.value,
        offset=offset,
        images=images,
        rows=rows,
        ring_rows=rows,
        row_bytes=elements * tensor.dtype.size,
        first=span.first,
        last=span.last,
        scale=tensor.quant.scale[0] if tensor.quant else 0.0,
        zero_point=tensor.quant.zero_point[0] if tensor.quant else 0,
        channels=tensor.channels,
    )
