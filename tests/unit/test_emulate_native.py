"""The native counting core: its decoder against capstone, its costs by hand, its layout against Python's."""

from __future__ import annotations

import ctypes
import hashlib
import random
from pathlib import Path

import capstone
import pytest
from capstone import arm
from support import native

from edgekit import board
from edgekit.emulate import counters, cycles, symbols

NATIVE = Path(counters.__file__).parent / "csrc"

WRAPPER = f"""
#include "{NATIVE / "count.h"}"
#include <stddef.h>
void decode(uint32_t h1, uint32_t h2, thumb_op *op);
void decode(uint32_t h1, uint32_t h2, thumb_op *op) {{ *op = decode_thumb(h1, h2); }}
machine *fresh(counters *c);
machine *fresh(counters *c) {{ return machine_new(c); }}
void run(machine *m, uint64_t pc, const uint8_t *code, uint32_t bytes, uint64_t link);
void run(machine *m, uint64_t pc, const uint8_t *code, uint32_t bytes, uint64_t link)
{{
    block b;
    block_decode(m, &b, pc, code, bytes);
    attribute(m, &b, pc, link);
    account(m, &b, pc);
}}
int32_t stack_of(machine *m, const uint8_t *code, uint32_t bytes);
int32_t stack_of(machine *m, const uint8_t *code, uint32_t bytes)
{{
    block b;
    block_decode(m, &b, 0, code, bytes);
    return b.stack;
}}
void load(machine *m, uint64_t address);
void load(machine *m, uint64_t address) {{ load_from_flash(m, address); }}
uint64_t offset(int n);
uint64_t offset(int n)
{{
    const uint64_t all[] = {{offsetof(counters, flags), offsetof(counters, fault), offsetof(counters, is_idle),
                            offsetof(counters, windows),
                            offsetof(counters, calls), offsetof(counters, region)}};
    return all[n];
}}
"""
HEADERS = b"".join(p.read_bytes() for p in sorted(NATIVE.glob("*.h")))


class Op(ctypes.Structure):
    _fields_ = [
        *((n, ctypes.c_uint8) for n in ("bytes", "kind", "registers", "target", "access", "is_store")),
        *((n, ctypes.c_uint8) for n in ("needs_align", "base", "index", "shift", "is_float", "is_call")),
        ("offset", ctypes.c_int32),
        ("stack", ctypes.c_int32),
    ]


PLAIN, LOAD, STORE, MULTIPLE, MULTIPLY_ADD, DIVIDE, FLOAT_DIVIDE = range(7)


@pytest.fixture(scope="module")
def lib():
    built = native.shared_library(WRAPPER + f"/* {hash_of(HEADERS)} */")
    built.fresh.restype = ctypes.c_void_p
    built.offset.restype = ctypes.c_uint64
    return built


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def decode(lib, h1: int, h2: int = 0) -> Op:
    op = Op()
    lib.decode(h1, h2, ctypes.byref(op))
    return op


def engine():
    md = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    md.detail = True
    return md


def register_number(md, register: int) -> int:
    name = md.reg_name(register)
    return {"sp": 13, "lr": 14, "pc": 15, "sb": 9, "sl": 10, "fp": 11, "ip": 12}.get(name) or int(name[1:])


def halfwords():
    """All short instructions, and long ones drawn so that every group is well represented."""
    yield from ((h, 0) for h in range(0xE800))
    draw = random.Random(7)  # noqa: S311 - reproducible, not secret
    groups = (0xE800, 0xE900, 0xEC00, 0xED00, 0xEE00, 0xF800, 0xF900, 0xFB00, 0xF100, 0xF200, 0xF000, 0xEA00)
    for _ in range(30_000):
        yield draw.choice(groups) | draw.randrange(0x200), draw.randrange(0x10000)


def test_the_decoder_agrees_with_capstone_on_memory_operands_and_costs(lib):
    md = engine()
    compared = 0
    for h1, h2 in halfwords():
        code = h1.to_bytes(2, "little") + h2.to_bytes(2, "little")
        found = next(iter(md.disasm(code, 0x1000)), None)
        if found is None or found.id == 0 or is_foreign(found):
            continue
        op = decode(lib, h1, h2)
        name = found.mnemonic.split(".")[0]
        assert op.bytes == found.size, found
        check(md, op, found, name)
        compared += 1
    assert compared > 60_000


