"""The report of what is plugged in."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from edgekit.device.discovery.found import Device, Found, Meter
from edgekit.reports.parts import table, text


def devices(found: Found) -> RenderableType:
    """Boards with the way to each, then meters, then what could not be looked at."""
    known = [d for d in found.devices if d.boards]
    others = [d for d in found.devices if not d.boards]
    parts: list[RenderableType] = [_boards(known) if known else text("no board is plugged in that a board file knows")]
    if others:
        parts += ["", text(("not like any board file", "bold")), _others(others)]
    if found.meters:
        parts += ["", text(("meters", "bold")), _meters(found.meters)]
    parts += [text((note, "bright_black")) for note in found.notes]
    return Group(*parts)


def _boards(known: Sequence[Device]) -> RenderableType:
    result = table()
    result.add_column("board")
    result.add_column("port")
    result.add_column("volume")
    result.add_column("probe")
    result.add_column("known by")
    for d in known:
        name = text((d.board, "green")) if d.board else text(("one of ", "yellow"), ", ".join(d.boards))
        result.add_row(name, _ports(d), _volumes(d), "\n".join(p.uid for p in d.probes) or "-", _how(d))
    return result


def _how(d: Device) -> str:
    lines = [d.how]
    if d.firmware is not None and d.firmware.build_id:
        lines.append(f"runs {d.firmware.model}, build {d.firmware.build_id}")
    lines += [f"FAIL.TXT: {v.note.splitlines()[0]}" for v in d.volumes if v.note]
    return "\n".join(lines)


def _others(others: Sequence[Device]) -> RenderableType:
    result = table()
    for head in ("port", "volume", "probe", "what it says"):
        result.add_column(head)
    for d in others:
        titles = [f"{p.title} {p.usb_id}".strip() for p in d.ports] + [f"{v.title} {v.code}" for v in d.volumes]
        titles += [p.title for p in d.probes] + ([d.how] if d.how else [])
        result.add_row(
            _ports(d), _volumes(d), "\n".join(p.uid for p in d.probes) or "-", "\n".join(filter(None, titles))
        )
    return result


def _ports(d: Device) -> str:
    return "\n".join(p.name + (f"\nnumber {p.serial}" if p.serial else "") for p in d.ports) or "-"


def _volumes(d: Device) -> str:
    return "\n".join(str(v.path) for v in d.volumes) or "-"


def _meters(found: Sequence[Meter]) -> RenderableType:
    result = table()
    for head in ("meter", "port", "serial number"):
        result.add_column(head)
    for m in found:
        name = m.name if m.sure else f"maybe {m.name}: other things have its USB id too"
        result.add_row(name, "\n".join(m.ports) or "-", m.serial or "-")
    return result
