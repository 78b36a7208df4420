"""Bytes of flash and RAM, read from linked images.

``flash`` and ``ram`` speak of the model with its kernels and the runtime they need, from the image without serial
protocol and bench harness; ``image_*`` of the image that is flashed.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.board import Board
from edgekit.errors import BuildError, FitError, Problem
from edgekit.toolchain import elf
from edgekit.toolchain.elf import Image, Symbol
from edgekit.toolchain.project import Build
from edgekit.toolchain.stack import Bound, CallGraph

INFERENCE = "ek_model_invoke"
"""The function of firmware/src that runs one inference."""
RESET = "Reset_Handler"
_NOT_STATIC = (".stack", ".arena")


@dataclass(frozen=True)
class Footprint:
    """Sizes in bytes. ``flash_total`` is weights and code; ``ram_static`` is data and bss without arena and stack.

    ``stack_reserved`` is what the board file sets aside; ``stack_bound`` the proved most of one inference and
    ``image_stack_bound`` of the whole image, None for Linux and the host, whose stacks are large. ``symbols`` are
    those of the model's image, largest first.
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
    symbols: tuple[Symbol, ...]


def measure(build: Build, weight_bytes: int, arena_bytes: int) -> Footprint:
    """Read the sizes of a build; ``weight_bytes`` and ``arena_bytes`` are the plan's.

    Linux and host images have no twin without the harness and no sections for weights and arena: there the plan's
    numbers are used, code is the whole program's and static RAM everything but the arena.
    """
    image = elf.read(build.elf)
    model = elf.read(build.bare) if build.bare is not None else image
    sizes = {section.name: section.size for section in model.sections}
    weights = sizes.get(".weights", weight_bytes)
    arena = sizes.get(".arena", arena_bytes)
    static = sum(s.size for s in model.sections if s.in_ram and s.name not in _NOT_STATIC)
    return Footprint(
        flash_total=_flash(model),
        flash_weights=weights,
        flash_code=_flash(model) - weights,
        ram_static=static if ".arena" in sizes else static - arena,
        ram_arena=arena,
        stack_reserved=sizes.get(".stack", 0),
        stack_bound=CallGraph(model).bound(INFERENCE) if build.bare is not None else None,
        image_stack_bound=CallGraph(image).bound(RESET) if build.bare is not None else None,
        image_flash=_flash(image),
        image_ram=sum(s.size for s in image.sections if s.in_ram),
        symbols=tuple(sorted(model.symbols, key=lambda s: (-s.size, s.name))),
    )


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