def is_foreign(found) -> bool:
    """What capstone decodes though no Cortex-M below the M55 has it, or whose result is unpredictable."""
    name, written = found.mnemonic, found.op_str.split(",")[0]
    neon = name[:4] in ("vld1", "vld2", "vld3", "vld4", "vst1", "vst2", "vst3", "vst4")
    half_or_old = ".f16" in name or name.endswith(".16") or name[:4] in ("fldm", "fstm")
    unpredictable = (name[:4] in ("ldrs", "ldrh", "ldrb") and written == "pc") or (
        name in ("mla", "mls") and "pc" in found.op_str
    )
    return neon or half_or_old or unpredictable


def check(md, op: Op, found, name: str):
    text = f"{found.mnemonic} {found.op_str}"
    many = ("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")
    memory = [o for o in found.operands if o.type == arm.ARM_OP_MEM]
    if name.startswith(many):
        assert op.kind == MULTIPLE, text
        assert op.access == 4, text
        return
    hints = ("pld", "pli", "tbb", "tbh")
    if memory and name.startswith(("ldr", "str", "lda", "stl", "vldr", "vstr", "ldex", "strex")):
        pair = name.startswith(("ldrd", "strd"))
        exclusive = name.startswith(("ldrex", "strex", "lda", "stl"))
        wanted = MULTIPLE if pair else LOAD if name.startswith(("ld", "vld")) else STORE
        assert op.kind == wanted, text
        assert op.needs_align == (pair or exclusive or name.startswith("v")), text
        assert op.base == register_number(md, memory[0].mem.base), text
        if memory[0].mem.index:
            assert op.index == register_number(md, memory[0].mem.index), text
        elif not found.post_index:
            assert op.offset == memory[0].mem.disp, text
        size = {"b": 1, "h": 2}.get(name.removesuffix("t").removeprefix("v")[-1], 4)
        assert op.access == (4 if name.startswith("v") else size), text
        return
    if name in ("mla", "mls"):
        assert op.kind == MULTIPLY_ADD, text
    elif name in ("sdiv", "udiv"):
        assert op.kind == DIVIDE, text
    elif name in ("vdiv", "vsqrt"):
        assert op.kind == FLOAT_DIVIDE, text
    elif not name.startswith(hints):
        assert op.kind == PLAIN, text
    assert op.is_call == (name in ("bl", "blx")), text


def fresh(lib, tmp_path, model: cycles.CycleModel, *, regions=(), flash=(0, 0x1000)):
    layout = counters.Layout(regions, ("caller",), model, flash)
    functions = (symbols.Function("caller", 0x100, 0x120), symbols.Function("layer", 0x200, 0x220))
    path = tmp_path / "counters"
    counters.create(path, layout, symbols.Symbols(functions, ((0, 0x1000),), {}))
    opened = counters.Counters(path, regions, model.scale)
    buffer = opened.address()
    return opened, ctypes.c_void_p(lib.fresh(ctypes.byref(buffer))), buffer


def run(lib, machine, pc: int, code: str, link: int = 0):
    data = bytes.fromhex(code)
    lib.run(machine, ctypes.c_uint64(pc), data, len(data), ctypes.c_uint64(link))


M4 = cycles.CycleModel("test", 15)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("0020", 1),  # movs r0,#0
        ("0868", 2),  # ldr r0,[r1]
        ("08684a68", 3),  # ldr r0,[r1]; ldr r2,[r1,#4]: the second follows for one
        ("09684a68", 4),  # ldr r1,[r1]; ldr r2,[r1,#4]: the base was just loaded
        ("08604a68", 2),  # str r0,[r1]; ldr r2,[r1,#4]
        ("70b5", 5),  # push {r4,r5,r6,lr}
        ("d1e90023", 3),  # ldrd r2,r3,[r1]
        ("00fb0231", 2),  # mla r1,r0,r2,r3
        ("00fb02f1", 1),  # mul r1,r0,r2
        ("90fbf1f0", 7),  # sdiv r0,r0,r1
        ("80ee000a", 14),  # vdiv.f32 s0,s0,s0
        ("21fb0232", 1),  # smlad r2,r1,r2,r3
    ],
)
def test_an_instruction_costs_what_the_model_says(lib, tmp_path, code, expected):
    opened, machine, _buffer = fresh(lib, tmp_path, M4)
    run(lib, machine, 0, "00bf")
    run(lib, machine, 2, code)
    assert opened.read().total.cycles == 2 + 1 + expected  # the first block counts as branched to


def test_a_taken_branch_costs_two_and_falling_through_nothing(lib, tmp_path):
    opened, machine, _buffer = fresh(lib, tmp_path, M4)
    run(lib, machine, 0, "00bf")
    before = opened.read().total.cycles
    run(lib, machine, 2, "00bf")
    assert opened.read().total.cycles == before + 1
    run(lib, machine, 0x40, "00bf")
    assert opened.read().total.cycles == before + 4


