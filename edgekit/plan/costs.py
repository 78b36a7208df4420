"""What a kernel costs on a layer: instructions predicted by a core's cost table, bytes of code from the same table.

The tables lie in ``cost_tables/``, one JSON file a core, made by ``edgekit bench kernels --write`` from counts on
emulated cores. A kernel's instructions are a sum of terms: a coefficient times an expression over the layer's ints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from edgekit.ir.graph import View, image_rows
from edgekit.ops.base import Lowered
from edgekit.plan.kernels import Kernel, evaluate

TABLES = Path(__file__).parent / "cost_tables"


@dataclass(frozen=True)
class Code:
    """Flash of a kernel's routine with these ``literals``, in bytes.

    ``own`` is paid once a routine, each of ``helpers`` once an image: kernels share them.
    """

    literals: Mapping[str, int]
    own: int
    helpers: Mapping[str, int]

    @property
    def total(self) -> int:
        """Of an image in which it is the only routine."""
        return self.own + sum(self.helpers.values())


@dataclass(frozen=True)
class KernelCost:
    """A kernel's line of a table. ``terms`` by expression; ``error`` is the fit's largest on the bench, in percent."""

    terms: Mapping[str, float]
    error: float
    code: tuple[Code, ...]

    def code_for(self, literals: Mapping[str, int]) -> Code:
        """Code of a routine with these literals; of the most similar one that was compiled."""
        return max(self.code, key=lambda c: sum(literals.get(k) == v for k, v in c.literals.items()))


@dataclass(frozen=True)
class CostTable:
    """Costs of every kernel of a core, as ``toolchain`` compiles them."""

    core: str
    toolchain: str
    kernels: Mapping[str, KernelCost]

    def instructions(self, kernel: Kernel, view: View, lowered: Lowered, band: int = 0) -> int | None:
        """Predicted instructions of one inference; None if the kernel was never counted on this core.

        With ``band`` of one band of so many rows: a layer of these that reads the rows under them, none of them border.
        """
        line = self.kernels.get(kernel.name)
        if line is None:
            return None
        ints, images = quantities(view, lowered)
        if band:
            ints = _of_band(ints, view, band)
        names = kernel.named(ints)
        return images * round(sum(c * evaluate(term, names) for term, c in line.terms.items()))

    def to_json(self) -> str:
        """The file's text: a line a kernel, so that a change of one shows as one line."""
        lines = [f" {json.dumps(n)}: {json.dumps(_tree(k))}" for n, k in sorted(self.kernels.items())]
        head = f'"core": {json.dumps(self.core)},\n"toolchain": {json.dumps(self.toolchain)},\n"kernels": {{\n'
        return "{\n" + head + ",\n".join(lines) + "\n}\n}\n"


def quantities(view: View, lowered: Lowered) -> tuple[dict[str, int], int]:
    """The names that terms may use, for one image, and the number of images a kernel is called for.

    Beside the layer's ints ``out_rows``, ``out_elements`` and ``in_elements``.
    """
    op = view.node.op
    images, rows, elements = image_rows(view.output.shape)
    if not op.rowwise(view):
        images, rows, elements = 1, 1, view.output.elements
    given = sum(view.input(i).elements for i in op.activations(view))
    return {
        **lowered.ints, "out_rows": rows, "out_elements": rows * elements, "in_elements": given // max(images, 1),
    }, images  # fmt: skip


def _of_band(ints: Mapping[str, int], view: View, band: int) -> dict[str, int]:
    """The names for a band of a layer of a single image."""
    op, rows = view.node.op, ints["out_rows"]
    first, last = op.input_rows(view, op.activations(view)[0], 0, band)
    elements = {name: ints[name] * band // rows for name in ("out_elements", "in_elements")}
    heights = {"out_h": band, "in_h": min(last - first, ints.get("in_h", 0))}
    return {**ints, **elements, "out_rows": band, **{name: n for name, n in heights.items() if name in ints}}


@cache
def table(core: str) -> CostTable | None:
    """The table of a core; None if nobody counted there (Linux boards, the host)."""
    path = TABLES / f"{core}.json"
    return from_json(path.read_text(encoding="utf-8")) if path.is_file() else None


def tables() -> list[CostTable]:
    """Every table there is, by the names of their cores."""
    found = [table(path.stem) for path in sorted(TABLES.glob("*.json"))]
    return [t for t in found if t is not None]


def from_json(text: str) -> CostTable:
    """A table read back from ``to_json`` text."""
    tree: dict[str, Any] = json.loads(text)
    return CostTable(tree["core"], tree["toolchain"], {n: _line(k) for n, k in tree["kernels"].items()})


def _tree(line: KernelCost) -> dict[str, Any]:
    code = [{"literals": dict(c.literals), "own": c.own, "helpers": dict(c.helpers)} for c in line.code]
    return {"error": line.error, "terms": dict(line.terms), "code": code}


def _line(tree: Mapping[str, Any]) -> KernelCost:
    return KernelCost(tree["terms"], tree["error"], tuple(Code(**c) for c in tree["code"]))
