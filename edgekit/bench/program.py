"""Many kernels in one image: single layers put together to a plan whose steps have nothing to do with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edgekit.board import Target
from edgekit.ir.graph import Graph
from edgekit.plan import make
from edgekit.plan.kernels import Kernel
from edgekit.plan.plan import Constant, Layer, Plan, Slot, Step

MODEL = "bench"
_IO_BYTES = 16


@dataclass(frozen=True)
class Item:
    """A kernel on a layer: ``graph`` has one node, ``plan`` runs it with this kernel and no other."""

    kernel: Kernel
    graph: Graph
    plan: Plan

    @property
    def layer(self) -> Layer:
        """The layer as it was planned."""
        return self.plan.layers[0]


def item(kernel: Kernel, graph: Graph, target: Target) -> Item:
    """The only layer of ``graph`` planned for ``target`` with ``kernel``."""
    return Item(kernel, graph, make.make(graph, target, {kernel.family: kernel.name}))


def merged(items: Sequence[Item], target: Target) -> Plan:
    """One plan with a layer and a step per item, in their order; they share an arena and overwrite each other.

    The model's input and output are the arena's first bytes: something has to be.
    """
    slots = [Slot(name, (1, _IO_BYTES), "int8", 0, 1, 1, 1, _IO_BYTES, 0, len(items)) for name in ("input", "output")]
    layers: list[Layer] = []
    constants: dict[str, Constant] = {}
    for number, one in enumerate(items):
        names = {c.name: f"{MODEL}_{number:03d}_{c.name}" for c in one.plan.constants}
        constants |= {names[c.name]: replace(c, name=names[c.name]) for c in one.plan.constants}
        first = len(slots)
        slots += one.plan.slots
        layers.append(
            replace(
                one.layer,
                constants={array: names[name] for array, name in one.layer.constants.items()},
                inputs=tuple(i + first if i >= 0 else i for i in one.layer.inputs),
                outputs=tuple(i + first for i in one.layer.outputs),
            )
        )
    return Plan(
        model=MODEL,
        title=MODEL,
        sha256="",
        core=target.core,
        isas=target.isas,
        macs=sum(x.macs for x in layers),
        arena_bytes=max(_IO_BYTES, *(x.plan.arena_bytes for x in items)),
        arena_align=max(x.plan.arena_align for x in items),
        lower_bound=0,
        layers=tuple(layers),
        steps=tuple(Step(i, 0, x.rows if x.rowwise else 1) for i, x in enumerate(layers)),
        slots=tuple(slots),
        constants=tuple(constants.values()),
        inputs=(0,),
        outputs=(1,),
    )
