"""The most stack an Arm Thumb image can need, proved from its machine code.

Every function is disassembled and followed along all its branches, so that the stack pointer's depth is known at each
instruction; calls make a graph whose deepest path is the bound. It holds for any input, unlike the painted high-water
mark of one run. What cannot be bounded (recursion, a stack pointer computed at run time, a call of nobody knows whom)
is said with the function's name and is never guessed. Interrupt handlers that a user adds come on top.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from edgekit.errors import BuildError, Problem
from edgekit.toolchain.elf import Image, Symbol
from edgekit.toolchain.thumb import Code, Effect, decode

_WORD = 4
_DEEPEST = 1 << 17
"""No board has more stack: whoever gets there pushes in a loop."""


@dataclass(frozen=True)
class Call:
    """A function called, with the bytes of the caller's frame below its entry then; -1: any whose address is taken."""

    target: int
    depth: int


@dataclass(frozen=True)
class Frame:
    """A function's own deepest stack in bytes, whom it calls, and why it has no bound, if so."""

    name: str
    bytes: int
    calls: tuple[Call, ...]
    problem: str = ""


@dataclass(frozen=True)
class Bound:
    """Stack of a function and all below it: ``chain`` is the deepest path as (function, bytes of its frame).

    ``problem`` says why there is no bound; then ``bytes`` means nothing.
    """

    bytes: int
    chain: tuple[tuple[str, int], ...]
    problem: str = ""


class CallGraph:
    """The functions of a linked Thumb image and what they need of the stack."""

    def __init__(self, image: Image) -> None:
        self._image = image
        functions = [s for s in self._image.symbols if s.function]
        self._at = {s.address & ~1: s for s in sorted(functions, key=lambda s: s.address)}
        self._starts = sorted(self._at)
        self._named = {s.name: s.address & ~1 for s in functions}
        self._frames: dict[int, Frame] = {}
        self._bounds: dict[int, Bound] = {}

    def bound(self, function: str) -> Bound:
        """The bound of a function by its name.

        Raises:
            BuildError: the image has no such function.
        """
        if function not in self._named:
            raise BuildError(Problem("the image has no such function", str(self._image.path), function))
        return self._bound(self._named[function], ())

    def frame(self, function: str) -> Frame:
        """A function's own frame by its name."""
        return self._frame(self._named[function])

    def _bound(self, address: int, above: tuple[int, ...]) -> Bound:
        if address in above:
            cycle = " -> ".join(self._frame(a).name for a in (*above[above.index(address) :], address))
            return Bound(0, (), f"recursion: {cycle}")
        known = self._bounds.get(address)
        if known is not None:
            return known
        frame = self._frame(address)
        deepest = Bound(frame.bytes, ((frame.name, frame.bytes),), frame.problem)
        for call in frame.calls:
            for target in (call.target,) if call.target >= 0 else self._taken:
                below = self._bound(target, (*above, address))
                problem = deepest.problem or below.problem
                if call.depth + below.bytes > deepest.bytes:
                    chain = ((frame.name, call.depth), *below.chain)
                    deepest = Bound(call.depth + below.bytes, chain, problem)
                elif problem != deepest.problem:
                    deepest = Bound(deepest.bytes, deepest.chain, problem)
        self._bounds[address] = deepest
        return deepest

    def _frame(self, address: int) -> Frame:
        """The frame of the function at ``address``, which may lie inside one: libgcc enters its division there."""
        if address not in self._frames:
            symbol = self._at[self._starts[max(bisect_right(self._starts, address) - 1, 0)]]
            code = decode(_bytes(self._image, symbol), symbol.address & ~1, self._data(symbol))
            if address in code:
                self._frames[address] = walk(symbol.name, code, address)
            else:
                self._frames[address] = Frame("?", 0, (), f"a call of {address:#x}, where no function is")
        return self._frames[address]

    def _data(self, symbol: Symbol) -> tuple[tuple[int, int], ...]:
        """Spans of a function that hold data, as the assembler's mapping symbols say."""
        start, end = symbol.address & ~1, (symbol.address & ~1) + symbol.size
        marks = [*(m for m in self._image.mapping if start <= m[0] < end), (end, "$t")]
        return tuple((a, b) for (a, kind), (b, _) in pairwise(marks) if kind == "$d")

    @cached_property
    def _taken(self) -> tuple[int, ...]:
        """Functions whose address is stored somewhere: whom an indirect call may reach; never the image's entry.

        A model's weights hold numbers only, and among so many some look like the address of a function.
        """
        entries = {s.address for s in self._at.values()} - {self._image.entry}
        return tuple(sorted({word & ~1 for word in self._words() if word in entries}))

    def _words(self) -> Iterator[int]:
        vectors = {s.address for s in self._image.sections if s.name == ".vectors"}
        numbers = [range(s.address, s.address + s.size) for s in self._image.sections if s.name == ".weights"]
        for part in self._image.segments:
            skip = self._vector_bytes if part.address in vectors else 0
            for at in range(skip, len(part.data) - _WORD + 1, _WORD):
                if not any(part.address + at in weights for weights in numbers):
                    yield int.from_bytes(part.data[at : at + _WORD], "little")

    @property
    def _vector_bytes(self) -> int:
        return sum(s.size for s in self._image.sections if s.name == ".vectors")


