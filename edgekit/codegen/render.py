"""Plan to C: the files of a model, as text by path. Pure: the same plan gives the same bytes."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from edgekit import resources
from edgekit.errors import InternalError, Problem
from edgekit.plan.plan import Constant, Layer, Plan, Slot

_STRUCT_CODES = {
    "int8_t": "b", "uint8_t": "B", "int16_t": "h", "uint16_t": "H", "int32_t": "i", "uint32_t": "I",
    "int64_t": "q", "float": "f",
}  # fmt: skip
_IO_CTYPES = {
    "int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t",
    "float32": "float", "bool": "uint8_t",
}  # fmt: skip
_UNSIGNED = {"uint8_t": 0xFF, "uint16_t": 0xFFFF, "uint32_t": 0xFFFFFFFF}
_LINE = 100
_KERNEL_HEADERS = ("ek/attributes.h", "ek/elements.h", "ek/requantize.h", "ek/rows.h")
_INCLUDE = re.compile(r'^#include "([^"\n]+)"\n+', re.MULTILINE)
_SIGNATURE = "const ek_in *in, const ek_out *out, void *scratch, int32_t begin, int32_t end)"


@dataclass(frozen=True)
class Routine:
    """A kernel function: one template for one set of literals, shared by the layers that agree on them."""

    name: str
    args: str
    template: str
    summary: str
    literals: Mapping[str, int]
    layers: tuple[int, ...]


@dataclass(frozen=True)
class ArgsField:
    """A member of a kernel's argument struct."""

    name: str
    ctype: str
    is_array: bool


@dataclass(frozen=True)
class Args:
    """A kernel's argument struct: what differs between the layers that share its routines."""

    name: str
    kernel: str
    fields: tuple[ArgsField, ...]


def render(plan: Plan, build_id: str = "", task: str = "") -> dict[str, str]:
    """The model's C files by path relative to the project, and plan.json.

    ``build_id`` (16 hex digits) and ``task`` (an MLPerf Tiny task such as kws01) go into ``<model>_info.c``.
    """
    environment = _environment()
    routines = _routines(plan)
    includes, bodies = _gathered([_body(environment, routine, plan) for routine in routines])
    names = {layer: routine.name for routine in routines for layer in routine.layers}
    context = {
        "plan": plan,
        "m": plan.model,
        "M": plan.model.upper(),
        "args": _args(plan),
        "routines": routines,
        "includes": includes,
        "bodies": bodies,
        "calls": [_call(plan, i, layer, names[i]) for i, layer in enumerate(plan.layers)],
        "table": _step_table(plan),
        "build_id": build_id,
        "task": task or plan.model,
        "io": {"inputs": _io(plan, plan.inputs), "outputs": _io(plan, plan.outputs)},
    }
    files = {
        f"model/{plan.model}{suffix}": environment.get_template(f"{template}.j2").render(context)
        for suffix, template in (
            (".h", "model.h"),
            (".c", "model.c"),
            ("_kernels.h", "kernels.h"),
            ("_kernels.c", "kernels.c"),
            ("_weights.c", "weights.c"),
            ("_info.c", "info.c"),
        )
    }
    return {**files, "plan.json": plan.to_json()}


@dataclass(frozen=True)
class StepTable:
    """The steps as a table in flash: C types of its members, lines of its rows."""

    layer: str
    row: str
    lines: tuple[str, ...]


def _step_table(plan: Plan) -> StepTable | None:
    """The table where some layer runs in several steps; where none does a call each is shorter."""
    if len(plan.steps) <= len(plan.layers):
        return None
    rows = max(step.end for step in plan.steps)
    lines = tuple(f"{{{s.layer}, {s.begin}, {s.end}}}," for s in plan.steps)
    return StepTable(_smallest(len(plan.layers) - 1), _smallest(rows), lines)


