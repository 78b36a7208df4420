"""The arena over time as a drawing: steps from left to right, addresses from top to bottom, the peak step marked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from edgekit.plan.plan import Plan, Slot
from edgekit.reports import svg
from edgekit.reports.memory import alive, peak, slot_names
from edgekit.reports.parts import dims, size
from edgekit.reports.svg import Element, Scale

_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 24, 36
_HEIGHT = 340
_LABEL_HEIGHT = 14
_MARGIN = 4
_PER_TICK = 60


def arena(plan: Plan, width: int) -> Element:
    """Where every tensor lies as long as it lives, and the scratch of the layer that runs."""
    steps = max(len(plan.steps), 1)
    at = Scale(0, steps, _LEFT, width - _RIGHT)
    down = Scale(0, max(plan.arena_bytes, 1), _TOP, _HEIGHT - _BOTTOM)
    made = svg.up(down, at.begin, at.end, ((t, size(int(t))) for t in _addresses(plan.arena_bytes)))
    if plan.steps:
        made += _peak(plan, at, down)
    for i, slot in enumerate(plan.slots):
        made.append(_tensor(slot, i, steps, at, down))
    made += [*_scratch(plan, at, down), *_names(plan, steps, at, down)]
    made.append(svg.line(at.begin, down.end, at.end, down.end, "axis"))
    most = max(1, int((at.end - at.begin) / _PER_TICK))
    numbers = [t for t in svg.ticks(0, steps - 1, most) or [0.0] if t == int(t)]
    made += svg.across(at, down.end, ((t + 0.5, f"{t:.0f}") for t in numbers))
    made.append(svg.words(at.end, _HEIGHT - 3, "step", "muted", "end"))
    title = f"Arena of {plan.arena_bytes:,} bytes over {len(plan.steps)} steps"
    if plan.steps:
        title += f"; most bytes, {alive(plan, peak(plan)):,}, are alive at step {peak(plan)}"
    return svg.drawing(width, _HEIGHT, title, *made)


def lifetime(plan: Plan, slot: Slot) -> str:
    """The steps at which a tensor is alive, in words."""
    last = min(slot.last, max(len(plan.steps) - 1, 0))
    return f"{slot.first} to {last}" if last > slot.first else str(slot.first)


def _addresses(arena_bytes: int) -> list[float]:
    """Round addresses: of powers of two, as people who know memories expect."""
    step = 16
    while arena_bytes / step > 6:  # noqa: PLR2004 - lines that can still be told apart
        step *= 2
    return [float(a) for a in range(0, arena_bytes + 1, step)]


def _box(slot: Slot, steps: int, at: Scale, down: Scale) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of a tensor."""
    return at(slot.first), at(min(slot.last + 1, steps)), down(slot.offset), down(slot.offset + slot.bytes)


def _tensor(slot: Slot, index: int, steps: int, at: Scale, down: Scale) -> Element:
    left, right, top, bottom = _box(slot, steps, at, down)
    kept = f", {slot.ring_rows} of {slot.rows} rows at a time" if slot.ring_rows < slot.rows else ""
    where = f"{slot.bytes:,} bytes at {slot.offset:,}"
    told = f"{slot.tensor}: {slot.dtype} {dims(slot.shape)}{kept}, {where}, steps {slot.first} to {slot.last}"
    kind = f"tensor s{index % svg.SERIES}"
    return svg.rect(left, top, max(right - left, 1), max(bottom - top, 0.5), kind, title=told)


def _names(plan: Plan, steps: int, at: Scale, down: Scale) -> Iterator[Element]:
    """The tensors' names inside their boxes, up to where a box that shares the bytes begins; none where no room is."""
    boxes = [_box(slot, steps, at, down) for slot in plan.slots]
    for i, (name, (left, right, top, bottom)) in enumerate(zip(slot_names(plan), boxes, strict=True)):
        if bottom - top < _LABEL_HEIGHT:
            continue
        for k, (begin, end, over, under) in enumerate(boxes):
            behind = begin > left or (begin == left and k > i)
            if behind and begin < right and end > left and over < top + _LABEL_HEIGHT and under > top:
                right = max(begin, left)  # noqa: PLW2901 - the room that is left
        shown = svg.fitting(name, right - left - 2 * _MARGIN)
        if shown:
            yield svg.words(left + _MARGIN, top + 12, shown)


def _scratch(plan: Plan, at: Scale, down: Scale) -> Iterator[Element]:
    """One rectangle for all steps of a layer that follow each other."""
    for layer, group in groupby(range(len(plan.steps)), key=lambda k: plan.steps[k].layer):
        run, x = list(group), plan.layers[layer]
        if x.scratch_bytes:
            left, right = at(run[0]), at(run[-1] + 1)
            top, bottom = down(x.scratch), down(x.scratch + x.scratch_bytes)
            told = f"scratch of {x.name}: {x.scratch_bytes:,} bytes at {x.scratch:,}"
            yield svg.rect(left, top, right - left, max(bottom - top, 0.5), "scratch", title=told)


def _peak(plan: Plan, at: Scale, down: Scale) -> list[Element]:
    step = peak(plan)
    left, right = at(step), at(step + 1)
    middle = (left + right) / 2
    name = f"peak: {alive(plan, step):,} B"
    anchor = "end" if middle > (at.begin + at.end) / 2 else "start"
    return [
        svg.rect(left, down.begin, right - left, down.end - down.begin, "peak"),
        svg.line(left, down.begin - 6, left, down.end, "peak-edge"),
        svg.line(right, down.begin - 6, right, down.end, "peak-edge"),
        svg.words(right if anchor == "end" else left, down.begin - 10, name, "peak-name", anchor),
    ]
