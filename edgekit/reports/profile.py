"""The profile report: what one inference costs, layer by layer, and how each number was got."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from edgekit.costs import Cycles, Energy, Latency, LayerProfile
from edgekit.reports.fitting import Bar, FittedTable
from edgekit.reports.parts import (
    NARROW,
    counted,
    duration,
    grid,
    microjoules,
    notes,
    number,
    ratio,
    size,
    table,
    text,
)
from edgekit.results import Profile, Sizes, Verification

_BAR = 22
_SHARE_BAR = 6
_HOW_CYCLES = {
    "estimated": "a model of the core's instruction costs and flash wait states",
    "indicative": "a model of the core",
    "measured": "the core's own cycle counter",
    "unknown": "nothing counts or estimates cycles on this board",
}


class ProfileReport:
    """The whole report; narrower consoles get fewer columns."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Group(*_parts(self.profile))


def _parts(p: Profile) -> list[RenderableType]:
    right = accuracy(p.verification)
    return [
        _header(p),
        verdict(p.verification),
        *([right] if right else []),
        "",
        Memory(p.sizes),
        "",
        _layers(p),
        "",
        _totals(p),
        *_energy(p.energy),
        "",
        notes(_footnotes(p)),
    ]


def _header(p: Profile) -> Text:
    clock = f"{p.clock_hz / 1e6:g} MHz"
    board = f"{p.board_title} ({p.board}, {p.core}, {clock})" if p.core != "host" else f"{p.board_title} ({p.board})"
    return text((p.model.name, "bold"), " on ", (board, "bold"), ", ", (p.how, "yellow" if p.how == "emulated" else ""))


def verdict(v: Verification) -> Text:
    """One line: exact or not, against what, over how many samples."""
    samples = counted(v.samples, "sample")
    samples += f" and the outputs of {v.outputs_only} more" if v.outputs_only else ""
    if v.exact:
        what = f": {v.bytes:,} output bytes of {counted(len(v.layers), 'layer')} over {samples} equal {v.reference}"
        return text(("exact", "bold green"), what)
    first = v.first_divergent
    if first is None:
        missed = [c.name for c in v.checks if c.missing or not c.bytes]
        why = f": not everything was compared ({', '.join(missed) or 'no layer'})"
        return text(("NOT EXACT", "bold red"), why)
    different = sum(c.different for c in v.checks)
    what = f": {different:,} elements differ from {v.reference}, first in layer '{first.name}'"
    return text(("NOT EXACT", "bold red"), what)


def accuracy(v: Verification) -> Text | None:
    """One line on labelled samples, if there were any."""
    a = v.accuracy
    if a is None:
        return None
    return text(
        (f"{a.right} of {a.total}", "bold"), f" labelled samples classified rightly on the board ({a.share:.1%})"
    )


class Memory:
    """Bars of RAM and flash, the model's share of the board, and what they are made of."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        s, wide = self.sizes, options.max_width >= NARROW
        stack = number(s.stack if s.stack is not None else s.stack_bound)
        ram = f"arena {s.arena:,} + stack {stack} + static {number(s.static)}"
        rows = (
            ("RAM", s.known_ram, s.ram is not None, s.board_ram, ram),
            (
                "flash",
                s.known_flash,
                s.flash is not None,
                s.board_flash,
                f"weights {s.weights:,} + code {number(s.code)}",
            ),
        )
        bars = grid()
        bars.add_column(style="bold")
        for _ in range(2):
            bars.add_column(justify="right", no_wrap=True)
        for name, used, sure, whole, parts in rows:
            share = used / whole if whole else 0.0
            style = "red" if share > 1 else "cyan"
            bar = Bar(share, _BAR, style, track=True) if whole else ""
            of = f" of {size(whole)}" if whole else ""
            least = "" if sure else "at least "  # parts of it are not known
            bars.add_row(name, f"{least}{size(used)}{of}", f"{share:.1%}" if whole else "", bar, parts if wide else "")
        yield bars
        if not wide:
            yield text(("; ".join(f"{name}: {parts}" for name, *_, parts in rows), "bright_black"))
        if s.image_flash is not None:
            image = f"RAM {number(s.image_ram)}, flash {number(s.image_flash)}"
            yield text((f"whole image, with protocol and bench harness: {image}", "bright_black"))
        for note in s.notes:
            yield text((f"-: {note}", "bright_black"))


def _layers(p: Profile) -> FittedTable:
    """The layer table; columns without any number are left out."""
    counted = sum(_cost(x) for x in p.layers)
    shares = [_cost(x) / counted if counted else 0.0 for x in p.layers]
    numbers = [c for c in _numbers(p, shares) if any(cell not in ("", "-") for cell in c[2])]
    result = table(footer=True, tight=True, spare=("kernel",))
    result.add_column("layer", "total", tail=True)
    for head in ("op", "kernel"):
        result.add_column(head, no_wrap=True)
    for head, foot, _ in numbers:
        result.add_column(head, foot, justify="right")
    if counted:
        result.add_column()
    for i, x in enumerate(p.layers):
        bar = [Bar(shares[i], _SHARE_BAR)] if counted else []
        result.add_row(x.name, x.op, short_kernel(x.kernel), *(cells[i] for *_, cells in numbers), *bar)
    return result


def _numbers(p: Profile, shares: Sequence[float]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Head, foot and cells of each column."""
    layers = p.layers
    cycles = "cycles" if p.cycles.how == "measured" else "est. cycles"
    left = sum(x.macs for x in layers)
    per_left = p.cycles.value / left if p.cycles.value is not None and left else None
    # Beside instructions per MAC those of cycles would only take room.
    per_mac = [("/MAC", ratio(per_left), tuple(ratio(x.cycles_per_mac) for x in layers))]
    return [
        ("MACs", number(sum(x.macs for x in layers)), tuple(number(x.macs or None) for x in layers)),
        ("instr", number(p.instructions), tuple(number(x.instructions) for x in layers)),
        ("/MAC", ratio(_per_left(p)), tuple(ratio(x.per_mac) for x in layers)),
        (cycles, number(p.cycles.value), tuple(number(x.cycles) for x in layers)),
        *(per_mac if p.instructions is None else ()),
        ("share", "", tuple(f"{s:.1%}" if any(shares) else "-" for s in shares)),
    ]


