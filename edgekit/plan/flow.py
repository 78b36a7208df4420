"""Who reads which rows of what: the view of a graph that schedule and memory planning work on.

Views of other tensors (reshapes) disappear: what they name is their source, read under another shape.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from edgekit.ir.graph import Graph, Tensor, image_rows
from edgekit.plan.kernels import Choice


@dataclass(frozen=True)
class Read:
    """An input that a work reads: ``root`` holds its bytes, which it sees as rows of ``pitch`` bytes."""

    index: int
    root: str
    rows: int
    pitch: int


@dataclass(frozen=True)
class Work:
    """A layer as the schedule sees it: its ``rows`` are those its steps count, which can be split if ``banded``.

    They are rows of the output, or of the input where the kernel ``accumulates``; 1 for what has no rows.
    """

    number: int
    choice: Choice
    rows: int
    banded: bool
    reads: tuple[Read, ...]
    writes: tuple[str, ...]

    @property
    def accumulates(self) -> bool:
        """Whether its rows are those of its input."""
        return self.choice.accumulates

    def window(self, read: Read, begin: int, end: int) -> tuple[int, int]:
        """Rows [first, last) of an input that rows [begin, end) of the work read."""
        if not self.banded:
            return 0, read.rows
        if self.accumulates:
            return begin, end
        first, last = self.choice.view.node.op.input_rows(self.choice.view, read.index, begin, end)
        return min(max(first, 0), read.rows), min(max(last, 0), read.rows)

    @cached_property
    def firsts(self) -> tuple[tuple[int, ...], ...]:
        """For each input the first row that is still read after k rows of the work, k from 0 to ``rows`` - 1."""
        return tuple(
            tuple(self.window(read, k, self.rows)[0] for k in range(self.rows)) if self.banded else (0,) * self.rows
            for read in self.reads
        )

    @cached_property
    def lasts(self) -> tuple[tuple[int, ...], ...]:
        """For each input how many of its rows the first k rows of the work read, k from 0 to ``rows``."""
        found: list[tuple[int, ...]] = []
        for read in self.reads:
            ends = [self.window(read, k, k + 1)[1] for k in range(self.rows)] if self.banded else []
            found.append((0, *itertools.accumulate(ends or [read.rows] * self.rows, max)))
        return tuple(found)

    @cached_property
    def strides(self) -> dict[str, int]:
        """Rows of each input that a further row of the work asks for."""
        found: dict[str, int] = {}
        for read, lasts in zip(self.reads, self.lasts, strict=True):
            steps = [b - a for a, b in itertools.pairwise(lasts[1:])]
            found[read.root] = max([*steps, 1])
        return found


@dataclass(frozen=True)
class Root:
    """Bytes of their own: a computed tensor or a model input, seen by its maker as ``rows`` rows of ``pitch`` bytes.

    ``rings``: every name of it has the same rows, so that it may be held as a ring of them.
    """

    name: str
    bytes: int
    rows: int
    pitch: int
    is_input: bool
    is_output: bool
    rings: bool


@dataclass(frozen=True)
class Flow:
    """The works in their order and the bytes between them."""

    works: tuple[Work, ...]
    roots: Mapping[str, Root]
    root_of: Mapping[str, str]

    @cached_property
    def maker(self) -> Mapping[str, Work]:
        """The work that writes a root; model inputs have none."""
        return {name: work for work in self.works for name in work.writes}

    @cached_property
    def readers(self) -> Mapping[str, tuple[tuple[Work, Read], ...]]:
        """The works that read a root."""
        found: dict[str, list[tuple[Work, Read]]] = {name: [] for name in self.roots}
        for work in self.works:
            for read in work.reads:
                found[read.root].append((work, read))
        return {name: tuple(pairs) for name, pairs in found.items()}


def flow_of(graph: Graph, choices: Sequence[Choice]) -> Flow:
    """The flow of ``graph`` with the kernels chosen for its layers."""
    root_of: dict[str, str] = {name: name for name in graph.inputs if graph.tensors[name].data is None}
    for node in graph.nodes:
        source = next((n for n in node.inputs if n in root_of), "")
        for name in node.outputs:
            root_of[name] = name if node.op.FAMILY or not source else root_of[source]
    names: dict[str, list[Tensor]] = {}
    for name, root in root_of.items():
        names.setdefault(root, []).append(graph.tensors[name])
    roots = {root: _root(root, tensors, graph) for root, tensors in names.items()}
    return Flow(tuple(_work(i, c, root_of) for i, c in enumerate(choices)), roots, root_of)


def _root(name: str, tensors: Sequence[Tensor], graph: Graph) -> Root:
    maker = tensors[0]
    images, rows, _ = image_rows(maker.shape)
    outputs = {t.name for t in tensors} & set(graph.outputs)
    is_input = name in graph.inputs
    same = all(image_rows(t.shape) == image_rows(maker.shape) for t in tensors)
    return Root(
        name=name,
        bytes=maker.bytes,
        rows=rows if images == 1 else 1,
        pitch=maker.bytes // rows if images == 1 and rows else maker.bytes,
        is_input=is_input,
        is_output=bool(outputs),
        rings=same and images == 1 and not outputs and not is_input,
    )


def _work(number: int, choice: Choice, root_of: Mapping[str, str]) -> Work:
    view = choice.view
    reads: list[Read] = []
    for index in view.node.op.activations(view):
        tensor = view.input(index)
        if tensor.name in root_of:
            images, rows, _ = image_rows(tensor.shape)
            count = rows if images == 1 else 1
            reads.append(Read(index, root_of[tensor.name], count, tensor.bytes // max(count, 1)))
    rows = image_rows(view.output.shape)[1] if choice.rowwise else 1
    return Work(
        number=number,
        choice=choice,
        rows=reads[0].rows if choice.accumulates else rows,
        banded=choice.banded,
        reads=tuple(reads),
        writes=tuple(t.name for t in view.outputs),
    )