def _bytes(image: Image, symbol: Symbol) -> bytes:
    start = symbol.address & ~1
    for part in image.segments:
        if part.address <= start < part.address + len(part.data):
            return part.data[start - part.address :][: symbol.size]
    return b""


def walk(name: str, code: Mapping[int, Code], entry: int) -> Frame:
    """Follow a function from ``entry`` along every branch with the depth of its stack."""
    walker = _Walker(name, code)
    starts = [(entry, 0)]
    while starts:
        walker.follow(starts)
        rest = [a for a in code if a not in walker.depth_at] if walker.table_depth is not None else []
        starts = [(a, walker.table_depth or 0) for a in rest[:1]]  # only a computed jump reaches it, at its depth
    return Frame(name, walker.deepest, tuple(sorted(walker.calls, key=lambda c: (c.target, c.depth))), walker.problem)


class _Walker:
    """What is known of a function while its branches are followed."""

    def __init__(self, name: str, code: Mapping[int, Code]) -> None:
        self._name = name
        self._code = code
        self._registers: dict[str, int] = {}
        self.depth_at: dict[int, int] = {}
        self.calls: set[Call] = set()
        self.deepest = 0
        self.problem = ""
        self.table_depth: int | None = None

    def follow(self, todo: list[tuple[int, int]]) -> None:
        """Take every path from these (address, depth)."""
        while todo:
            at, depth = todo.pop()
            if self.depth_at.get(at, -1) < depth and at in self._code:
                self.depth_at[at] = depth
                todo += self._step(self._code[at], at, depth)

    def _step(self, step: Code, at: int, depth: int) -> list[tuple[int, int]]:
        after = step.apply(depth, self._registers)
        if after is None or not 0 <= after <= _DEEPEST:
            self.problem = self.problem or f"'{self._name}' computes its stack pointer at run time ({step.text})"
            after = depth
        self.deepest = max(self.deepest, after)
        if step.effect is Effect.TABLE or (step.effect is Effect.JUMPS and after > 0):
            self.table_depth = max(self.table_depth or 0, after)
        elif step.effect is Effect.JUMPS:
            self.calls.add(Call(-1, after))
        if step.call is not None:
            self.calls.add(Call(step.call, after))
        self.calls |= {Call(target, after) for target in step.targets if target not in self._code}
        goes = [(target, after) for target in step.targets if target in self._code]
        return goes if step.ends else [*goes, (at + step.size, after)]
