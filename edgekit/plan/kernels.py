"""The kernel catalogue, read from the headers of templates/kernels/<family>/*.c.j2.

A header is TOML in the template's first Jinja comment::

    {#
    summary = "1x1 convolution, four pixels by two channels per step"
    isa = "dsp"                     # scalar | dsp | mve | neon ...: what the target must offer
    dtype = "s8"
    when = "kh == 1 and kw == 1 and in_c % 4 == 0"   # over the layer's ints; empty: always
    specialise = ["in_c"]           # ints that become literals; one C function per distinct set
    pack = { filter = "smlad_pairs" }                # plan/pack function per canonical array
    scratch = "16 * in_c"           # bytes
    align = 8                       # of the scratch
    inplace = false                 # or a condition: output pixels are written in order, each after it was read from
                                    # every input; so the output may lie over an input of its size, or below one
    inplace_whole = "in_c % 4 == 0" # output may lie over input 0, if the layer is computed in one step
    eats_input = "rows == 1"        # input 0 is read in order into a scratch of twice its bytes and may be its end
    call = "100"                    # instructions that one more call costs, roughly; ``band`` is its rows
    accumulates = false             # begin and end are rows of input 0; sums are in the scratch until the last one
    bands_only = false              # for bands of few rows; never chosen for a whole layer
    args = ["in_c"]                 # ints used only inside imported macros (p.x and c.x in the text are found)
    terms = ["kh * kw * in_c"]      # what its instructions grow with beside its family's terms (edgekit/bench/fit.py)
    let = { strips = "..." }        # names that only the terms may use, each over the ints and the names before it
    priority = 20                   # the highest is chosen on cores without a cost table
    source = "..."
    #}
"""

from __future__ import annotations

import ast
import operator
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from edgekit import resources
from edgekit.board import Target
from edgekit.errors import InternalError, Problem, UnsupportedError
from edgekit.ir.graph import Array, View, image_rows
from edgekit.ops.base import Lowered
from edgekit.plan import pack

_FIELDS = {
    "summary", "isa", "dtype", "when", "specialise", "pack", "scratch", "align", "inplace", "priority", "source",
    "args", "terms", "let", "inplace_whole", "eats_input", "accumulates", "call", "bands_only",
}  # fmt: skip


@dataclass(frozen=True)
class Kernel:
    """A compute routine: a template and what its header promises.

    ``fields`` are the ints it takes at run time, ``arrays`` the constants it reads.
    """

    name: str
    family: str
    template: str
    summary: str
    isa: str
    dtype: str
    when: str = ""
    specialise: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()
    pack: Mapping[str, str] = field(default_factory=dict[str, str])
    scratch: str = "0"
    align: int = 4
    inplace: str = ""
    inplace_whole: str = ""
    eats_input: str = ""
    accumulates: bool = False
    call: str = "60"
    bands_only: bool = False
    terms: tuple[str, ...] = ()
    let: Mapping[str, str] = field(default_factory=dict[str, str])
    priority: int = 0
    source: str = ""

    def applies(self, ints: Mapping[str, int]) -> bool:
        """Whether the kernel can run a layer with these ints."""
        return not self.when or bool(evaluate(self.when, ints))

    def named(self, ints: Mapping[str, int]) -> dict[str, int]:
        """What terms are evaluated over: the ints and the kernel's own names."""
        names = dict(ints)
        for name, expression in self.let.items():
            names[name] = evaluate(expression, names)
        return names

    def scratch_bytes(self, ints: Mapping[str, int]) -> int:
        """Bytes of scratch for a layer with these ints, of which ``band`` is the most rows of one step."""
        return int(evaluate(self.scratch, ints))

    def call_instructions(self, ints: Mapping[str, int]) -> int:
        """Roughly what computing the layer in one call more costs, in bands of ``band`` rows."""
        return int(evaluate(self.call, ints))

    def holds(self, condition: str, ints: Mapping[str, int]) -> bool:
        """Whether a condition of the header, which may be empty, holds for these ints."""
        return bool(condition) and bool(evaluate(condition, ints))


@dataclass(frozen=True)
class Choice:
    """A layer with the kernel that will run it."""

    view: View
    lowered: Lowered
    kernel: Kernel

    @property
    def rowwise(self) -> bool:
        """Whether the layer can run in bands of rows."""
        return self.accumulates or self.view.node.op.rowwise(self.view)

    @property
    def accumulates(self) -> bool:
        """Whether the rows of its steps are those of its input."""
        return self.kernel.accumulates

    @property
    def rows(self) -> int:
        """Rows of an image of the output."""
        return image_rows(self.view.output.shape)[1]

    @property
    def banded(self) -> bool:
        """Whether a schedule may split the layer: it is row-wise and has a single image everywhere."""
        view = self.view
        tensors = [*view.outputs, *(view.input(i) for i in view.node.op.activations(view))]
        return self.rowwise and all(image_rows(t.shape)[0] == 1 for t in tensors)

    def ints(self, band: int) -> dict[str, int]:
        """The layer's numbers, with the most rows of one step."""
        return {**self.lowered.ints, "band": band}

    @cached_property
    def packed(self) -> Mapping[str, Array]:
        """The constants as the kernel reads them, by the template's array names."""
        packers, arrays = self.kernel.pack, self.lowered.arrays
        return {
            name: pack.pack(packers[name], arrays, self.lowered.ints) if name in packers else arrays[name]
            for name in self.kernel.arrays
        }


