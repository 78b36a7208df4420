"""Whether edgekit can generate a model that was read: all that stands in the way, in one error."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.errors import InternalError, ModelError, Problem, UnsupportedError
from edgekit.ir import verify
from edgekit.ir.graph import Array, DType, Graph, Shape, Tensor, View
from edgekit.ops.base import Lowered, Op


@dataclass(frozen=True)
class Unknown(Op):
    """Stands for a layer edgekit does not have, so that the others can be judged."""

    NAME: ClassVar[str] = "UNKNOWN"
    FAMILY: ClassVar[str] = ""

    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """Whatever the file says."""
        return tuple(t.shape for t in view.outputs)

    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Nobody knows; a graph with such a layer is refused."""
        del values
        raise InternalError(Problem("a layer of an unknown kind was run", f"layer '{view.node.name}'"))

    def lower(self, view: View) -> Lowered:
        """Nothing is generated; a graph with such a layer is refused."""
        raise InternalError(Problem("a layer of an unknown kind was lowered", f"layer '{view.node.name}'"))


def stand_in(name: str, *, is_constant: bool) -> Tensor:
    """A tensor for one that edgekit cannot hold."""
    data = np.frombuffer(b"\0", np.int8) if is_constant else None
    return Tensor(name, (1,), DType.INT8, data=data)


def check(graph: Graph, unsupported: Sequence[Problem] = (), unfit: Collection[str] = ()) -> None:
    """Find everything about ``graph`` that edgekit cannot generate.

    ``unsupported`` was found while reading; layers that touch an ``unfit`` tensor are not judged further.

    Raises:
        ModelError: the graph contradicts itself.
        UnsupportedError: ``unsupported``, every broken rule, and outputs that no layer computes.
    """
    structure = verify.structure_problems(graph)
    if structure and not unsupported:
        raise ModelError(*structure)
    found = list(unsupported) if structure else [*unsupported, *_broken_rules(graph, unfit), *_outputs(graph)]
    if found:
        places = {f"layer '{node.name}'": i for i, node in enumerate(graph.nodes)}
        raise UnsupportedError(*sorted(found, key=lambda p: places.get(p.where, len(places))))
    wrong = verify.problems(graph)
    if wrong:
        raise ModelError(*wrong)


def _broken_rules(graph: Graph, unfit: Collection[str]) -> list[Problem]:
    judged = (v for v in graph.views() if not any(n in unfit for n in (*v.node.inputs, *v.node.outputs)))
    return [p for view in judged for p in view.node.op.problems(view)]


def _outputs(graph: Graph) -> list[Problem]:
    """Model outputs that nothing computes."""
    known = _known_beforehand(graph)
    return [
        Problem("a model output must depend on an input", f"tensor '{name}'", hint="remove this output")
        if name in known
        else Problem("a model output must be made by a layer", f"tensor '{name}'", hint="remove this output")
        for name in dict.fromkeys(graph.outputs)
        if name in known or graph.producer(name) is None
    ]


def _known_beforehand(graph: Graph) -> set[str]:
    """Constants and what follows from nothing but constants."""
    known = {name for name, t in graph.tensors.items() if t.data is not None}
    for node in graph.nodes:
        if all(not name or name in known for name in node.inputs):
            known |= set(node.outputs)
    return known
