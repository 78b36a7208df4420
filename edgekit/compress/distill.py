# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""A small model learns what a large one says of every sample, beside the labels.

L = alpha T^2 CE(P_T, P_S) + (1 - alpha) CE(Y, P_S): the teacher's and the student's probabilities in the first term
are those of logits divided by the temperature T; T^2 keeps its gradients as large as the second's (Hinton, Vinyals,
Dean 2015, arXiv:1503.02531).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgekit.compress import backend
from edgekit.errors import DataError, Problem, UsageError

_FLOOR = 1e-9


@dataclass(frozen=True, eq=False)
class Distillation:
    """Who teaches, how much that counts (``alpha``, 0 to 1), and how much of it is told (``temperature``)."""

    teacher: Any
    alpha: float = 0.5
    temperature: float = 4.0

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise UsageError(Problem("the teacher's share is not a share", "alpha", str(self.alpha), "0 to 1"))
        if not self.temperature > 0:
            raise UsageError(Problem("no such temperature", "temperature", str(self.temperature), "above 0"))

    def check(self, student: Any) -> None:
        """Raise DataError if this teacher cannot teach this student."""
        wrong: list[Problem] = []
        for what, side in (("takes other inputs than", "inputs"), ("knows other classes than", "outputs")):
            own = [tuple(t.shape)[1:] for t in getattr(self.teacher, side)]
            wanted = [tuple(t.shape)[1:] for t in getattr(student, side)]
            if own != wanted:
                where, hint = f"teacher '{self.teacher.name}'", "train the teacher on the student's data"
                wrong.append(Problem(f"the teacher {what} the model", where, str(own), str(wanted), hint))
        if wrong:
            raise DataError(*wrong)


def log_probabilities(outputs: Any, *, softmaxed: bool) -> Any:
    """Logarithms of the probabilities in a model's outputs, which are probabilities or logits.

    What is given back can serve as logits too: they differ from them by a constant a sample.
    """
    ops = backend.load().ops

    return ops.log(ops.maximum(outputs, _FLOOR)) if softmaxed else ops.log_softmax(outputs, axis=-1)


def distillation_loss(student: Any, teacher: Any, labels: Any, settings: Distillation) -> Any:
    """The mean over samples of L; ``student`` and ``teacher`` are log-probabilities (samples, classes)."""
    ops = backend.load().ops

    heat, alpha = settings.temperature, settings.alpha
    told = ops.softmax(teacher / heat, axis=-1)
    soft = -ops.sum(told * ops.log_softmax(student / heat, axis=-1), axis=-1)
    hard = -ops.squeeze(ops.take_along_axis(student, ops.expand_dims(ops.cast(labels, "int32"), -1), axis=-1), -1)
    return ops.mean(alpha * heat**2 * soft + (1 - alpha) * hard)
