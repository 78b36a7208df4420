"""Every kernel over every case on emulated cores, compiled by zig and by gcc: right bytes, no byte outside."""

import pytest
from support.emulated_program import run_on_board
from support.kernel_program import cases_of, entries
from support.need import need

from edgekit import board as boards
from edgekit.plan.kernels import catalogue

CORES = {
    "scalar": ("emu-m0plus", "emu-m3"),
    "dsp": ("emu-m4", "emu-m7", "emu-m33", "emu-m55"),
    "mve": ("emu-m55",),
}
"""Boards that run the kernels of an instruction set; scalar kernels run where nothing better does."""

PER_IMAGE = 80
"""Cases in one image: more do not fit the memory of the smallest board when each brings its own kernels."""

RUNS = [
    pytest.param(kernel, board, toolchain, id=f"{kernel.name}-{board}-{toolchain}")
    for kernel in catalogue()
    for board in CORES[kernel.isa]
    for toolchain in ("zig", "gcc")
]


@pytest.mark.parametrize(("kernel", "board", "toolchain"), RUNS)
def test_a_kernel_is_exact_and_stays_inside_on_the_core(kernel, board, toolchain, tmp_path):
    if toolchain == "gcc":
        need("arm-none-eabi-gcc")
    if boards.load(board).emulator.startswith("qemu"):
        need("qemu-system-arm")
    target = boards.load(board)
    items = entries(kernel, target.target, cases_of(kernel))
    for first in range(0, len(items), PER_IMAGE):
        folder = tmp_path / str(first)
        folder.mkdir()
        said = run_on_board(items[first : first + PER_IMAGE], target, toolchain, folder)
        assert said.endswith(" 0 failures\n"), said[-4000:]
