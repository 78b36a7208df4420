"""The report of a flashing."""

from __future__ import annotations

from rich.console import Group, RenderableType

from edgekit.device.flash.run import Flashed
from edgekit.reports.parts import notes, size, text, would_run


def flashed(f: Flashed) -> RenderableType:
    """What was done to which board, and how it is known that it holds the image."""
    if f.planned:
        then = [text("would then: ", (f.step, "bold"))] if f.step else []
        head = text("dry run: nothing is built, nothing is written")
        return Group(head, *would_run(f.commands), *then, notes(_rows(f)))
    if f.skipped:
        head = text((f.board, "bold"), " runs this very image already; nothing was written")
    else:
        head = text((f.board, "bold"), _done(f))
    known = [text(("verified: ", "green"), how) for how in f.verified]
    if not known:
        known = [
            text(
                ("NOT VERIFIED: ", "bold yellow"),
                "the image was handed over; nobody has looked at what the board holds",
            )
        ]
    return Group(head, *known, "", notes(_rows(f)))


def _done(f: Flashed) -> str:
    if f.via != "emulator":
        rate = f", {f.bytes / f.seconds / 1024:,.0f} KiB/s" if f.seconds else ""
        return f" flashed with {size(f.bytes)} in {f.seconds:.1f} s{rate}"
    what = ", EMULATED, switched on with" if f.emulated else ", this computer itself, started"
    return f"{what} {size(f.bytes)} in {f.seconds:.1f} s"


def _rows(f: Flashed) -> list[tuple[str, str]]:
    rows = [("build", f.build_id), ("by", f"{f.via}, {f.place} ({f.why})")]
    rows += [("port", f.port)] if f.port else []
    return rows + [("note", note) for note in f.notes]
