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
    said = run_on_board(items, target, toolchain, tmp_path)
    assert said.endswith(" 0 failures\n"), said[-4000:]
