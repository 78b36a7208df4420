"""The five MLPerf Tiny models, byte for byte and number for number, on every core with both compilers."""

import dataclasses

import pytest
from support import ledger
from support.need import model, need

import edgekit
from edgekit import board as boards
from edgekit.plan import make

HOSTED = {"host": "gcc", "raspberry-pi-4": "aarch64-linux-gnu-gcc", "raspberry-pi-5": "aarch64-linux-gnu-gcc"}

ESTIMATED = 0.03
"""How far the estimated price of bands may be off, as a share of the model's instructions."""


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


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", ledger.TOOLCHAINS)
@pytest.mark.parametrize("name", ledger.MODELS)
def test_the_smallest_plan_is_exact_and_costs_what_the_ledger_says(name, toolchain):
    path, board = model(ledger.MODELS[name]), ledger.BOARDS[0]
    compiler_for(board, toolchain)
    profile, entry = ledger.measure(path, board, toolchain, "ram")
    hold_against_the_ledger(profile, entry, ledger.key(f"{name} ram", board, toolchain))


@pytest.mark.parametrize("toolchain", ledger.TOOLCHAINS)
@pytest.mark.parametrize("name", ledger.MODELS)
def test_the_smallest_plan_keeps_to_its_bytes_and_is_hardly_slower_than_the_default_one(name, toolchain):
    entries, (most, share) = ledger.read(), ledger.SMALLEST[name]
    least, default = (entries[ledger.key(n, ledger.BOARDS[0], toolchain)] for n in (f"{name} ram", name))
    assert least.ram <= most
    assert least.ram <= default.ram
    assert least.instructions <= share * default.instructions


@pytest.mark.parametrize("name", ledger.MODELS)
def test_the_planner_knows_what_the_smallest_plan_costs(name):
    path, board = model(ledger.MODELS[name]), ledger.BOARDS[0]
    ways, whole = make.front(edgekit.optimise(edgekit.load(path)), boards.load(board).target)
    entries = ledger.read()
    least, default = (entries[ledger.key(n, board, "zig")].instructions for n in (f"{name} ram", name))
    assert 1 + ways[-1].extra / whole == pytest.approx(least / default, abs=ESTIMATED)


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
