"""What every op is: fields, rules, shape, reference, MACs and what its kernels are given.

A rule is a sentence and a predicate; the sentence is the error text, the row in the op table and the
test's name.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from edgekit.errors import Problem
from edgekit.ir.graph import Array, DType, QuantParams, Shape, View


class Padding(enum.IntEnum):
    """How a window op treats the border; numbered as in TensorFlow Lite's schema."""

    SAME = 0
    VALID = 1


class Activation(enum.IntEnum):
    """Fused activation; numbered as in TensorFlow Lite's schema."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5


@dataclass(frozen=True)
class Option:
    """A field of an op and where a .tflite file keeps it: ``tflite`` is the accessor's name in the options table."""

    attribute: str
    tflite: str
    kind: Callable[[Any], Any] = int


@dataclass(frozen=True)
class Rule:
    """What must hold for edgekit to generate an op.

    ``says`` is a full sentence in the present tense; ``attribute`` the field or tensor it is about;
    ``found`` shows the offending value; ``hint`` the user's next step. Where a ``decisive`` rule does not hold,
    the rules after it cannot be judged.
    """

    says: str
    holds: Callable[[View], bool]
    attribute: str
    found: Callable[[View], object]
    hint: str
    decisive: bool = False


@dataclass(frozen=True)
class Lowered:
    """What a kernel template is given of a layer.

    ``ints`` are compile-time numbers (sizes, strides, zero points, clamps); ``arrays`` the constants in
    canonical order (OHWI filters, int32 biases, multipliers), before a kernel packs them.
    """

    ints: Mapping[str, int]
    arrays: Mapping[str, Array] = field(default_factory=dict[str, Array])


class Op(ABC):
    """One operation; a frozen dataclass whose fields are its attributes.

    ``NAME`` is the TensorFlow Lite name; ``FAMILY`` the folder of its kernels under templates/kernels,
    empty for ops that need no code (reshape). ``OPTIONS_TABLE`` and ``OPTIONS`` say how a .tflite file stores
    the fields, for the reader and the writer alike. ``ROWWISE`` ops compute output rows from a window of input
    rows, so that they can run in row bands; others need their whole input. ``KEEPS_SCALE`` ops only move or pick
    elements, so that their int8 outputs are quantised as the first activation is; ``OUTPUT_QUANT`` is what TensorFlow
    Lite's int8 definition of the op lays down for the output.
    """

    NAME: ClassVar[str]
    FAMILY: ClassVar[str]
    ROWWISE: ClassVar[bool] = False
    KEEPS_SCALE: ClassVar[bool] = False
    OUTPUT_QUANT: ClassVar[QuantParams | None] = None
    RULES: ClassVar[tuple[Rule, ...]] = ()
    OPTIONS_TABLE: ClassVar[str] = ""
    OPTIONS: ClassVar[tuple[Option, ...]] = ()

    @abstractmethod
    def output_shapes(self, view: View) -> tuple[Shape, ...]:
        """Shapes of the outputs, worked out from the inputs and the fields."""

    @abstractmethod
    def reference(self, view: View, values: list[Array]) -> list[Array]:
        """Outputs for the given input values (constants included, absent inputs as empty arrays), in NumPy.

        Byte-equal to TensorFlow Lite Micro's reference kernel.
        """

    def real(self, view: View, values: list[Array]) -> list[Array]:
        """Outputs of a layer on float32 tensors, in NumPy; not byte-equal to any runtime.

        An op whose ``reference`` only moves elements, whatever their type, needs no other.
        """
        return self.reference(view, values)

    def evaluate(self, view: View, values: list[Array]) -> list[Array]:
        """Outputs of the layer: real arithmetic where they are float32, else the exact reference."""
        return self.real(view, values) if view.output.dtype is DType.FLOAT32 else self.reference(view, values)

    @abstractmethod
    def lower(self, view: View) -> Lowered:
        """What the kernel template is given."""

    def macs(self, view: View) -> int:
        """Multiply-accumulates of one inference; 0 for ops without weights."""
        del view
        return 0

    def rowwise(self, view: View) -> bool:
        """Whether this layer computes output rows from a window of input rows.

        ``ROWWISE`` unless the shapes or fields say otherwise (a concatenation along the batch, say).
        """
        del view
        return self.ROWWISE

    def activations(self, view: View) -> tuple[int, ...]:
        """Indices of the inputs a kernel reads as ``in[i]``, in that order.

        By default every input that is not a constant: constants are parameters, which ``lower`` folds into
        its ints and arrays. An op that takes a constant operand at run time adds its index.
        """
        return tuple(i for i, t in enumerate(view.inputs) if t is not None and t.data is None)

    def input_rows(self, view: View, index: int, begin: int, end: int) -> tuple[int, int]:
        """Rows [first, last) of input ``index`` that output rows [begin, end) are computed from; ROWWISE ops only."""
        del view, index
        return begin, end

    def problems(self, view: View) -> list[Problem]:
        """Every rule that does not hold for this layer, up to a decisive one."""
        found: list[Problem] = []
        for rule in self.RULES:
            if rule.holds(view):
                continue
            found.append(
                Problem(
                    what=f"{self.NAME}: {rule.says}",
                    where=f"layer '{view.node.name}'",
                    found=f"{rule.attribute} = {rule.found(view)}",
                    hint=rule.hint,
                )
            )
            if rule.decisive:
                break
        return found