def test_flash_costs_waits_once_per_line_while_the_buffer_holds_it(lib, tmp_path):
    model = cycles.CycleModel("test", 15, wait_states=5, instruction_lines=2, instruction_line_bytes=8, data_lines=2)
    opened, machine, _buffer = fresh(lib, tmp_path, model)

    def cost(pc, code="00bf"):
        before = opened.read().total.cycles
        run(lib, machine, pc, code)
        return opened.read().total.cycles - before

    assert cost(0x00) == 1 + 2 + 5
    assert cost(0x04, "00bf") == 1 + 2
    assert cost(0x06, "00bf00bf") == 2 + 5
    assert cost(0x10) == 1 + 2 + 5
    assert cost(0x00) == 1 + 2 + 5, "line 0 was pushed out first"
    assert cost(0x10) == 1 + 2
    assert cost(0x2000) == 1 + 2, "not in flash"

    def load(address):
        before = opened.read().total.cycles
        lib.load(machine, ctypes.c_uint64(address))
        return opened.read().total.cycles - before

    assert [load(a) for a in (0, 4, 8, 0, 16, 8, 0)] == [5, 0, 5, 0, 5, 0, 5]


def test_counts_go_to_the_region_that_runs_and_shared_code_to_its_caller(lib, tmp_path):
    opened, machine, _buffer = fresh(lib, tmp_path, M4, regions=("layer",))
    run(lib, machine, 0x10, "00bf")  # harness
    run(lib, machine, 0x100, "00bf00bf", link=0x12)  # caller
    run(lib, machine, 0x200, "00bf")  # layer
    run(lib, machine, 0x300, "00bf00bf00bf")  # shared
    run(lib, machine, 0x202, "00bf")  # layer again
    run(lib, machine, 0x104, "00bf")  # caller
    run(lib, machine, 0x300, "00bf")  # shared, called by the caller itself
    run(lib, machine, 0x12, "00bf00bf")  # harness
    run(lib, machine, 0x300, "00bf")  # shared, called by the harness
    counts = opened.read()
    assert counts.regions["layer"].instructions == 5
    assert counts.inside.instructions == 9
    assert counts.calls == 1
    assert counts.total.instructions == 13


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("10b584b0", 24),  # push {r4,lr}; sub sp,#16
        ("2de9f04fadf5007d", 36 + 512),  # push.w {r4-r11,lr}; sub.w sp,sp,#512
        ("adf2041d", 260),  # subw sp,sp,#260
        ("2ded108b", 64),  # vpush {d8-d15}
        ("4df8047d", 4),  # str r7,[sp,#-4]!
        ("04b010bd", 0),  # add sp,#16; pop {r4,pc}
    ],
)
def test_the_stack_a_block_takes_is_known_before_it_runs(lib, tmp_path, code, expected):
    _opened, machine, _buffer = fresh(lib, tmp_path, M4)
    data = bytes.fromhex(code)
    assert lib.stack_of(machine, data, len(data)) == expected


def test_python_and_c_agree_on_the_layout(lib):
    expected = [counters._FLAGS_AT, counters._FAULT_AT, counters._IDLE_AT, counters._WINDOWS_AT, counters._COUNTS_AT]
    assert [lib.offset(n) for n in range(5)] == expected
    assert lib.offset(5) == counters._COUNTS_AT + 5 * 8


def test_resetting_sets_every_counter_to_zero(lib, tmp_path):
    opened, machine, _buffer = fresh(lib, tmp_path, M4, regions=("layer",))
    run(lib, machine, 0x200, "00bf", link=0x12)
    assert opened.read().inside.instructions == 1
    opened.reset()
    zero = counters.Count(0, 0)
    assert opened.read() == counters.Counts({"layer": zero}, zero, 0, zero)


def test_a_cycle_model_says_how_far_to_trust_it():
    models = {n: cycles.for_target(board.load(n).target) for n in ("nucleo-l4r5zi", "emu-m7", "emu-m0plus", "host")}
    assert models["host"] is None
    assert models["nucleo-l4r5zi"].wait_states == 5
    assert models["nucleo-l4r5zi"].error == "+-15 %"
    assert models["emu-m7"].error == "+-25 %"
    assert models["emu-m0plus"].error == "indicative"


def test_a_flash_behind_a_cache_that_nobody_modelled_makes_cycles_indicative():
    pico, bare = (cycles.for_target(board.load(n).target) for n in ("raspberry-pi-pico-2", "emu-m33"))
    assert (pico.error, bare.error) == ("indicative", "+-20 %")
    assert (pico.scale, pico.wait_states) == (bare.scale, bare.wait_states)
    assert "cache" in pico.basis
