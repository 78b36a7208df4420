"""What can be said of a model before anything is generated: ops, MACs, weights, arena, boards it fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edgekit.board import Board, Target
from edgekit.errors import EdgekitError, FitError, Problem, UnsupportedError
from edgekit.ir.graph import Graph, View
from edgekit.plan import kernels
from edgekit.plan.make import make
from edgekit.plan.plan import Plan
from edgekit.plan.select import Objective
from edgekit.toolchain import placement

Plans = dict[tuple[str, int, int, Objective], Plan | EdgekitError]
"""Plans by what decides about them: core, largest flash bank, room for the arena, and what is wanted most."""
CODE_ESTIMATE = 16 * 1024
"""Flash allowed for kernels and runtime where nothing was built yet: that of MLPerf Tiny's models is below it."""


@dataclass(frozen=True)
class LayerFacts:
    """A layer as the model file has it; ``weights`` in bytes, ``kernel`` empty where it needs no code."""

    name: str
    op: str
    shape: tuple[int, ...]
    macs: int
    weights: int
    kernel: str


@dataclass(frozen=True)
class Fit:
    """Whether a model fits a board: needs against what there is, in bytes (0: not limited).

    ``ram`` is arena and the board's stack reserve; ``flash`` is weights and an estimate of the code.
    ``reason`` says why the model cannot be generated for the board at all; ``placed`` whether single banks hold
    the arena and the weights.
    """

    board: str
    title: str
    core: str
    arena: int
    lower_bound: int
    ram: int
    ram_available: int
    flash: int
    flash_available: int
    reason: str = ""
    placed: bool = True

    @property
    def fits(self) -> bool:
        """Whether both memories suffice."""
        ram_ok = not self.ram_available or self.ram <= self.ram_available
        return (
            self.placed
            and not self.reason
            and ram_ok
            and (not self.flash_available or self.flash <= self.flash_available)
        )


@dataclass(frozen=True)
class Analysis:
    """What ``analyze`` found out; MACs and weights as the file has them.

    ``planned`` are the layers and the bytes of constants that are built for the board, if there is only one.
    """

    name: str
    sha256: str
    macs: int
    weights: int
    parameters: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    ops: tuple[tuple[str, int], ...]
    layers: tuple[LayerFacts, ...]
    fits: tuple[Fit, ...]
    planned: tuple[int, int] | None = None

    def json(self) -> dict[str, Any]:
        """What ``analyze --json`` prints."""
        return {
            "model": {"name": self.name, "sha256": self.sha256, "macs": self.macs},
            "weights": self.weights,
            "parameters": self.parameters,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "ops": dict(self.ops),
            "layers": [
                {
                    "name": x.name, "op": x.op, "shape": list(x.shape), "macs": x.macs, "weights": x.weights,
                    "kernel": x.kernel or None,
                }
                for x in self.layers
            ],
            "planned": None if self.planned is None else {"layers": self.planned[0], "weights": self.planned[1]},
            "boards": [
                {
                    "name": f.board, "core": f.core, "fits": f.fits,
                    "arena": f.arena, "arena_lower_bound": f.lower_bound,
                    "ram": {"needed": f.ram, "available": f.ram_available or None},
                    "flash": {
                        "needed": f.flash, "available": f.flash_available or None,
                        "how": f"weights and an estimate of {CODE_ESTIMATE} bytes for code",
                    },
                    "reason": f.reason or None,
                }
                for f in self.fits
            ],
        }  # fmt: skip