def _smallest(value: int) -> str:
    """The smallest unsigned C type that holds ``value``."""
    return next(name for name, limit in _UNSIGNED.items() if value <= limit)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - the output is C, not HTML
    )
    filters: dict[str, Callable[..., Any]] = {
        "values": _value_lines,
        "comment": comment_text,
        "c_string": c_string,
        "c_float": c_float,
        "thousands": _thousands,
        "dims": _dims,
    }
    environment.filters.update(filters)
    return environment


def _thousands(value: int) -> str:
    return f"{value:,}"


def _dims(shape: Sequence[int]) -> str:
    return "x".join(str(d) for d in shape) or "scalar"


def comment_text(text: str) -> str:
    """``text`` made safe inside a C comment: one line, printable ASCII, no comment marks."""
    plain = "".join(ch if " " <= ch <= "~" else "?" for ch in text)
    return re.sub(r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?)(?=\?)", " ", plain.replace("\\", "/"))


def c_string(text: str) -> str:
    """``text`` as a C string literal in printable ASCII."""
    plain = "".join(ch if " " <= ch <= "~" and ch not in '"\\?' else "_" for ch in text)
    return f'"{plain}"'


def c_float(value: float) -> str:
    """A float32 value as a C literal that reads back exactly."""
    text = f"{value:.9g}"
    return f"{text}F" if "." in text or "e" in text else f"{text}.0F"


def _routines(plan: Plan) -> tuple[Routine, ...]:
    groups: dict[tuple[str, tuple[tuple[str, int], ...]], list[int]] = {}
    for i, layer in enumerate(plan.layers):
        literals = tuple((name, layer.ints[name]) for name in layer.specialise)
        groups.setdefault((layer.kernel, literals), []).append(i)
    count: dict[str, int] = {}
    routines: list[Routine] = []
    for (kernel, literals), layers in groups.items():
        count[kernel] = count.get(kernel, 0) + 1
        suffix = "" if count[kernel] == 1 else f"_{count[kernel]}"
        first = plan.layers[layers[0]]
        routines.append(
            Routine(
                name=f"{plan.model}_{kernel}{suffix}",
                args=f"{plan.model}_{kernel}_args",
                template=first.template,
                summary=first.why,
                literals=dict(literals),
                layers=tuple(layers),
            )
        )
    return tuple(routines)


def _args(plan: Plan) -> tuple[Args, ...]:
    ctypes = {c.name: c.ctype for c in plan.constants}
    structs: dict[str, Args] = {}
    for layer in plan.layers:
        arrays = {k: v for k, v in layer.constants.items() if not k.startswith("input")}
        members = [ArgsField(name, ctypes[constant], is_array=True) for name, constant in arrays.items()]
        members += [ArgsField(name, "int32_t", is_array=False) for name in layer.fields]
        structs[layer.kernel] = Args(f"{plan.model}_{layer.kernel}_args", layer.kernel, tuple(members))
    return tuple(structs.values())


def _body(environment: jinja2.Environment, routine: Routine, plan: Plan) -> str:
    layer = plan.layers[routine.layers[0]]
    literals = {name: _literal(value) for name, value in routine.literals.items()}
    try:
        text = environment.get_template(f"kernels/{routine.template}").render(
            fn=routine.name,
            args=routine.args,
            p={**{name: f"a->{name}" for name in layer.fields}, **literals},
            lit=routine.literals,
            c={name: f"a->{name}" for name in layer.constants},
        )
    except jinja2.TemplateError as error:
        raise InternalError(Problem(f"the kernel template does not render: {error}", where=routine.template)) from error
    return text.replace(f" {_SIGNATURE}", f"\n    {_SIGNATURE}")


def _gathered(bodies: Sequence[str]) -> tuple[list[str], list[str]]:
    """The headers that all kernels need, once each and in order, and the kernels without their includes."""
    named = {header for body in bodies for header in _INCLUDE.findall(body)}
    return sorted(named.union(_KERNEL_HEADERS)), [_INCLUDE.sub("", body) for body in bodies]


