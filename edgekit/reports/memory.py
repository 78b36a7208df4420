"""The report of explain: the arena over time, one layer, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult

from edgekit.ir.dump import short_name
from edgekit.plan.plan import Layer, Plan, Slot
from edgekit.plan.reasons import Offer
from edgekit.plan.search import Way
from edgekit.reports.choices import candidates
from edgekit.reports.fitting import Bar
from edgekit.reports.parts import dims, facts, notes, number, size, table, text
from edgekit.reports.profile import Memory
from edgekit.results import Build
from edgekit.toolchain.footprint import UNNAMED, Part

_ROWS = 24


class ArenaOverTime:
    """The arena as a drawing: steps from left to right, addresses from top to bottom, the peak step marked."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Group(*_drawing(self.plan, options.max_width, ascii_only=options.ascii_only))


def ways(found: Sequence[Way], instructions: int) -> RenderableType:
    """What less RAM costs: every way to compute the model that no other one beats, fastest first."""
    result = table()
    for head in ("arena", "lower bound", "above it", "instructions", "steps"):
        result.add_column(head, justify="right", no_wrap=True)
    result.add_column("layers computed by so many rows")
    for way in found:
        spans = [
            (f"{s.first}" if s.last == s.first + 1 else f"{s.first}-{s.last - 1}", s.rows[-1]) for s in way.segments
        ]
        runs = ", ".join(f"{span} by {rows}" for span, rows in spans) or "none"
        above = f"{100 * (way.bytes / max(way.lower_bound, 1) - 1):.0f} %"
        more = f"+{100 * way.extra / max(instructions, 1):.2f} %"
        result.add_row(number(way.bytes), number(way.lower_bound), above, more, str(len(way.steps)), runs)
    note = (
        "The lower bound is the most bytes alive at one step of that way. Instructions are estimated, beside those of "
        "layers computed whole. --optimize speed takes the first that fits the board, ram the last."
    )
    return Group("", text(("ways to compute it", "bold")), result, "", text((note, "bright_black")))


def alive(plan: Plan, step: int) -> int:
    """Bytes of tensors and scratch that exist at a step, counting bytes that tensors share once."""
    layer = plan.layers[plan.steps[step].layer]
    spans = [(s.offset, s.offset + s.bytes) for s in plan.slots if s.first <= step <= s.last]
    spans.append((layer.scratch, layer.scratch + layer.scratch_bytes))
    end, total = 0, 0
    for begin, stop in sorted(spans):
        total += max(0, stop - max(begin, end))
        end = max(end, stop)
    return total


def peak(plan: Plan) -> int:
    """The step at which most bytes are alive."""
    return max(range(len(plan.steps)), key=lambda k: alive(plan, k), default=0)


def slot_names(plan: Plan) -> list[str]:
    """A name for people for each slot: the tensor's own if it is short, else that of the layer which makes it."""
    made = {i: (x.name, k, len(x.outputs)) for x in plan.layers for k, i in enumerate(x.outputs)}
    return [short_name(slot.tensor, *made.get(i, ("", 0, 1))) for i, slot in enumerate(plan.slots)]


