"""The plan: everything the code generator and the host tools need, as plain data.

A plan is pure JSON; ``plan.json`` in a generated project is the same without the constants' bytes. It puts
the user's layer names on measured cycles and says where in the arena each layer's output lies.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Slot:
    """Where a tensor lives in the arena.

    The tensor is ``images`` x ``rows`` rows of ``row_bytes``; a ring keeps only ``ring_rows`` of them, row y
    of an image at ``offset + (y % ring_rows) * row_bytes``. ``first`` and ``last`` are the steps that bound
    its life; ``last`` is the number of steps for a model output. ``channels`` lists which of the user's channels
    are left where some were removed; empty: all.
    """

    tensor: str
    shape: tuple[int, ...]
    dtype: str
    offset: int
    images: int
    rows: int
    ring_rows: int
    row_bytes: int
    first: int
    last: int
    scale: float = 0.0
    zero_point: int = 0
    channels: tuple[int, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes held in the arena."""
        return self.images * self.ring_rows * self.row_bytes


@dataclass(frozen=True)
class Constant:
    """A constant array in flash: ``ctype`` is a C type such as int8_t, ``data`` little-endian."""

    name: str
    ctype: str
    count: int
    data: bytes = field(repr=False)
    role: str = ""


@dataclass(frozen=True)
class Layer:
    """One kernel call's static part.

    ``inputs`` and ``outputs`` index ``Plan.slots``. An input that is a constant is -1 and found in
    ``constants`` under ``input<i>``. ``ints`` are the template's numbers; those in ``specialise`` become
    literals, those in ``fields`` are passed at run time. ``constants`` maps the kernel's array names to
    constants. ``rowwise`` layers compute bands of rows image by image; their ``rows`` are those of the output, or
    of the first input if the layer ``accumulates``: then its output is written in its last step. ``scratch`` is an
    arena offset.
    """

    name: str
    origin: tuple[str, ...]
    op: str
    kernel: str
    template: str
    why: str
    macs: int
    ints: dict[str, int]
    fields: tuple[str, ...]
    specialise: tuple[str, ...]
    constants: dict[str, str]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    scratch: int
    scratch_bytes: int
    weight_bytes: int
    rowwise: bool
    images: int
    rows: int
    accumulates: bool = False


@dataclass(frozen=True)
class Step:
    """Compute output rows [begin, end) of a layer, for every image of the batch; or take in those rows of its input."""

    layer: int
    begin: int
    end: int


@dataclass(frozen=True)
class Plan:
    """Order, arena and constants of one model on one target."""

    model: str
    title: str
    sha256: str
    core: str
    isas: tuple[str, ...]
    macs: int
    arena_bytes: int
    arena_align: int
    lower_bound: int
    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]
    slots: tuple[Slot, ...]
    constants: tuple[Constant, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def weight_bytes(self) -> int:
        """Bytes of constants in flash."""
        return sum(len(c.data) for c in self.constants)

    def to_json(self, *, with_data: bool = False) -> str:
        """The plan as JSON text; constants' bytes only when asked."""
        tree = asdict(self)
        for entry in tree["constants"]:
            data: bytes = entry.pop("data")
            entry["bytes"] = len(data)
            if with_data:
                entry["data"] = base64.b64encode(data).decode("ascii")
        return json.dumps(tree, indent=1) + "\n"


def from_json(text: str) -> Plan:
    """The plan read back from ``to_json`` text (constants are empty if it was written without data)."""
    tree: dict[str, Any] = json.loads(text)
    return Plan(
        layers=tuple(_layer(x) for x in tree.pop("layers")),
        steps=tuple(Step(**x) for x in tree.pop("steps")),
        slots=tuple(_slot(x) for x in tree.pop("slots")),
        constants=tuple(_constant(x) for x in tree.pop("constants")),
        isas=tuple(tree.pop("isas")),
        inputs=tuple(tree.pop("inputs")),
        outputs=tuple(tree.pop("outputs")),
        **tree,
    )


def _slot(tree: dict[str, Any]) -> Slot:
    values: dict[str, Any] = dict(tree)
    for key in ("shape", "channels"):
        values[key] = tuple(tree[key])
    return Slot(**values)


def _layer(tree: dict[str, Any]) -> Layer:
    values: dict[str, Any] = dict(tree)
    for key in ("origin", "fields", "specialise", "inputs", "outputs"):
        values[key] = tuple(tree[key])
    return Layer(**values)


def _constant(tree: dict[str, Any]) -> Constant:
    data = base64.b64decode(tree.get("data", ""))
    return Constant(tree["name"], tree["ctype"], tree["count"], data, tree["role"])
