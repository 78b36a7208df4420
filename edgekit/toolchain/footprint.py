"""Bytes of flash and RAM, read from linked images.

``flash`` and ``ram`` speak of the model with its kernels and the runtime they need, from the image without serial
protocol and bench harness; ``image_*`` of the image that is flashed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.board import Board
from edgekit.errors import BuildError, FitError, Problem
from edgekit.toolchain import elf
from edgekit.toolchain.elf import Image, Section
from edgekit.toolchain.project import Build
from edgekit.toolchain.stack import Bound, CallGraph

INFERENCE = "ek_model_invoke"
"""The function of firmware/src that runs one inference."""
RESET = "Reset_Handler"
_NOT_STATIC = (".stack", ".arena")
_WEIGHTS = ".weights"
UNNAMED = "(between them)"
"""Bytes of a section that no function or object claims: literals that are shared, and filling up to an alignment."""


@dataclass(frozen=True)
class Part:
    """A function or object of an image, or what lies between them in its section. ``bytes`` are its own alone."""

    name: str
    section: str
    bytes: int

    def json(self) -> dict[str, str | int]:
        """What ``explain size --json`` has of it."""
        return {"name": self.name, "section": self.section, "bytes": self.bytes}


@dataclass(frozen=True)
class Footprint:
    """Sizes in bytes. ``flash_total`` is weights and code; ``ram_static`` is data and bss without arena and stack.

    ``stack_reserved`` is what the board file sets aside; ``stack_bound`` the proved most of one inference and
    ``image_stack_bound`` of the whole image, None for Linux and the host, whose stacks are large. ``code_parts`` add
    up to ``flash_code`` and ``static_parts`` to ``ram_static``; there are none without an image of the model alone.
    """

    flash_total: int
    flash_weights: int
    flash_code: int
    ram_static: int
    ram_arena: int
    stack_reserved: int
    stack_bound: Bound | None
    image_stack_bound: Bound | None
    image_flash: int
    image_ram: int
    code_parts: tuple[Part, ...]
    static_parts: tuple[Part, ...]


def measure(build: Build, weight_bytes: int, arena_bytes: int) -> Footprint:
    """Read the sizes of a build; ``weight_bytes`` and ``arena_bytes`` are the plan's.

    Linux and host images have no twin without the harness and no sections for weights and arena: there the plan's
    numbers are used, code is the whole program's and static RAM everything but the arena.
    """
    image = elf.read(build.elf)
    model = elf.read(build.bare) if build.bare is not None else image
    sizes = {section.name: section.size for section in model.sections}
    weights = sizes.get(_WEIGHTS, weight_bytes)
    arena = sizes.get(".arena", arena_bytes)
    static = [s for s in model.sections if s.in_ram and s.name not in _NOT_STATIC]
    static_bytes = sum(s.size for s in static)
    code = [s for s in model.sections if s.loaded and s.name != _WEIGHTS]
    alone = build.bare is not None
    return Footprint(
        flash_total=_flash(model),
        flash_weights=weights,
        flash_code=_flash(model) - weights,
        ram_static=static_bytes if ".arena" in sizes else static_bytes - arena,
        ram_arena=arena,
        stack_reserved=sizes.get(".stack", 0),
        stack_bound=CallGraph(model).bound(INFERENCE) if alone else None,
        image_stack_bound=CallGraph(image).bound(RESET) if alone else None,
        image_flash=_flash(image),
        image_ram=sum(s.size for s in image.sections if s.in_ram),
        code_parts=parts(model, code) if alone else (),
        static_parts=parts(model, static) if alone else (),
    )


def parts(image: Image, sections: Sequence[Section]) -> tuple[Part, ...]:
    """Every byte of ``sections`` under a name, largest part first; what overlaps counts where it begins first."""
    found: list[Part] = []
    for section in sections:
        inside = [(s.address & ~1 if s.function else s.address, s) for s in image.symbols if s.section == section.name]
        at, named = section.address, 0
        for begin, symbol in sorted(inside, key=lambda x: (x[0], -x[1].size, x[1].name)):
            own = max(0, begin + symbol.size - max(at, begin))
            at = max(at, begin + symbol.size)
            if own:
                found.append(Part(symbol.name, section.name, own))
                named += own
        if named != section.size:
            found.append(Part(UNNAMED, section.name, section.size - named))
    return tuple(sorted(found, key=lambda part: (-part.bytes, part.section, part.name)))


def check_stack(size: Footprint, board: Board) -> None:
    """See that what the image's stack can need is proved and no more than the board file sets aside.

    Raises:
        FitError: the stack can need more.
        BuildError: there is no bound, with the function at fault.
    """
    bound = size.image_stack_bound
    if bound is None:
        return
    where = f"image for {board.name}"
    if bound.problem:
        hint = "Generated code and edgekit's ports have a bound; look at what was added to the firmware."
        raise BuildError(Problem("the most stack the image needs cannot be proved", where, bound.problem, hint=hint))
    if bound.bytes > size.stack_reserved:
        raise FitError(
            Problem(
                "the stack can run over",
                where,
                f"{bound.bytes:,} bytes, deepest in {bound.chain[-1][0]}",
                f"{size.stack_reserved:,} bytes, stack_bytes of the board file",
                "Set stack_bytes in the board file higher.",
            )
        )


def _flash(image: Image) -> int:
    return sum(s.size for s in image.sections if s.loaded)