def _drawing(plan: Plan, width: int, *, ascii_only: bool) -> list[RenderableType]:
    top = peak(plan)
    columns = max(1, min(len(plan.steps), width - 12))
    per = -(-len(plan.steps) // columns)
    cells = max(1, min(6, (width - 12) // -(-len(plan.steps) // per)))
    row_bytes = max(1, -(-plan.arena_bytes // _ROWS))
    legend = _letters(plan)
    lines: list[RenderableType] = [
        text((plan.title, "bold"), f": arena {plan.arena_bytes:,} B, lower bound {plan.lower_bound:,} B, "
             f"peak {alive(plan, top):,} B at step {top} ({_step_name(plan, top)})"),
        "",
    ]  # fmt: skip
    for row in range(-(-plan.arena_bytes // row_bytes)):
        address = row * row_bytes
        body = "".join(
            _cell(plan, legend, step, (address, address + row_bytes), ascii_only=ascii_only) * cells
            for step in range(0, len(plan.steps), per)
        )
        lines.append(text((f"{address:>9,} ", "bright_black"), body))
    marks = "".join(("^" if s <= top < s + per else " ") * cells for s in range(0, len(plan.steps), per))
    lines += [
        text(" " * 10, (marks, "bold red")),
        text(" " * 10, ("peak" if not marks.strip() else _under(marks), "red")),
    ]
    return [*lines, "", _legend(plan, legend)]


def _under(marks: str) -> str:
    """The word below the mark, so that it ends inside the drawing."""
    at = marks.index("^")
    return " " * at + "peak" if at + len("peak") <= len(marks) else "peak".rjust(max(len(marks), len("peak")))


def _letters(plan: Plan) -> dict[int, str]:
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return {i: alphabet[i % len(alphabet)] for i in range(len(plan.slots))}


def _cell(plan: Plan, legend: dict[int, str], step: int, span: tuple[int, int], *, ascii_only: bool) -> str:
    """The tensor whose bytes lie in ``span`` at ``step``: its letter, the one born last if several share them."""
    inside = [
        i for i, s in enumerate(plan.slots)
        if s.first <= step <= s.last and s.offset < span[1] and s.offset + s.bytes > span[0]
    ]  # fmt: skip
    if inside:
        return legend[max(inside, key=lambda i: plan.slots[i].first)]
    layer = plan.layers[plan.steps[step].layer]
    if layer.scratch_bytes and layer.scratch < span[1] and layer.scratch + layer.scratch_bytes > span[0]:
        return "#"
    return "." if ascii_only else "·"


def _step_name(plan: Plan, step: int) -> str:
    return plan.layers[plan.steps[step].layer].name if plan.steps else "none"


def _legend(plan: Plan, legend: dict[int, str]) -> RenderableType:
    result = table()
    result.add_column("")
    result.add_column("tensor", tail=True)
    result.add_column("shape", whole=True)
    for head in ("bytes", "offset", "alive"):
        result.add_column(head, justify="right")
    names = slot_names(plan)
    for i, slot in enumerate(plan.slots):
        kept = f" ({slot.ring_rows} of {slot.rows} rows)" if slot.ring_rows < slot.rows else ""
        life = f"{slot.first} to {min(slot.last, len(plan.steps) - 1)}"
        row = (names[i], dims(slot.shape) + kept, number(slot.bytes), number(slot.offset), life)
        result.add_row(legend[i], *row)
    return Group(result, "", text(("#: scratch of the layer that runs; steps run from left to right", "bright_black")))


def layer(plan: Plan, index: int, offers: Sequence[Offer] = ()) -> RenderableType:
    """One layer: what it computes, by which kernel and why, where its bytes lie."""
    x = plan.layers[index]
    steps = [k for k, step in enumerate(plan.steps) if step.layer == index]
    rows = [
        ("op", x.op), ("kernel", f"{x.kernel}: {x.why}"), ("function", f"{plan.model}_layer_{index:02d}"),
        ("from the layers", ", ".join(x.origin)), ("MACs", number(x.macs)),
        ("constants", f"{x.weight_bytes:,} B: " + (", ".join(sorted(x.constants)) or "none")),
        ("inputs", _slots(plan, x.inputs)), ("outputs", _slots(plan, x.outputs)),
        ("scratch", f"{x.scratch_bytes:,} B at {x.scratch:,}" if x.scratch_bytes else "none"),
        ("steps", f"{steps[0]} to {steps[-1]}" if len(steps) > 1 else str(steps[0])),
        ("literals", _ints(x, x.specialise)), ("at run time", _ints(x, x.fields)),
    ]  # fmt: skip
    why = ("", candidates(offers)) if offers else ()
    return Group(text(f"layer {index} ", (f"'{x.name}'", "bold"), f" of {plan.title}"), "", facts(rows), *why)


def _slots(plan: Plan, indices: Sequence[int]) -> str:
    names = slot_names(plan)
    return "\n".join(_slot(plan.slots[i], names[i]) if i >= 0 else "a constant in flash" for i in indices) or "none"


def _slot(slot: Slot, name: str) -> str:
    quant = f", scale {slot.scale:.6g}, zero point {slot.zero_point}" if slot.scale else ""
    return f"{name}: {slot.dtype} {dims(slot.shape)} at [{slot.offset:,}, {slot.offset + slot.bytes:,}){quant}"


def _ints(x: Layer, names: Sequence[str]) -> str:
    return ", ".join(f"{name}={x.ints[name]}" for name in names) or "none"


def sizes(plan: Plan, board: str, built: Build | None = None, reason: str = "") -> RenderableType:
    """Where flash and RAM go: of the built image, then constants and arena by layer; ``reason`` why none was built."""
    rows = [("constants", "in flash, as packed for the kernels; an array two layers share counts where it is first")]
    rows.append(("arena", f"{size(plan.arena_bytes)} planned, {size(plan.lower_bound)} is the lower bound"))
    parts: list[RenderableType] = [text((plan.title, "bold"), f" on {board} ({plan.core})"), ""]
    code: list[RenderableType] = []
    if built is not None:
        known = built.sizes
        told = known if known.stack_bound is None else replace(known, notes=())
        parts += [Memory(told), ""]
        if built.code_parts:
            code = ["", _code(plan, built.code_parts)]
            rows.append(("static", ", ".join(f"{p.name} {p.bytes:,} B" for p in built.static_parts) or "none"))
        stack = "; stack is what any inference can need at most, proved" if known.stack_bound is not None else ""
        rows.append(("code, static", f"model, kernels and runtime, read from the linked image{stack}"))
    else:
        rows.append(("not shown", f"code, stack and static variables: no image was built. {reason}"))
    return Group(*parts, _by_layer(plan, built.sizes.weights if built else 0), *code, "", notes(rows))


def _by_layer(plan: Plan, linked: int) -> RenderableType:
    """Constants and arena; ``linked`` is what the constants take in the image, 0 if there is none."""
    whole = linked or plan.weight_bytes
    result = table(footer=True)
    result.add_column("layer", "total", tail=True)
    result.add_column("op", no_wrap=True)
    result.add_column("constants", number(whole), justify="right", no_wrap=True)
    result.add_column("", no_wrap=True)
    result.add_column("alive in arena", number(plan.arena_bytes), justify="right", no_wrap=True)
    result.add_column("", no_wrap=True)
    for i, x in enumerate(plan.layers):
        held = max((alive(plan, k) for k, step in enumerate(plan.steps) if step.layer == i), default=0)
        result.add_row(
            x.name, x.op, number(x.weight_bytes), Bar(_part(x.weight_bytes, whole), 12),
            number(held), Bar(_part(held, plan.arena_bytes), 12),
        )  # fmt: skip
    if filling := whole - sum(x.weight_bytes for x in plan.layers):
        result.add_row(UNNAMED, "alignment", number(filling), "", "", "")
    return result


def _code(plan: Plan, parts: Sequence[Part]) -> RenderableType:
    """Every byte of code: the calls of all layers in one line, and each other function or object."""
    calls, rest = f"{plan.model}_layer_", dict[str, int]()
    for part in parts:
        name = f"calls of the {len(plan.layers)} layers" if part.name.startswith(calls) else part.name
        name = f"{name} in {part.section}" if name == UNNAMED else name.removeprefix(f"{plan.model}_")
        rest[name] = rest.get(name, 0) + part.bytes
    most = max(rest.values(), default=0)
    result = table(footer=True)
    result.add_column("code", "total", no_wrap=True)
    result.add_column("bytes", number(sum(rest.values())), justify="right")
    result.add_column("", no_wrap=True)
    for name, count in sorted(rest.items(), key=lambda x: (-x[1], x[0])):
        result.add_row(name, number(count), Bar(_part(count, most), 12))
    return result


def stack(b: Build) -> RenderableType:
    """The deepest calls of one inference and of the whole image, frame by frame."""
    if not b.stack:
        return text(f"{b.board} runs programs of its system, whose stacks are large: nothing is proved there")
    result = table()
    result.add_column("function", no_wrap=True)
    result.add_column("frame", justify="right", no_wrap=True)
    result.add_column("deep", justify="right", no_wrap=True)
    for bound in b.stack:
        deep = 0
        result.add_row(text((bound.what, "bold")), "", text((number(bound.bytes), "bold")))
        for name, frame in bound.chain:
            deep += frame
            result.add_row(f"  {name}", number(frame), number(deep))
    rows = [("bound", "each function followed along all its branches, deepest path of the call graph; any input")]
    rows.append(("reserved", f"{b.stack_reserved:,} bytes by the board file; interrupts that you add come on top"))
    return Group(text((b.plan.title, "bold"), f" on {b.board}"), "", result, "", notes(rows))


def _part(value: int, whole: int) -> float:
    return value / whole if whole else 0.0
