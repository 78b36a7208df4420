# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false
"""One way to fit a Keras classifier, for every stage that trains: Adam, a cosine of the rate, a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.compress import backend
from edgekit.compress.distill import Distillation, distillation_loss, log_probabilities
from edgekit.errors import DataError, Problem, UsageError
from edgekit.ir.graph import Array

_BATCH = 256


@dataclass(frozen=True)
class Budget:
    """How long and how fast a stage trains; ``rate`` is where the cosine starts, 1 % of it where it ends."""

    epochs: int = 10
    rate: float = 1e-3
    batch: int = 64
    seed: int = 1

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not self.rate > 0:
            found = f"{self.epochs} epochs of batches of {self.batch} at a rate of {self.rate}"
            raise UsageError(Problem("nothing can be trained so", "budget", found, "1 or more, 1 or more, above 0"))


def fit(
    model: Any,
    samples: Array,
    labels: Array,
    budget: Budget,
    *,
    distillation: Distillation | None = None,
    callbacks: Sequence[Any] = (),
    forward: Callable[[Any, bool], Any] | None = None,
    extra: Sequence[Any] = (),
) -> None:
    """Train ``model`` in place on class numbers; ``labels`` may be None only where a teacher has all the say.

    ``forward(inputs, training)`` computes in the model's stead (with fake quantisation, say); ``extra`` are layers
    whose variables it uses beside the model's.

    Raises:
        DataError: the samples do not fit the model, are not finite, or labels name no class; the teacher's do not fit.
    """
    keras = backend.load()

    check(model, samples, labels)
    if distillation is not None:
        distillation.check(model)
    keras.utils.set_random_seed(budget.seed)

    class Fitted(keras.Model):
        """The model under training: another way forward, another loss."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = model
            self.beside = list(extra)

        def call(self, inputs: Any, training: bool = False) -> Any:
            return forward(inputs, training) if forward is not None else model(inputs, training=training)

        def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
            student = log_probabilities(y_pred, softmaxed=ends_in_softmax(model))
            if distillation is None:
                picked = keras.ops.take_along_axis(student, keras.ops.expand_dims(y, -1), axis=-1)
                return sum(self.losses, -keras.ops.mean(picked))
            taught = distillation.teacher(x, training=False)
            teacher = log_probabilities(taught, softmaxed=ends_in_softmax(distillation.teacher))
            return sum(self.losses, distillation_loss(student, teacher, y, distillation))

    steps = budget.epochs * -(-len(samples) // budget.batch)
    rate: Any = keras.optimizers.schedules.CosineDecay(budget.rate, steps, 0.01)
    fitted = Fitted()
    if distillation is not None:
        distillation.teacher.trainable = False
    fitted.compile(keras.optimizers.Adam(rate))
    wanted = np.asarray(labels, np.int32)
    given = np.asarray(samples, np.float32)
    fitted.fit(given, wanted, batch_size=budget.batch, epochs=budget.epochs, verbose=0, callbacks=list(callbacks))


def check(model: Any, samples: Array, labels: Array) -> None:
    """Raise DataError with everything about samples and labels that does not fit the model."""
    wrong: list[Problem] = []
    wanted = tuple(model.inputs[0].shape)[1:]
    classes = int(model.outputs[0].shape[-1])
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:  # noqa: PLR2004
        hint = "compress the part that classifies"
        wrong.append(Problem("only models of one input and one row of classes are trained", model.name, hint=hint))
    if tuple(samples.shape[1:]) != wanted or not len(samples):
        wrong.append(Problem("the samples do not fit", "samples", str(samples.shape), f"(samples, {wanted})"))
    elif not np.isfinite(samples).all():
        wrong.append(Problem("the samples hold values that are not finite", "samples", "NaN or infinity"))
    elif float(np.min(samples)) == float(np.max(samples)):
        wrong.append(Problem("all samples hold one value", "samples", str(float(np.min(samples)))))
    if labels.shape != samples.shape[:1]:
        wrong.append(Problem("there is not one label a sample", "labels", str(labels.shape), str(samples.shape[:1])))
    elif len(labels) and not np.issubdtype(labels.dtype, np.integer):
        wrong.append(Problem("labels are class numbers", "labels", str(labels.dtype), "integers"))
    elif len(labels) and (labels.min() < 0 or labels.max() >= classes):
        found = f"{int(labels.min())} to {int(labels.max())}"
        wrong.append(Problem("labels name classes the model does not have", "labels", found, f"0 to {classes - 1}"))
    if wrong:
        raise DataError(*wrong)


def ends_in_softmax(model: Any) -> bool:
    """Whether a model gives probabilities; otherwise its outputs are taken for logits."""
    tensor = model.outputs[0]
    operation = tensor._keras_history.operation  # noqa: SLF001  (the only way to a tensor's layer)
    while hasattr(operation, "layers") and hasattr(operation, "outputs"):
        operation = operation.outputs[0]._keras_history.operation  # noqa: SLF001
    named = getattr(getattr(operation, "activation", None), "__name__", "")
    return named == "softmax" or type(operation).__name__ == "Softmax"


def answers(model: Any, samples: Array) -> Array:
    """The class the model names for each sample."""
    parts = [
        np.asarray(model(np.asarray(samples[start : start + _BATCH], np.float32), training=False)).argmax(axis=-1)
        for start in range(0, len(samples), _BATCH)
    ]
    return np.concatenate(parts)


def accuracy(model: Any, samples: Array, labels: Array) -> float:
    """The share of samples whose class the model names, 0 to 1."""
    return float((answers(model, samples) == labels).mean())


def epochs_told(tell: Callable[[int], None]) -> Any:
    """A Keras callback that calls ``tell`` with the number of epochs done."""
    callback: Any = backend.load().callbacks.LambdaCallback(on_epoch_end=lambda epoch, _logs: tell(epoch + 1))
    return callback