@dataclass(frozen=True)
class Call:
    """What a layer function of the generated C needs, as text."""

    number: int
    layer: Layer
    routine: str
    args: str
    members: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_step: tuple[int, ...]
    output_step: tuple[int, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    shapes: str


def _call(plan: Plan, number: int, layer: Layer, routine: str) -> Call:
    members = [(k, v) for k, v in layer.constants.items() if not k.startswith("input")]
    members += [(name, _literal(layer.ints[name])) for name in layer.fields]
    inputs = [plan.slots[i] if i >= 0 else None for i in layer.inputs]
    outputs = [plan.slots[i] for i in layer.outputs]
    sources = [
        f"(const int8_t *)(arena + {slot.offset}U)" if slot else f"(const int8_t *){layer.constants[f'input{i}']}"
        for i, slot in enumerate(inputs)
    ]
    return Call(
        number=number,
        layer=layer,
        routine=routine,
        args=f"{plan.model}_{layer.kernel}_args",
        members=tuple(members),
        inputs=tuple(f"{{{s}, {r}, {p}}}" for s, (r, p) in zip(sources, map(_ring, inputs), strict=True)),
        outputs=tuple(f"{{(int8_t *)(arena + {s.offset}U), {s.ring_rows}, {s.row_bytes}}}" for s in outputs),
        input_step=tuple(_image_step(slot, layer) for slot in inputs),
        output_step=tuple(_image_step(slot, layer) for slot in outputs),
        reads=tuple(_span(slot) if slot else layer.constants[f"input{i}"] for i, slot in enumerate(inputs)),
        writes=tuple(_span(slot) for slot in outputs),
        shapes=f"{_shapes(inputs)} -> {_shapes(outputs)}",
    )


def _ring(slot: Slot | None) -> tuple[int, int]:
    return (slot.ring_rows, slot.row_bytes) if slot else (1, 0)


def _image_step(slot: Slot | None, layer: Layer) -> int:
    """Bytes from one image of a batch to the next; 0 where every image reads the same."""
    batched = slot is not None and slot.images == layer.images and layer.images > 1
    return slot.ring_rows * slot.row_bytes if slot is not None and batched else 0


def _span(slot: Slot) -> str:
    return f"[{slot.offset}, {slot.offset + slot.bytes})"


def _shapes(slots: Sequence[Slot | None]) -> str:
    return ", ".join(_dims(s.shape) if s else "constant" for s in slots)


def _literal(value: int) -> str:
    if value == -(1 << 31):
        return "INT32_MIN"
    return str(value) if value >= 0 else f"({value})"


def _io(plan: Plan, indices: Sequence[int]) -> list[dict[str, object]]:
    names = ("input", "output")
    kind = names[indices is plan.outputs]
    many = len(indices) > 1
    return [
        {
            "slot": plan.slots[index],
            "symbol": f"{plan.model}_{kind}{f'_{i}' if many else ''}",
            "macro": f"{plan.model}_{kind}{f'_{i}' if many else ''}".upper(),
            "ctype": _IO_CTYPES[plan.slots[index].dtype],
            "dtype": f"EK_{plan.slots[index].dtype.upper()}",
            "elements": math.prod(plan.slots[index].shape),
        }
        for i, index in enumerate(indices)
    ]


def _value_lines(constant: Constant) -> Iterator[str]:
    """The elements of a constant as lines of C."""
    numbers = struct.unpack(f"<{constant.count}{_STRUCT_CODES[constant.ctype]}", constant.data)
    line = ""
    for number in numbers:
        text = f"{_element(number, constant.ctype)},"
        if len(line) + len(text) + 1 > _LINE:
            yield line
            line = ""
        line = f"{line} {text}" if line else text
    yield line


def _element(number: float, ctype: str) -> str:
    if ctype == "float":
        return c_float(number)
    if ctype in ("uint32_t", "uint16_t"):
        return f"0x{int(number):x}U"
    if ctype == "int64_t":
        return f"{number}LL" if number > -(1 << 63) else "INT64_MIN"
    return _literal(int(number)).strip("()") if number != -(1 << 31) else "INT32_MIN"
