"""Counts of every kernel on every layer of the reference models: what the planner's choice is held against.

``tests/kernel_counts.json`` has one line a model, core and layer: instructions by kernel. ``EDGEKIT_UPDATE_COUNTS=1
pytest tests/emulator/test_kernel_counts.py`` counts all anew.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import edgekit
from edgekit.bench import count, layers
from edgekit.bench.run import board_of, items_of
from edgekit.execution import silent
from edgekit.ir.graph import Graph
from edgekit.toolchain import compilers

FILE = Path(__file__).resolve().parent.parent / "kernel_counts.json"
CORES = ("cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33")
"""Those with a cost table."""
TOOLCHAIN = "zig"

Counts = Mapping[str, int]
"""Instructions of one layer by kernel."""


def compiler() -> str:
    """What counts depend on beside the kernels."""
    return compilers.find(TOOLCHAIN, board_of("cortex-m4").target).version


def graph_of(path: Path) -> Graph:
    """A model as it is planned."""
    return edgekit.optimise(edgekit.load(path))


def numbered(graph: Graph) -> list[str]:
    """Names of the layers that need a kernel, with their numbers: names may occur twice."""
    return [f"{i:02d} {v.node.name}" for i, v in enumerate(v for v in graph.views() if v.node.op.FAMILY)]


def measure(graph: Graph, core: str, chosen: Sequence[int] = ()) -> dict[str, Counts]:
    """Count every kernel of every layer on the emulated core, or of the layers of these numbers."""
    board = board_of(core)
    alone = list(zip(numbered(graph), layers.of_model(graph), strict=True))
    wanted = [alone[i] for i in chosen] if chosen else alone
    owners = [name for name, one in wanted for _ in items_of([one], board)]
    items = items_of([one for _, one in wanted], board)
    found: dict[str, dict[str, int]] = {}
    for name, one in zip(owners, count.count(items, board, TOOLCHAIN, silent), strict=True):
        found.setdefault(name, {})[one.item.kernel.name] = one.instructions
    return dict(found)


def read(model: str, core: str) -> dict[str, Counts]:
    """The kept counts of a model's layers, in their order."""
    start = f"{model} {core} "
    return {k.removeprefix(start): v for k, v in _all().items() if k.startswith(start)}


def kept_compiler() -> str:
    """The compiler that made what was counted."""
    return str(_all()["compiler"])


def updating() -> bool:
    return bool(os.environ.get("EDGEKIT_UPDATE_COUNTS"))


def store(model: str, core: str, counts: Mapping[str, Counts]) -> None:
    """Put the lines of one model and core into the file, safely beside other processes that do the same."""
    with FILE.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        start = f"{model} {core} "
        tree = {k: v for k, v in (json.loads(text) if text else {}).items() if not k.startswith(start)}
        tree |= {f"{start}{layer}": kernels for layer, kernels in counts.items()}
        tree["compiler"] = compiler()
        lines = [f"{json.dumps(k)}: {json.dumps(tree[k])}" for k in sorted(tree)]
        file.seek(0)
        file.truncate()
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def _all() -> dict[str, Counts]:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
