"""Every kernel over every case on emulated cores, compiled by zig and by gcc: right bytes, no byte outside."""

import pytest
from support.emulated_program import run_on_board
from support.kernel_program import cases_of, entries
from support.need import need

from edgekit import board as boards
from edgekit.plan.kernels import catalogue

CORES = {
    "scalar": (("emu-m0plus", "zig"), ("emu-m0plus", "gcc"), ("emu-m3", "gcc")),
    "thumb": (("emu-m0plus", "zig"), ("emu-m0plus", "gcc"), ("emu-m3", "zig"), ("emu-m3", "gcc")),
    "dsp": (("emu-m4", "zig"), ("emu-m4", "gcc"), ("emu-m7", "zig"), ("emu-m33", "gcc"), ("emu-m55", "gcc")),
    "mve": (("emu-m55", "zig"), ("emu-m55", "gcc")),
}
"""Boards and compilers for the kernels of an instruction set. A core whose code is another's gets one compiler."""

RUNS = [
    pytest.param(kernel, board, toolchain, id=f"{kernel.name}-{board}-{toolchain}")
    for kernel in catalogue()
    for board, toolchain in CORES[kernel.isa]
]


@pytest.mark.parametrize(("kernel", "board", "toolchain"), RUNS)
def test_a_kernel_is_exact_and_stays_inside_on_the_core(kernel, board, toolchain, tmp_path):
    if toolchain == "gcc":
        need("arm-none-eabi-gcc")
    if boards.load(board).emulator.startswith("qemu"):
        need("qemu-system-arm")
    target = boards.load(board)
    items = entries(kernel, target.target, cases_of(kernel), brief=True)
    said = run_on_board(items, target, toolchain, tmp_path)
    assert said.count("DONE") == said.count(" 0 failures\n") > 0, said[-4000:]
