"""The five MLPerf Tiny models, byte for byte and number for number, on every core with both compilers."""

import dataclasses

import pytest
from support import ledger
from support.need import model, need

from edgekit import board as boards

# TFLM + CMSIS-NN on a Cortex-M4, arm-none-eabi-gcc 12.2, release build: exact instruction counts of one inference on an
# emulated core; RAM is tensor arena, peak stack and static data, flash model data and code.
PEER = {
    "kws": (7_698_095, 22_820 + 1_100 + 424, 53_936 + 52_171),
    "ic": (29_865_196, 54_996 + 1_100 + 424, 98_496 + 49_975),
    "vww": (24_101_542, 100_708 + 1_100 + 424, 333_288 + 52_171),
    "ad": (582_866, 2_580 + 812 + 320, 276_976 + 27_027),
    "sww": (2_227_447, 16_596 + 948 + 424, 74_520 + 49_655),
}
HOSTED = {"host": "gcc", "raspberry-pi-4": "aarch64-linux-gnu-gcc", "raspberry-pi-5": "aarch64-linux-gnu-gcc"}


def compiler_for(board, toolchain):
    if toolchain == "gcc":
        need(HOSTED.get(board, "arm-none-eabi-gcc"))
    if boards.load(board).emulator.startswith("qemu:"):
        need("qemu-system-arm")


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", ledger.TOOLCHAINS)
@pytest.mark.parametrize("board", ledger.BOARDS)
@pytest.mark.parametrize("name", ledger.MODELS)
def test_a_model_is_exact_and_costs_what_the_ledger_says(name, board, toolchain):
    path = model(ledger.MODELS[name])
    compiler_for(board, toolchain)
    profile, entry = ledger.measure(path, board, toolchain)
    assert profile.exact, profile.verification.first_divergent
    where = ledger.key(name, board, toolchain)
    if ledger.updating():
        ledger.store(where, entry)
    kept = ledger.read()[where]
    if kept.compiler != entry.compiler:  # another compiler: other numbers, but not others by much
        assert entry.instructions is None or entry.instructions <= 1.1 * (kept.instructions or 0)
        kept = dataclasses.replace(entry)
    if boards.load(board).emulator == "native":  # the host's own libraries decide about code and stack
        kept = dataclasses.replace(kept, code=entry.code, stack=entry.stack, static=entry.static)
    assert entry == kept


@pytest.mark.parametrize("name", ledger.MODELS)
def test_no_model_needs_more_than_tflm_with_cmsis_nn(name):
    instructions, ram, flash = PEER[name]
    for toolchain in ledger.TOOLCHAINS:
        entry = ledger.read()[ledger.key(name, "nucleo-l4r5zi", toolchain)]
        assert entry.instructions <= instructions
        assert entry.ram <= ram
        assert entry.flash <= flash
