"""The reports of what was decided for a model: which kernels run its layers, which channels were removed, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType

from edgekit.passes.removed import Removed, Slimmed
from edgekit.plan.costs import KernelCost
from edgekit.plan.kernels import Kernel
from edgekit.plan.reasons import Offer
from edgekit.reports.catalogue import kernel as described
from edgekit.reports.fitting import FittedTable
from edgekit.reports.parts import notes, number, table, text

_NOTES = (
    ("instr", "predicted by the core's cost table; +-: most the prediction was off on the bench's layers"),
    ("flash", "bytes of constants and code if the layer were alone; code that layers share counts once"),
    ("model", "what the whole model would take more or less with this kernel in this layer"),
)


def candidates(offers: Sequence[Offer]) -> RenderableType:
    """Every kernel that could run a layer, the chosen one marked, and why."""
    result = _offers("candidate")
    for one in offers:
        _row(result, one.kernel, one)
    reasons = [(o.kernel, f"chosen: {o.reason}" if o.chosen else o.reason) for o in offers]
    return Group(result, "", notes(reasons), "", notes(_NOTES))


def kernel(k: Kernel, lines: Mapping[str, KernelCost]) -> RenderableType:
    """One kernel in full, with what was counted of it by core."""
    if not lines:
        return described(k)
    result = table()
    result.add_column("counted on", no_wrap=True)
    for head in ("code", "of these shared", "+- %"):
        result.add_column(head, justify="right", no_wrap=True)
    for core, line in lines.items():
        codes = [c.total for c in line.code]
        span = number(codes[0]) if min(codes) == max(codes) else f"{number(min(codes))} to {number(max(codes))}"
        helpers = max(sum(c.helpers.values()) for c in line.code)
        result.add_row(core, span, number(helpers), f"{line.error:g}")
    rows = [
        ("code", "bytes of flash of its first few routines, helpers that kernels share among them"),
        ("+-", "most that predicted instructions were off on the bench's layers"),
        ("more", f"`edgekit explain kernel {k.name} MODEL` for a model's layers, --json for the terms"),
    ]
    return Group(described(k), "", result, "", notes(rows))


def kernel_in_model(k: Kernel, rows: Sequence[tuple[str, Sequence[Offer]]]) -> RenderableType:
    """The layers of a model that a kernel could run, what it would cost there and which kernel does."""
    title = text((k.name, "bold"), f": {k.summary}")
    if not rows:
        return Group(title, "", f"no layer of the model is for it: {k.when or 'another op'}")
    result = _offers("layer")
    reasons: list[tuple[str, str]] = []
    for layer, offers in rows:
        one = next(o for o in offers if o.kernel == k.name)
        runs = next(o.kernel for o in offers if o.chosen)
        _row(result, layer, one)
        reasons.append((layer, one.reason if one.chosen else f"{runs} runs; here {one.reason}"))
    return Group(title, "", result, "", notes(reasons), "", notes(_NOTES))


def _offers(first: str) -> FittedTable:
    result = table(spare=("+- %", "model flash", "model instr"))
    result.add_column(first, tail=True)
    for head in ("instr", "+- %", "constants", "code", "model instr", "model flash"):
        result.add_column(head, justify="right", no_wrap=True)
    return result


def _row(result: FittedTable, label: str, one: Offer) -> None:
    result.add_row(
        text((label, "bold green" if one.chosen else "")),
        number(one.instructions),
        "-" if one.error is None else f"{one.error:g}",
        number(one.constants),
        number(one.code),
        _more(one.more_instructions),
        _more(one.more_flash),
    )


def _more(value: int | None) -> str:
    return "-" if value is None else f"{value:+,}" if value else "0"


def channels(found: Removed) -> RenderableType:
    """What was taken out of a model, layer by layer."""
    saved = f"MACs {found.macs:,} -> {found.macs_left:,}, constants {found.weights:,} -> {found.weights_left:,} B"
    lines: list[RenderableType] = [text((found.model, "bold"), f": {saved}")]
    if found.folded:
        named = ", ".join(f"{name} ({op})" for name, op in found.folded)
        lines += ["", f"computed beforehand, or needed by no output: {named}"]
    if not found.layers:
        lines += ["", "no channel can be removed: each of them can change an output"]
        return Group(*lines)
    result = table()
    result.add_column("layer", tail=True)
    for head in ("channels", "constant", "later", "unread", "inputs gone", "MACs left", "values"):
        result.add_column(head, justify="right", no_wrap=True)
    for one in found.layers:
        result.add_row(*_slimmed(one))
    rows = [
        ("constant", "has one value for every possible input, by interval analysis: `values`"),
        ("later", "becomes constant in a later layer that keeps channels apart, whatever its value is here"),
        ("unread", "meets only zero weights, or only channels that went themselves"),
        ("inputs gone", "channels no longer read; what constant ones contributed is in the bias, exactly"),
        ("kept", "as many dead channels as make the rest a multiple of four, one word"),
    ]
    return Group(*lines, "", result, "", notes(rows))


def _slimmed(one: Slimmed) -> tuple[str, ...]:
    values = sorted(set(one.values))
    shown = str(values[0]) if len(values) == 1 else f"{values[0]} to {values[-1]}" if values else "-"
    counts = (len(one.constant), len(one.constant_later), len(one.unread), one.inputs_gone)
    left = f"{one.macs_left:,}" + (f" ({one.macs_left / one.macs:.0%})" if one.macs else "")
    channels = f"{one.channels} -> {one.channels - one.gone}" if one.gone else str(one.channels)
    return (one.layer, channels, *(str(n) if n else "-" for n in counts), left, shown)