def _per_left(p: Profile) -> float | None:
    """Instructions per MAC that the passes have left."""
    left = sum(x.macs for x in p.layers)
    return p.instructions / left if p.instructions is not None and left else None


def _cost(x: LayerProfile) -> int:
    return x.cycles or x.instructions or 0


def short_kernel(name: str) -> str:
    """A kernel's name without its family, which the op says already, and without the usual int8."""
    return re.sub(r"^.*?_(?=(s8|u8|s16|f32|any)(_|$))", "", name).removeprefix("s8_")


def error_text(cycles: Cycles) -> str:
    """The error of an estimate as ``+-15 %``, or nothing."""
    return _percent(cycles.error)


def _percent(error: float | None) -> str:
    return f" +-{error:.0%}".replace("%", " %") if error else ""


def _totals(p: Profile) -> Text:
    parts: list[str | tuple[str, str]] = ["one inference: "]
    if p.instructions is not None:
        per = f" ({p.per_mac:.2f} per MAC of the model)" if p.per_mac is not None else ""
        parts += [(number(p.instructions), "bold"), f" instructions{per}, {p.how}"]
    if p.cycles.value is not None:
        per = f" ({p.cycles_per_mac:.2f} per MAC)" if p.cycles_per_mac is not None else ""
        parts += [", " if len(parts) > 1 else "", (number(p.cycles.value), "bold"), f" cycles{per}, ", p.cycles.how]
        parts += [f", fitted within{error_text(p.cycles)}" if p.cycles.error else ""]
    if p.latency_us is not None:
        clock = f" at {p.clock_hz / 1e6:g} MHz" if p.cycles.value is not None else ""
        parts += [", " if len(parts) > 1 else "", (duration(p.latency_us), "bold"), clock, f", {p.latency_how}"]
    if p.latency.runs > 1:
        parts += ["\n", *_distribution(p.latency)]
    return text(*parts)


def _cycles_note(cycles: Cycles) -> str:
    """How cycles were got, and what their error is the error of."""
    how = f"{cycles.how}: {_HOW_CYCLES[cycles.how]}"
    error = f";{error_text(cycles)} is" if cycles.error and cycles.basis else "," if cycles.basis else ""
    return f"{how}{error} {cycles.basis}".rstrip()


def _distribution(latency: Latency) -> list[str]:
    """Least, 95th percentile and most of all runs; the median stands above."""
    figures = (("min", min(latency.samples)), ("p95", latency.p95 or 0.0), ("max", max(latency.samples)))
    shown = ", ".join(f"{name} {duration(value)}" for name, value in figures)
    return [f"{latency.runs} runs after {latency.warmups} to warm up: {shown}"]


def _energy(energy: Energy) -> list[Text]:
    """One line on energy, or none where nothing is known."""
    if energy.per_inference_uj is None:
        return []
    parts: list[str | tuple[str, str]] = ["energy: ", (microjoules(energy.per_inference_uj), "bold"), " an inference"]
    if energy.mean_ma is not None and energy.peak_ma is not None:
        parts.append(f", {energy.mean_ma:.3g} mA mean and {energy.peak_ma:.3g} mA peak")
    if energy.voltage is not None:
        parts.append(f" at {energy.voltage:.3g} V")
    parts.append(f", {energy.how}{_percent(energy.error)}")
    if energy.meter:
        parts.append(f" by {energy.meter} over {energy.windows} x {energy.inferences} inferences")
    if energy.idle_subtracted:
        parts.append(f", {energy.idle_mw or 0:.3g} mW of the idle board taken off")
    return [text(*parts)]


def _energy_source(energy: Energy) -> str:
    if not energy.meter:
        return energy.reason
    return f"{energy.samples:,} samples in windows cut by {energy.gate}, everything the meter feeds included"


def _footnotes(p: Profile) -> list[tuple[str, str]]:
    v, s = p.verification, p.sizes
    rows: list[tuple[str, str]] = [("toolchain", f"{p.toolchain.name} {p.toolchain.version}")]
    if p.how == "emulated":
        rows.append(("emulated", f"the very image for the board ran on {p.emulator}; no hardware took part"))
    if p.instructions is not None:
        rows.append(("instructions", "counted exactly between entry and return of the model's functions"))
    rows.append(("cycles", _cycles_note(p.cycles)))
    if p.latency.timer and p.how == "measured":
        rows.append(("latency", f"{p.latency.timer}; {p.latency.overhead_us:.3g} us of reading it taken off"))
    rows.append(("energy", _energy_source(p.energy)))
    stack = "; stack is the high-water mark of one inference" if s.stack is not None else ""
    stack += f", proved never to exceed {s.stack_bound:,}" if stack and s.stack_bound is not None else ""
    what = (
        "model, kernels and runtime, read from the linked image"
        if s.code is not None
        else "arena and weights as planned"
    )
    rows.append(("RAM, flash", what + stack))
    rows.append(("reference", f"{v.reference}; samples: {v.sample_source}"))
    return rows + [("note", note) for note in p.notes]
