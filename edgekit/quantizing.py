"""A float model and samples become an int8 .tflite file, with what that costs in accuracy: the verb quantize."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import __version__, reference, samples
from edgekit.compress import Options, calibrate, quantize
from edgekit.compress import doctor as physician
from edgekit.compress.doctor import Treatment
from edgekit.compress.noise import LayerNoise
from edgekit.compress.quantize import prepared
from edgekit.errors import DataError, InternalError, ModelError, Problem, UsageError, UserError
from edgekit.execution import Progress
from edgekit.files import write_whole
from edgekit.frontends import keras as keras_reader
from edgekit.frontends import tflite, tflite_writer
from edgekit.ir import batch, interp
from edgekit.ir.graph import Array, DType, Graph
from edgekit.samples import Samples
from edgekit.scoring import Z95, Accuracy, score

CALIBRATION = 500
"""At most so many samples set the ranges, which bounds the time that takes."""
FEW = 64
MAX_DROP = 0.01
EXACT_ON = 3
_NONE_SEEN = 3.0
"""What was not seen once in n samples has at most this by n for its share, 95 % sure (the rule of three)."""
SUFFIX = "_int8.tflite"


@dataclass(frozen=True, eq=False)
class Data:
    """Float samples in two parts: ranges come from the first, figures from the second. ``labels`` may be empty."""

    calibration: tuple[Array, ...]
    test: tuple[Array, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Rung:
    """One form of the model on the test samples.

    ``agreement`` is the share of samples answered as the float model answers them; ``snr_db`` how far the error of the
    outputs lies below them.
    """

    name: str
    accuracy: Accuracy | None
    agreement: float
    snr_db: float

    def json(self) -> dict[str, Any]:
        """As part of the result."""
        snr = round(self.snr_db, 2) if math.isfinite(self.snr_db) else None
        accuracy = self.accuracy.json() if self.accuracy else None
        return {"name": self.name, "accuracy": accuracy, "agreement": round(self.agreement, 4), "snr_db": snr}


@dataclass(frozen=True)
class Drop:
    """By how much fewer of the same samples int8 gets right: a share, with its 95 % interval.

    ``changed`` of the samples are right in one of the two and wrong in the other.
    """

    share: float
    low: float
    high: float
    changed: int = 0


@dataclass(frozen=True, eq=False)
class Quantization:
    """An int8 model and what it cost. ``out`` is the file written; None if ``refused`` says why it was not."""

    model: str
    graph: Graph
    out: Path | None
    ladder: tuple[Rung, ...]
    drop: Drop | None
    max_drop: float
    calibrator: str
    calibrated_on: int
    measured_on: int
    float_weights: int
    int8_weights: int
    file_bytes: int
    exact_on: int
    notes: tuple[str, ...] = ()
    refused: str = ""
    treatment: Treatment | None = None

    def json(self) -> dict[str, Any]:
        """For other tools."""
        drop = self.drop
        return {
            "edgekit": __version__,
            "kind": "quantization",
            "model": self.model,
            "written": str(self.out) if self.out else None,
            "refused": self.refused or None,
            "calibrator": self.calibrator,
            "calibrated_on": self.calibrated_on,
            "measured_on": self.measured_on,
            "ladder": [rung.json() for rung in self.ladder],
            "drop": None if drop is None else asdict(drop),
            "max_drop": self.max_drop,
            "float_weights_bytes": self.float_weights,
            "int8_weights_bytes": self.int8_weights,
            "file_bytes": self.file_bytes,
            "exact_in_tflite_micro_on": self.exact_on,
            "notes": list(self.notes),
            "doctor": None if self.treatment is None else _treatment(self.treatment),
        }


def _treatment(t: Treatment) -> dict[str, Any]:
    """As part of the result."""
    trials = [{"remedy": x.remedy, "error_before": x.before, "error_after": x.after, "kept": x.kept} for x in t.trials]
    return {"layers_before": _layers(t.sick), "layers_after": _layers(t.healed), "trials": trials}


def _layers(found: Sequence[LayerNoise]) -> list[dict[str, Any]]:
    return [
        {
            "layer": x.layer,
            "op": x.op,
            "snr_db": round(x.snr_db, 2) if math.isfinite(x.snr_db) else None,
            "effect": round(x.effect, 4),
            "channel_spread": round(x.spread, 2),
        }
        for x in found
    ]


def run(
    model: Path | str | Graph,
    data: Path | str | Samples,
    *,
    test: Path | str | Samples | None,
    out: Path | None,
    calibrator: str,
    max_drop: float | None,
    doctor: bool,
    progress: Progress,
) -> Quantization:
    """Read, calibrate, quantise, measure, check, write; nothing is written before everything else has succeeded."""
    _writable(out)
    progress("reading the model", 0, 0)
    graph = model if isinstance(model, Graph) else load_float(Path(model))
    _finite_weights(graph)
    parts = divide(graph, data, test)
    if max_drop is not None and not parts.labels:
        hint = "add an array 'labels' with a class number for each sample, or leave --max-drop away"
        raise DataError(Problem("without labels there is no accuracy that could drop", hint=hint))
    allowed = MAX_DROP if max_drop is None else max_drop
    progress("quantising", 0, 0)
    treatment = physician.treat(graph, parts.calibration, calibrator, progress) if doctor else None
    forms = treatment.stages if treatment else (("int8", quantize(graph, parts.calibration, Options(calibrator))),)
    small, fused = forms[-1][1], prepared(graph)
    progress("measuring", 0, 0)
    rungs, drop = measured(fused, forms, parts)
    written = tflite_writer.write(small)
    progress("comparing with tflite-micro", 0, 0)
    exact_on = compared(written, small, parts.test)
    refused = too_much(drop, allowed, treatment)
    result = Quantization(
        model=graph.name,
        graph=small,
        out=out if not refused else None,
        ladder=rungs,
        drop=drop,
        max_drop=allowed,
        calibrator=calibrator,
        calibrated_on=len(parts.calibration[0]),
        measured_on=len(parts.test[0]),
        float_weights=_weights(fused),
        int8_weights=_weights(small),
        file_bytes=len(written),
        exact_on=exact_on,
        notes=parts.notes,
        refused=refused,
        treatment=treatment,
    )
    if result.out is not None:
        write_whole(result.out, written)
    return result


def load_float(path: Path) -> Graph:
    """The float graph of a model file.

    Raises:
        ModelError, UnsupportedError, MissingToolError: as the frontend of its kind does.
        UserError: it is of no kind that can be quantised.
    """
    if path.suffix.lower() in keras_reader.SUFFIXES:
        return keras_reader.read(path)
    if path.suffix.lower() == ".tflite":
        hint = "give the Keras model it was converted from (.keras or .h5)"
        raise UserError(Problem("a .tflite file cannot be quantised", path.name, hint=hint))
    allowed = ", ".join(keras_reader.SUFFIXES)
    raise UserError(Problem("this kind of file cannot be quantised", path.name, path.suffix or "no suffix", allowed))


def _finite_weights(graph: Graph) -> None:
    """Raise ModelError with every constant that holds NaN or infinity."""
    constants = [t for t in graph.tensors.values() if t.data is not None and t.dtype is DType.FLOAT32]
    wrong = [Problem("weights are not finite", f"tensor '{t.name}'", hint="train the model anew, at a lower rate")
             for t in constants if not np.isfinite(t.value).all()]  # fmt: skip
    if wrong:
        raise ModelError(*wrong)


def divide(graph: Graph, data: Path | str | Samples, test: Path | str | Samples | None) -> Data:
    """Samples checked against the model and parted: with ``test`` all of ``data`` is for the ranges.

    Raises:
        DataError: everything about them that does not fit, is constant, too few or not finite.
    """
    given = data if isinstance(data, Samples) else samples.load(data, graph)
    judged = given if test is None else test if isinstance(test, Samples) else samples.load(test, graph)
    columns, tests = _columns(given), _columns(judged)
    calibrate.check(graph, columns)
    samples.check_labels(judged.labels, graph, judged.source)
    order = np.random.default_rng(0).permutation(len(given))
    notes: list[str] = []
    rest = np.arange(len(judged))
    if test is not None:
        chosen = order[:CALIBRATION]
    elif len(given) < 2 * calibrate.MIN_SAMPLES:
        chosen = order
        notes.append(f"{len(given)} samples are too few to part: figures are of those the ranges were taken from")
    else:
        half = min(CALIBRATION, len(given) // 2)
        chosen, rest = np.sort(order[:half]), np.sort(order[half:])
    if len(chosen) < FEW:
        notes.append(f"only {len(chosen)} samples set the ranges; 100 or more make them sure")
    return Data(
        calibration=tuple(c[chosen] for c in columns),
        test=tuple(c[rest] for c in tests),
        labels=tuple(judged.labels[i] for i in rest) if judged.labels else (),
        classes=judged.classes,
        notes=tuple(notes),
    )


def _columns(given: Samples) -> list[Array]:
    """An array (samples, ...) for each input."""
    return [np.concatenate(column) for column in zip(*given.inputs, strict=True)]


def answers(outputs: Array) -> Array:
    """The class each row of float outputs names, by the rules of ``samples.answer``."""
    return np.array([samples.answer(row) for row in outputs])


def real_outputs(graph: Graph, columns: Sequence[Array]) -> list[Array]:
    """Real values of the outputs of a float or an int8 graph for float samples."""
    tensors = [graph.tensors[n] for n in graph.inputs]
    given = [c if t.dtype is DType.FLOAT32 else samples.quantise(c, t) for t, c in zip(tensors, columns, strict=True)]
    made = batch.outputs(graph, given)
    ends = [graph.tensors[n] for n in graph.outputs]
    return [
        m if t.dtype is DType.FLOAT32 else samples.real_values(m, t.scale, t.zero_point)
        for t, m in zip(ends, made, strict=True)
    ]


def measured(fused: Graph, forms: Sequence[tuple[str, Graph]], parts: Data) -> tuple[tuple[Rung, ...], Drop | None]:
    """The float model and other forms of it on the test samples, and how far the last of them falls short."""
    real = real_outputs(fused, parts.test)
    truth = answers(real[0])
    rungs = [Rung("float", _accuracy(parts, truth), 1.0, math.inf)]
    theirs = truth
    for name, form in forms:
        outputs = real_outputs(form, parts.test)
        theirs = answers(outputs[0])
        agreement = float((theirs == truth).mean())
        rungs.append(Rung(name, _accuracy(parts, theirs), agreement, decibels(real, outputs)))
    drop = paired(np.array(parts.labels) == truth, np.array(parts.labels) == theirs) if parts.labels else None
    return tuple(rungs), drop


def _accuracy(parts: Data, given: Array) -> Accuracy | None:
    return score(parts.labels, [int(a) for a in given], parts.classes) if parts.labels else None


def decibels(real: Sequence[Array], ours: Sequence[Array]) -> float:
    """How far the error lies below the signal."""
    signal = sum(float((r.astype(np.float64) ** 2).sum()) for r in real)
    noise = sum(float(((r.astype(np.float64) - o) ** 2).sum()) for r, o in zip(real, ours, strict=True))
    return 10 * math.log10(max(signal, 1e-30) / noise) if noise else math.inf


def paired(before: Array, after: Array) -> Drop:
    """The drop of the share that is right, on the same samples, and its 95 % interval.

    The variance is that of paired proportions: only samples that changed count (A. Agresti, "Categorical Data
    Analysis", chapter on matched pairs). Where none changed, the rule of three bounds the share that may.
    """
    count = len(before)
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    if lost + won == 0:
        most = min(1.0, _NONE_SEEN / count) if count else 1.0
        return Drop(0.0, -most, most)
    share = (lost - won) / count
    half = Z95 * math.sqrt(max(lost + won - (lost - won) ** 2 / count, 0.0)) / count
    return Drop(share, share - half, share + half, lost + won)


def too_much(drop: Drop | None, allowed: float, treatment: Treatment | None) -> str:
    """Why the model must not be written; empty if it may."""
    if drop is None or drop.share <= allowed + 1e-12:
        return ""
    why = f"int8 is {drop.share:.2%} less accurate than float, more than the {allowed:.2%} that --max-drop allows"
    if treatment is None or not treatment.healed:
        return why
    worst = treatment.healed[0]
    return f"{why}; layer '{worst.layer}' makes {worst.effect:.0%} of the error that is left"


def compared(data: bytes, graph: Graph, columns: Sequence[Array], count: int = EXACT_ON) -> int:
    """On how many samples the file gives, read again, the graph's bytes in tflite-micro; 0 if that is not installed.

    Raises:
        InternalError: a byte differs.
    """
    if not reference.has_tflite_micro():
        return 0
    again = tflite.read(data)
    oracle = reference.make(again, again, data)
    given = [samples.quantise(c[:count], graph.tensors[n]) for n, c in zip(graph.inputs, columns, strict=True)]
    for i in range(len(given[0])):
        sample = [c[i : i + 1] for c in given]
        ours = interp.run(graph, sample)
        for name, theirs in oracle.values(sample).items():
            if not np.array_equal(ours[name], theirs):
                raise InternalError(Problem("tflite-micro computes other bytes than edgekit", f"tensor '{name}'"))
    return len(given[0])


def _weights(graph: Graph) -> int:
    """Bytes of all constants."""
    return sum(t.bytes for t in graph.tensors.values() if t.data is not None)


def _writable(out: Path | None) -> None:
    """Whether ``out`` can be written, asked before the work begins."""
    if out is None:
        return
    if out.suffix.lower() != ".tflite":
        raise UsageError(Problem("the int8 model is a .tflite file", "--out", str(out), "a name that ends in .tflite"))
    if not out.parent.is_dir():
        raise UserError(Problem("there is no such folder", str(out.parent), hint="make it first"))