def analyze(
    graph: Graph,
    optimised: Graph,
    boards: Sequence[Board],
    objective: Objective = Objective.BALANCED,
    planned: Callable[[int, int], None] = lambda _done, _whole: None,
) -> Analysis:
    """Facts about ``graph`` as its file has it, and how what is left of it after the passes fits ``boards``.

    With a single board each layer shows the kernel chosen for it there. ``planned`` is told for how many boards of all
    there is a plan.

    Raises:
        UnsupportedError: every layer that no kernel runs on the board, if there is only one.
    """
    alone = len(boards) == 1
    if alone:
        check(optimised, boards[0].target)
    plans: Plans = {}
    fits: list[Fit] = []
    for board in boards:
        planned(len(fits), len(boards))
        fits.append(fit(optimised, board, objective, plans))
    plan = next(iter(plans.values())) if alone else None
    chosen = {name: x.kernel for x in plan.layers for name in x.origin} if isinstance(plan, Plan) else {}
    constants = {n for node in graph.nodes for n in node.inputs if n and graph.tensors[n].data is not None}
    return Analysis(
        name=graph.name,
        sha256=graph.sha256,
        macs=graph.macs,
        weights=sum(graph.tensors[n].bytes for n in constants),
        parameters=sum(graph.tensors[n].elements for n in constants),
        inputs=tuple(_signature(graph, n) for n in graph.inputs),
        outputs=tuple(_signature(graph, n) for n in graph.outputs),
        ops=tuple(sorted(Counter(node.op.NAME for node in graph.nodes).items(), key=lambda x: (-x[1], x[0]))),
        layers=tuple(_layer(view, chosen) for view in graph.views()),
        fits=tuple(fits),
        planned=(len(plan.layers), plan.weight_bytes) if isinstance(plan, Plan) else None,
    )


def check(graph: Graph, target: Target) -> None:
    """Find every layer without a kernel on ``target``.

    Raises:
        UnsupportedError: all of them at once.
    """
    problems: list[Problem] = []
    for view in graph.views():
        try:
            if view.node.op.FAMILY:
                kernels.candidates(view, target, {})
        except UnsupportedError as error:
            problems += error.problems
    if problems:
        raise UnsupportedError(*problems)


def available(board: Board) -> tuple[int, int]:
    """RAM and flash of a board in bytes; 0 where it is not what limits a model (Linux, the host)."""
    if not board.target.bare_metal:
        return 0, 0
    ram, flash = (sum(bank.size for bank in board.target.banks(kind)) for kind in ("ram", "flash"))
    return ram, flash - board.vector_offset


def fit(graph: Graph, board: Board, objective: Objective, plans: Plans) -> Fit:
    """How an optimised graph fits a board; ``plans`` keeps what was planned, for boards that are alike."""
    room = placement.room(board)
    key = (board.target.core, max((b.size for b in board.target.banks("flash")), default=0), room, objective)
    if key not in plans:
        plans[key] = _plan(graph, board.target, objective, room)
    plan = plans[key]
    ram, flash = available(board)
    if isinstance(plan, EdgekitError):
        return Fit(board.name, board.title, board.target.core, 0, 0, 0, ram, 0, flash, str(plan.problems[0]))
    return Fit(
        board=board.name,
        title=board.title,
        core=board.target.core,
        arena=plan.arena_bytes,
        lower_bound=plan.lower_bound,
        ram=plan.arena_bytes + (board.stack_bytes if board.target.bare_metal else 0),
        ram_available=ram,
        flash=plan.weight_bytes + CODE_ESTIMATE,
        flash_available=flash,
        placed=_placed(plan, board),
    )


def _placed(plan: Plan, board: Board) -> bool:
    """Whether single banks of the board hold the arena and the weights."""
    try:
        placement.place(plan.arena_bytes, plan.weight_bytes, board)
    except FitError:
        return False
    return True


def _plan(graph: Graph, target: Target, objective: Objective, room: int) -> Plan | EdgekitError:
    """The plan, or why there is none: a core without the kernels is a row of the table, not the end."""
    try:
        return make(graph, target, objective=objective, room=room)
    except UnsupportedError as error:
        return error


def _layer(view: View, chosen: dict[str, str]) -> LayerFacts:
    node = view.node
    weights = sum(t.bytes for t in view.inputs if t is not None and t.data is not None)
    return LayerFacts(
        node.name, node.op.NAME, view.output.shape, node.op.macs(view), weights, chosen.get(node.name, "")
    )


def _signature(graph: Graph, name: str) -> str:
    tensor = graph.tensors[name]
    quant = f", scale {tensor.scale:.6g}, zero point {tensor.zero_point}" if tensor.quant else ""
    return f"{name}: {tensor.dtype.value} {'x'.join(map(str, tensor.shape))}{quant}"