def candidates(view: View, target: Target, forced: Mapping[str, str], *, bands: bool = False) -> tuple[Choice, ...]:
    """Every kernel that can run a layer, highest priority first, ties by name; ``forced`` names one by family.

    Those that take in rows as they come serve bands only: ``taking_rows`` finds them; so do those that say so
    (``plan.bands``), unless ``bands`` asks for these too.

    Raises:
        UnsupportedError: if no kernel of the op's family runs this layer on this target.
    """
    family = view.node.op.FAMILY
    lowered = view.node.op.lower(view)
    fitting = [
        k
        for k in catalogue()
        if k.family == family
        and k.isa in target.isas
        and (not k.accumulates or k.name in forced.values())
        and (bands or not k.bands_only or k.name in forced.values())
        and forced.get(family, k.name) == k.name
        and k.applies(lowered.ints)
    ]
    if not fitting:
        raise UnsupportedError(
            Problem(
                what=f"no {family} kernel runs this layer on {target.core}",
                where=f"layer '{view.node.name}'",
                found=", ".join(f"{k}={v}" for k, v in sorted(lowered.ints.items())),
                hint="`edgekit kernels` lists what each kernel needs",
            )
        )
    return tuple(Choice(view, lowered, k) for k in sorted(fitting, key=lambda k: (-k.priority, k.name)))


def taking_rows(choice: Choice, target: Target) -> Choice:
    """The layer with a kernel that takes in its input row by row, where there is one that computes all of its rows."""
    if choice.rows > 1 and choice.rowwise:
        return choice
    ints = choice.lowered.ints
    fitting = [
        k
        for k in catalogue()
        if k.accumulates and k.family == choice.kernel.family and k.isa in target.isas and k.applies(ints)
    ]
    best = min(fitting, key=lambda k: (-k.priority, k.name), default=choice.kernel)
    return Choice(choice.view, choice.lowered, best)


@cache
def catalogue() -> tuple[Kernel, ...]:
    """Every kernel template that exists, by family and name."""
    root = resources.templates() / "kernels"
    return tuple(_read(path, root) for path in sorted(root.glob("*/*.c.j2")))


def _read(path: Path, root: Path) -> Kernel:
    text = path.read_text(encoding="utf-8")
    start, end = text.find("{#"), text.find("#}")
    where = path.relative_to(root).as_posix()
    if start != 0 or end < 0:
        raise InternalError(Problem("the template does not begin with a TOML header", where=where))
    try:
        header: dict[str, Any] = tomllib.loads(text[2:end])
    except tomllib.TOMLDecodeError as error:
        raise InternalError(Problem(f"the template's header is not TOML: {error}", where=where)) from error
    unknown = set(header) - _FIELDS
    missing = {"summary", "isa", "dtype"} - set(header)
    if unknown or missing:
        raise InternalError(Problem(f"header has unknown {sorted(unknown)}, lacks {sorted(missing)}", where=where))
    family = path.parent.name
    header |= {name: tuple(header.get(name, ())) for name in ("specialise", "terms")}
    body = text[end:]
    used = dict.fromkeys([*re.findall(r"\bp\.(\w+)", body), *header.pop("args", ())])
    header["fields"] = tuple(name for name in used if name not in header["specialise"])
    header["arrays"] = tuple(dict.fromkeys(re.findall(r"\bc\.(\w+)", body)))
    header["scratch"] = str(header.get("scratch", "0"))
    header["inplace"] = (
        str(int(header["inplace"])) if isinstance(header.get("inplace"), bool) else header.get("inplace", "")
    )
    stem = path.name.removesuffix(".c.j2")
    return Kernel(name=f"{family}_{stem}", family=family, template=where, **header)


def _align(value: int, unit: int) -> int:
    return -(-value // unit) * unit


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod, ast.LShift: operator.lshift,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[Any], int]] = {ast.Not: operator.not_, ast.USub: operator.neg}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
_CALLS: dict[str, Callable[..., int]] = {"min": min, "max": max, "align": _align}


def evaluate(expression: str, names: Mapping[str, int]) -> int:
    """An integer expression of a kernel header over a layer's ints; nothing but arithmetic is allowed."""
    try:
        return _eval(_parsed(expression), names)
    except (KeyError, SyntaxError, TypeError, ZeroDivisionError) as error:
        raise InternalError(Problem(f"bad kernel header expression '{expression}': {error!r}")) from error


@cache
def _parsed(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body


def _eval(node: ast.expr, names: Mapping[str, int]) -> int:
    def value(part: ast.expr) -> int:
        return _eval(part, names)

    match node:
        case ast.Constant(value=int(number)):
            result = number
        case ast.Name(id=name):
            result = names[name]
        case ast.BinOp(left=left, op=op, right=right):
            result = _BINARY[type(op)](value(left), value(right))
        case ast.UnaryOp(op=op, operand=operand):
            result = _UNARY[type(op)](value(operand))
        case ast.BoolOp(op=op, values=values):
            result = (all if isinstance(op, ast.And) else any)(value(v) for v in values)
        case ast.Compare(left=left, ops=ops, comparators=right):
            terms = [value(left), *(value(c) for c in right)]
            result = all(_COMPARE[type(op)](a, b) for op, a, b in zip(ops, terms, terms[1:], strict=False))
        case ast.Call(func=ast.Name(id=name), args=args):
            result = _CALLS[name](*(value(a) for a in args))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            result = value(body if value(test) else orelse)
        case _:
            raise TypeError(ast.dump(node))
    return result
