"""Tiny firmware for tests of emulated boards: one C file on a board's own port, built by the zig wheel."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from elftools.elf.elffile import ELFFile

from edgekit import resources

if TYPE_CHECKING:
    from pathlib import Path

    from edgekit.board import Board

_CPU = {
    "cortex-m0plus": ("thumb-freestanding-eabi", "cortex_m0plus"),
    "cortex-m3": ("thumb-freestanding-eabi", "cortex_m3"),
    "cortex-m4": ("thumb-freestanding-eabihf", "cortex_m4+vfp4d16sp"),
    "cortex-m7": ("thumb-freestanding-eabihf", "cortex_m7+fp_armv8d16"),
    "cortex-m33": ("thumb-freestanding-eabihf", "cortex_m33+dsp+fp_armv8d16sp"),
    "cortex-m55": ("thumb-freestanding-eabihf", "cortex_m55+mve+mve_fp"),
    "cortex-a72": ("aarch64-freestanding", "cortex_a72"),
    "cortex-a76": ("aarch64-freestanding", "cortex_a76"),
}
_FLAGS = (
    *("-O2", "-g0", "-fhosted", "-nostdlib", "-std=gnu11", "-fomit-frame-pointer", "-mframe-chain=none"),
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fno-builtin"),
)


class Image(NamedTuple):
    """What a build gives: the bytes to flash and the ELF file."""

    image: Path
    elf: Path


def build(board: Board, source: Path, folder: Path) -> Image:
    """Build ``source`` with start-up code and the port of ``board``."""
    firmware = resources.firmware()
    target, cpu = _CPU[board.target.core]
    port = firmware / "port" / board.port / "port.c"
    defines = [f"-DEK_CLOCK_HZ={board.target.clock_hz}U", f"-DEK_BAUD={board.serial.baud}U"]
    sources = [source, port, firmware / "src" / "libc.c"]
    elf = folder / f"{board.name}.elf"
    link: list[str] = []
    if board.target.bare_metal:
        sources += sorted((firmware / "cortex_m").glob("*.c"))
        (folder / "memory.ld").write_text(_memory(board), encoding="ascii")
        link = [f"-Wl,-T,{firmware / 'cortex_m' / 'link.ld'}", "-Wl,-e,Reset_Handler"]
    flags = [f for f in _FLAGS if board.target.bare_metal or f != "-mframe-chain=none"]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, f"-mcpu={cpu}", *flags, *defines]
    include = [f"-I{firmware / 'include'}"]
    done = subprocess.run(
        [*command, *include, *map(str, sources), *link, "-Wl,--gc-sections", "-o", str(elf)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if not board.target.bare_metal:
        return Image(elf, elf)
    image = folder / f"{board.name}.bin"
    image.write_bytes(_flat(elf, board.target.banks("flash")[0].origin))
    return Image(image, elf)


def _memory(board: Board) -> str:
    flash, ram = board.target.banks("flash")[0], board.target.banks("ram")[0]
    return f"""MEMORY
{{
    flash (rx) : ORIGIN = {flash.origin:#x}, LENGTH = {flash.size:#x}
    ram (rwx) : ORIGIN = {ram.origin:#x}, LENGTH = {ram.size:#x}
}}
REGION_ALIAS("EK_FLASH", flash);
REGION_ALIAS("EK_WEIGHTS", flash);
REGION_ALIAS("EK_RAM", ram);
REGION_ALIAS("EK_ARENA", ram);
__vector_offset = {board.vector_offset:#x};
__stack_size = {board.stack_bytes};
"""


def _flat(elf: Path, origin: int) -> bytes:
    image = bytearray()
    with elf.open("rb") as file:
        loaded = ELFFile(file)
        for section in loaded.iter_sections():
            if not section["sh_flags"] & 2 or section["sh_type"] == "SHT_NOBITS" or not section["sh_size"]:
                continue
            at = _load_address(loaded, section) - origin
            image.extend(bytes(max(0, at + section["sh_size"] - len(image))))
            image[at : at + section["sh_size"]] = section.data()
    return bytes(image)


def _load_address(elf: ELFFile, section) -> int:
    for segment in elf.iter_segments():
        if segment["p_type"] == "PT_LOAD" and segment.section_in_segment(section):
            return segment["p_paddr"] + section["sh_addr"] - segment["p_vaddr"]
    return section["sh_addr"]
