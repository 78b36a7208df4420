"""The five MLPerf Tiny models, byte for byte and number for number, on every core with both compilers."""

import dataclasses

import pytest
from support import ledger
from support.need import model, need

from edgekit import board as boards

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
    hold_against_the_ledger(profile, entry, ledger.key(name, board, toolchain))


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", ledger.TOOLCHAINS)
@pytest.mark.parametrize("name", ledger.MODELS)
def test_a_pico_2_is_exact_and_takes_the_instructions_of_its_core(name, toolchain):
    path = model(ledger.MODELS[name])
    compiler_for("raspberry-pi-pico-2", toolchain)
    profile, entry = ledger.measure(path, "raspberry-pi-pico-2", toolchain)
    assert profile.exact, profile.verification.first_divergent
    kept = ledger.read()[ledger.key(name, "emu-m33", toolchain)]
    assert (entry.arena, entry.weights) == (kept.arena, kept.weights)
    if kept.compiler == entry.compiler:
        assert entry.instructions == kept.instructions
    assert profile.cycles.how == "indicative"


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", ledger.TOOLCHAINS)
def test_kernels_chosen_for_speed_are_exact_and_cost_what_the_ledger_says(toolchain):
    path, board = model(ledger.MODELS["ic"]), ledger.BOARDS[0]
    compiler_for(board, toolchain)
    profile, entry = ledger.measure(path, board, toolchain, "speed")
    assert entry.instructions <= 9_000_000
    hold_against_the_ledger(profile, entry, ledger.key(ledger.SPEED, board, toolchain))


def hold_against_the_ledger(profile, entry, where):
    assert profile.exact, profile.verification.first_divergent
    if ledger.updating():
        ledger.store(where, entry)
    kept = ledger.read()[where]
    if kept.compiler != entry.compiler:  # another compiler: other numbers, but not others by much
        assert entry.instructions is None or entry.instructions <= 1.1 * (kept.instructions or 0)
        kept = dataclasses.replace(entry)
    assert entry == kept
    if entry.stack is not None:
        assert entry.stack <= profile.sizes.stack_bound, "the bound is proved for every input, this one too"


@pytest.mark.parametrize("name", ledger.MODELS)
def test_helium_needs_fewer_instructions_than_cmsis_nn_there(name):
    for toolchain in ledger.TOOLCHAINS:
        assert ledger.read()[ledger.key(name, "emu-m55", toolchain)].instructions <= ledger.PEER[name][1]


@pytest.mark.parametrize("name", ledger.MODELS)
def test_no_model_needs_more_than_tflm_with_cmsis_nn(name):
    instructions, _, ram, flash = ledger.PEER[name]
    for toolchain in ledger.TOOLCHAINS:
        entry = ledger.read()[ledger.key(name, "nucleo-l4r5zi", toolchain)]
        assert entry.instructions <= instructions
        assert entry.ram <= ram
        assert entry.flash <= flash
