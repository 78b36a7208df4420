"""The report of a quantisation: the ladder from float to int8, sizes, next step."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.text import Text

from edgekit.compress.doctor import JUDGED, LOOKED_AT, WORTH, Treatment
from edgekit.quantizing import Drop, Quantization, Rung
from edgekit.reports.fitting import FittedTable
from edgekit.reports.parts import counted, notes, size, table, text

_EXACT_HINT = "tflite-micro is not installed: pip install 'edgekit[oracle]' to have the file checked against it"
_FIRST = "the same with --doctor, which finds the layers at fault and tries remedies"
_LAST = "train on with quantisation in the loop, give more samples in --data, or allow more by --max-drop"
_CHANNELS = "channels"
_SHOWN = 6
_WIDE = 8.0
_DOCTOR_NOTES = (
    ("SNR", f"of the layer's output, with all errors from before; on the first {LOOKED_AT} that set the ranges"),
    ("share", "of the error at the model's output: what the layer makes alone; on the same samples"),
    (
        "output error",
        f"noise by signal, before a last softmax; on at most {JUDGED} that set the ranges but fitted no remedy",
    ),
    (
        "kept",
        f"leaves at most {WORTH:.0%} of that error; the first table's SNR is after softmax, of the test: it may fall",
    ),
)


def quantization(q: Quantization) -> RenderableType:
    """The whole report."""
    head = text((q.model, "bold"), f", calibrated by {q.calibrator} on {q.calibrated_on} samples, ",
                f"measured on {q.measured_on}")  # fmt: skip
    parts: list[RenderableType] = [head, "", _ladder(q), ""]
    if q.drop is not None:
        parts.append(_drop(q.drop, q.measured_on))
    else:
        parts.append("no labels: the share of samples that both answer alike stands for accuracy")
    parts.append(text(f"weights {size(q.float_weights)} -> {size(q.int8_weights)}, file {size(q.file_bytes)}"))
    if q.exact_on:
        parts.append(
            text(("exact", "green"), f": tflite-micro computes every byte of every layer alike on {q.exact_on} samples")
        )
    if q.treatment is not None:
        parts += ["", *_doctor(q.treatment)]
    rows = [("note", note) for note in (*q.notes, *(() if q.exact_on else (_EXACT_HINT,)))]
    if rows:
        parts += ["", notes(rows)]
    return Group(*parts, "", *_end(q))


def _drop(drop: Drop, count: int) -> Text:
    """How much less accurate int8 is, and how sure that is."""
    if not drop.changed:
        most = f"at most {drop.high:.2g}" if drop.high >= 1 else f"at most {drop.high:.1%}".replace(".0%", "%")
        bound = f" ({most}, 95 % sure)".replace("%,", " %,")
        return text(f"int8 and float: no difference seen on {counted(count, 'sample')}", (bound, "bright_black"))
    change = "less" if drop.share >= 0 else "more"
    span = f" (95 % interval of the drop {drop.low:+.2%} to {drop.high:+.2%}, same samples)"
    return text(f"int8 is {abs(drop.share):.2%} {change} accurate than float", (span, "bright_black"))


def _doctor(t: Treatment) -> list[RenderableType]:
    """The worst layers of plain int8, and what was tried."""
    layers = table(spare=(_CHANNELS, "op"))
    layers.add_column("worst, plain int8", tail=True)
    layers.add_column("op", no_wrap=True)
    for head in ("SNR", "share of error", "SNR treated"):
        layers.add_column(head, justify="right", no_wrap=True)
    layers.add_column(_CHANNELS, no_wrap=True)
    after = {layer.layer: layer for layer in t.healed}
    for x in t.sick[:_SHOWN]:
        better = after.get(x.layer)
        wide = f"differ {x.spread:,.0f} fold" if x.spread >= _WIDE else ""
        layers.add_row(x.layer, x.op, _db(x.snr_db), f"{x.effect:.0%}", _db(better.snr_db) if better else "-", wide)
    tried = table()
    tried.add_column("remedy", no_wrap=True)
    for head in ("output error before", "after", ""):
        tried.add_column(head, justify="right", no_wrap=True)
    for trial in t.trials:
        kept = text(("kept", "green")) if trial.kept else text(("no gain", "bright_black"))
        tried.add_row(trial.remedy, f"{trial.before * 100:.2g} %", f"{trial.after * 100:.2g} %", kept)
    return [layers, "", tried, "", notes(_DOCTOR_NOTES)]


def _end(q: Quantization) -> list[RenderableType]:
    if q.refused:
        return [text(("NOT WRITTEN: ", "bold red"), q.refused), f"next: {_LAST if q.treatment else _FIRST}"]
    if q.out is None:
        return []
    return [text(("written: ", "green"), str(q.out)), f"next: edgekit profile {q.out} --board nucleo-l4r5zi"]


def _ladder(q: Quantization) -> FittedTable:
    result = table()
    result.add_column("", no_wrap=True)
    for head in ("accuracy", "95 % interval", "as float", "output SNR"):
        result.add_column(head, justify="right", no_wrap=True)
    for rung in q.ladder:
        result.add_row(rung.name, *_accuracy(rung), f"{rung.agreement:.2%}", _snr(rung))
    return result


def _accuracy(rung: Rung) -> tuple[str, str]:
    if rung.accuracy is None:
        return "-", "-"
    low, high = rung.accuracy.interval
    return f"{rung.accuracy.share:.2%}", f"{low:.1%} to {high:.1%}"


def _snr(rung: Rung) -> str:
    return _db(rung.snr_db)


def _db(value: float) -> str:
    return f"{value:.1f} dB" if math.isfinite(value) else "-"
