"""A plan played through byte by byte: who owns each byte of the arena at each step, and who reads what he owns.

Every step is played as unkindly as its kernel's header allows: scratch and output are spoiled before anything is read,
unless the header promises an order; then they are spoiled exactly in that order.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgekit.ir.graph import Graph, View, image_rows
from edgekit.plan.kernels import Kernel, catalogue
from edgekit.plan.plan import Layer, Plan, Slot, Step

Places = NDArray[np.int64]
_TENSOR = 1 << 32
_SCRATCH = -2
_KERNELS = {kernel.name: kernel for kernel in catalogue()}


class Arena:
    """The owner of every byte: tensor number and byte within it, a layer's scratch, or nobody."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph, self.plan = graph, plan
        self.owner = np.full(max(plan.arena_bytes, 1), -1, np.int64)
        self.number = {name: i for i, name in enumerate(graph.tensors)}
        self.views = [view for view in graph.views() if view.node.op.FAMILY]

    def source(self, name: str) -> str:
        """The tensor whose bytes ``name`` is a view of."""
        node = self.graph.producer(name)
        while node is not None and not node.op.FAMILY:
            name = next(n for n in node.inputs if n and self.graph.tensors[n].data is None)
            node = self.graph.producer(name)
        return name

    def ids(self, name: str, inside: Places) -> Places:
        """What the bytes at ``inside`` of a tensor are known as."""
        return self.number[self.source(name)] * _TENSOR + inside

    def holds(self, slot: Slot, inside: Places) -> bool:
        """Whether those bytes of a tensor are still where they should be."""
        return bool((self.owner[addresses(slot, inside)] == self.ids(slot.tensor, inside)).all())

    def put(self, slot: Slot, inside: Places) -> None:
        """Write those bytes of a tensor."""
        self.owner[addresses(slot, inside)] = self.ids(slot.tensor, inside)

    def play(self) -> None:
        """All steps; fails where a byte is read that is not there."""
        for index in self.plan.inputs:
            slot = self.plan.slots[index]
            self.put(slot, rows_of(slot, 0, slot.rows))
        for number, step in enumerate(self.plan.steps):
            self.step(number, step)
        for index in self.plan.outputs:
            slot = self.plan.slots[index]
            assert self.holds(slot, rows_of(slot, 0, slot.rows)), f"output {slot.tensor} is overwritten"

    def step(self, number: int, step: Step) -> None:
        """One step."""
        layer, view = self.plan.layers[step.layer], self.views[step.layer]
        kernel = _KERNELS[layer.kernel]
        reads = list(self.reads(layer, view, step))
        scratch = slice(layer.scratch, layer.scratch + layer.scratch_bytes)
        where = f"step {number} of {layer.name} ({layer.kernel})"
        assert scratch.stop <= self.plan.arena_bytes, where
        assert layer.scratch % kernel.align == 0, where
        if layer.accumulates and step.begin > 0:
            assert (self.owner[scratch] == _SCRATCH - step.layer).all(), f"{where}: its sums are overwritten"
        early = reads[:1] if kernel.holds(kernel.eats_input, layer.ints) and in_the_end(layer, reads) else []
        for slot, inside in early:
            assert self.holds(slot, inside), f"{where} reads {slot.tensor}, which is overwritten"
        self.owner[scratch] = _SCRATCH - step.layer
        late = [read for read in reads if not early or read[0] is not early[0][0]]
        for slot, inside in late:
            assert self.holds(slot, inside), f"{where} reads {slot.tensor}, which is overwritten"
        self.write(where, kernel, layer, step, late)
        if layer.accumulates and step.end < layer.rows:
            assert (self.owner[scratch] == _SCRATCH - step.layer).all(), f"{where}: it spoils its own sums"

    def write(self, where: str, kernel: Kernel, layer: Layer, step: Step, reads: list[tuple[Slot, Places]]) -> None:
        """The outputs of a step, in the order that the kernel promises."""
        outputs = [self.plan.slots[i] for i in layer.outputs]
        whole = (step.begin, step.end) == (0, layer.rows)
        if kernel.holds(kernel.inplace, layer.ints):
            self.in_order(where, outputs[0], written(layer, step, outputs[0]), reads)
            return
        over = kernel.holds(kernel.inplace_whole, layer.ints) and whole and reads[0][0].offset == outputs[0].offset
        for slot in outputs:
            if not layer.accumulates or step.end == layer.rows:
                self.put(slot, written(layer, step, slot))
        for slot, inside in reads[1:] if over else reads:
            assert self.holds(slot, inside), f"{where} overwrites its input {slot.tensor} while it reads it"

    def in_order(self, where: str, output: Slot, to: Places, reads: list[tuple[Slot, Places]]) -> None:
        """A piece of the output after the same piece of each input, the smallest pieces there can be."""
        pieces = self.pieces(output, to, reads)
        for piece in range(pieces):
            for slot, inside in reads:
                part = inside[len(inside) * piece // pieces : len(inside) * (piece + 1) // pieces]
                assert self.holds(slot, part), f"{where} has overwritten {slot.tensor} before it reads it"
            self.put(output, to[len(to) * piece // pieces : len(to) * (piece + 1) // pieces])

    def pieces(self, output: Slot, to: Places, reads: list[tuple[Slot, Places]]) -> int:
        """Elements where all have as many of them, else pixels; one piece where nothing is shared, to be quick."""
        mine = addresses(output, to)
        others = [addresses(slot, inside) for slot, inside in reads]
        if not any(np.intersect1d(mine, other).size for other in others):
            return 1
        if all(len(inside) == len(to) for _, inside in reads):
            return len(to)
        channels = output.shape[-1] if len(output.shape) > 1 else len(to)
        return max(1, len(to) // channels)

    def reads(self, layer: Layer, view: View, step: Step) -> Iterator[tuple[Slot, Places]]:
        """The bytes of each input that a step reads."""
        op = view.node.op
        for index, at in zip(op.activations(view), layer.inputs, strict=True):
            if at < 0:
                continue
            slot = self.plan.slots[at]
            rows = (0, slot.rows)
            if layer.accumulates:
                rows = step.begin, step.end
            elif layer.rowwise:
                rows = op.input_rows(view, index, step.begin, step.end)
            yield slot, rows_of(slot, max(rows[0], 0), min(rows[1], slot.rows))


def in_the_end(layer: Layer, reads: list[tuple[Slot, Places]]) -> bool:
    """Whether the first input lies in the second half of the scratch, or above."""
    return bool(reads) and reads[0][0].offset >= layer.scratch + layer.scratch_bytes // 2


def written(layer: Layer, step: Step, slot: Slot) -> Places:
    """The bytes of an output that a step writes."""
    if not layer.rowwise or layer.accumulates:
        return rows_of(slot, 0, slot.rows)
    return rows_of(slot, step.begin, step.end)


def rows_of(slot: Slot, begin: int, end: int) -> Places:
    """The bytes of rows [begin, end) of every image, counted in the whole tensor."""
    image = slot.rows * slot.row_bytes
    rows = np.arange(begin * slot.row_bytes, max(end, begin) * slot.row_bytes)
    return (np.arange(slot.images)[:, None] * image + rows[None, :]).reshape(-1)


def addresses(slot: Slot, inside: Places) -> Places:
    """Where bytes of a tensor lie in the arena."""
    image, rest = np.divmod(inside, max(slot.rows * slot.row_bytes, 1))
    row, byte = np.divmod(rest, max(slot.row_bytes, 1))
    ring = slot.ring_rows * slot.row_bytes
    places: Places = slot.offset + image * ring + row % max(slot.ring_rows, 1) * slot.row_bytes + byte
    return places


def views_agree(graph: Graph, plan: Plan) -> None:
    """A view of a tensor sees its bytes where they are."""
    arena = Arena(graph, plan)
    slots = {slot.tensor: slot for slot in plan.slots}
    for slot in plan.slots:
        root = slots[arena.source(slot.tensor)]
        inside = rows_of(slot, 0, slot.rows)
        assert (addresses(slot, inside) == addresses(root, inside)).all(), slot.tensor


def image_rows_agree(graph: Graph, plan: Plan) -> None:
    """Slots describe their tensors."""
    for slot in plan.slots:
        images, rows, elements = image_rows(graph.tensors[slot.tensor].shape)
        size = graph.tensors[slot.tensor].dtype.size
        assert (slot.images, slot.rows, slot.row_bytes) == (images, rows, elements * size)
