"""The firmware's own run-time library: memory functions, integer and float arithmetic for cores that lack them.

Compiled by zig for a core without FPU and division, and executed in unicorn, against Python and NumPy.
"""

import itertools
import random
import struct
import subprocess

import numpy as np
import pytest
from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs
from support import tiny
from unicorn import UC_ARCH_ARM, UC_HOOK_MEM_READ, UC_HOOK_MEM_WRITE, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M0,
    UC_CPU_ARM_CORTEX_M3,
)

from edgekit import resources
from edgekit.toolchain import compilers, elf

CODE, DATA, STACK, STOP = 0x10000, 0x20000000, 0x20100000, 0xF000
ARGUMENTS = (UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3)
FLOAT_DRIVER = """
#include <stdint.h>
typedef float (*binary)(float, float);
float add(float a, float b); float sub(float a, float b); float mul(float a, float b); float quo(float a, float b);
float add(float a, float b) { return a + b; }
float sub(float a, float b) { return a - b; }
float mul(float a, float b) { return a * b; }
float quo(float a, float b) { return a / b; }
void each(binary f, const float *in, float *out, int32_t n);
void each(binary f, const float *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) { out[i] = f(in[2 * i], in[2 * i + 1]); }
}
void compare(const float *in, int32_t *out, int32_t n);
void compare(const float *in, int32_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const float a = in[2 * i];
        const float b = in[2 * i + 1];
        out[i] = (a < b) | (a <= b) << 1 | (a > b) << 2 | (a >= b) << 3 | (a == b) << 4 | (a != b) << 5;
    }
}
void convert(const float *in, int64_t *out, int32_t n);
void convert(const float *in, int64_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        out[4 * i] = (int32_t)in[i];
        out[4 * i + 1] = (uint32_t)in[i];
        out[4 * i + 2] = (int64_t)in[i];
        out[4 * i + 3] = (int64_t)(uint64_t)in[i];
    }
}
void floats(const int64_t *in, float *out, int32_t n);
void floats(const int64_t *in, float *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        out[4 * i] = (float)(int32_t)in[i];
        out[4 * i + 1] = (float)(uint32_t)in[i];
        out[4 * i + 2] = (float)in[i];
        out[4 * i + 3] = (float)(uint64_t)in[i];
    }
}
void integers(const uint64_t *in, uint64_t *out, int32_t n);
void integers(const uint64_t *in, uint64_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const uint64_t a = in[2 * i];
        const uint64_t b = in[2 * i + 1];
        const uint32_t s = (uint32_t)b & 63U;
        uint64_t *o = &out[11 * i];
        o[0] = a / b;
        o[1] = a % b;
        o[2] = (uint64_t)((int64_t)a / (int64_t)b);
        o[3] = (uint64_t)((int64_t)a % (int64_t)b);
        o[4] = a * b;
        o[5] = a << s;
        o[6] = a >> s;
        o[7] = (uint64_t)((int64_t)a >> s);
        o[8] = (uint32_t)b == 0U ? 0U : (uint32_t)a / (uint32_t)b;
        o[9] = (uint32_t)b == 0U ? 0U : (uint32_t)a % (uint32_t)b;
        o[10] = (uint32_t)b == 0U ? 0U : (uint64_t)((int32_t)a / (int32_t)b);
    }
}
"""


class Machine:
    """A core with 1 MB of code and of data that runs one function at a time."""

    def __init__(self, image, model):
        self.uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(model)
        self.uc.mem_map(0, 0x100000)
        self.uc.mem_map(DATA, 0x100000)
        for part in image.segments:
            self.uc.mem_write(part.address, part.data)
        self.addresses = image.addresses
        self.misaligned = []
        if model == UC_CPU_ARM_CORTEX_M0:
            self.uc.hook_add(UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, self.watch)

    def watch(self, _uc, _access, address, size, _value, _data):
        if address % size:
            self.misaligned.append(address)

    def call(self, name, *arguments):
        self.uc.reg_write(UC_ARM_REG_SP, STACK)
        self.uc.reg_write(UC_ARM_REG_LR, STOP | 1)
        for register, value in zip(ARGUMENTS, arguments, strict=False):
            self.uc.reg_write(register, value & 0xFFFFFFFF)
        self.uc.emu_start(self.addresses[name] | 1, STOP)
        assert self.uc.reg_read(UC_ARM_REG_SP) == STACK
        assert not self.misaligned
        return self.uc.reg_read(UC_ARM_REG_R0)

    def over(self, function, data, size, *before):
        """Call ``function`` over an array in memory and return ``size`` bytes of results."""
        self.uc.mem_write(DATA, data)
        self.call(function, *before, DATA, DATA + 0x80000, self.count)
        return bytes(self.uc.mem_read(DATA + 0x80000, size))


CPUS = {"cortex_m0plus": UC_CPU_ARM_CORTEX_M0, "cortex_m3": UC_CPU_ARM_CORTEX_M3}


@pytest.fixture(scope="module", params=CPUS)
def machine(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    driver, image = folder / "driver.c", folder / "runtime.elf"
    driver.write_text(FLOAT_DRIVER)
    sources = resources.firmware() / "src"
    command = [
        str(compilers.zig().path), "cc", "-target", "thumb-freestanding-eabi", f"-mcpu={request.param}", "-O3", "-g0",
        "-std=c11", "-fhosted", "-fno-builtin", "-nostdlib", "-Wl,-e,each",
        "-Wl,--no-gc-sections",
        f"-Wl,--image-base={CODE}", str(driver), *[str(sources / f) for f in ("libc.c", "arith.c", "float32.c")],
        "-o", str(image),
    ]  # fmt: skip
    subprocess.run(command, check=True, env=compilers.environment())
    return Machine(elf.read(image), CPUS[request.param])


def float_pairs():
    """Every pair of special values and many random ones, close in exponent as often as not."""
    special = [0, 1, 2, 0x7FFFFF, 0x800000, 0x800001, 0x3F800000, 0x3F7FFFFF, 0x7F7FFFFF, 0x7F800000, 0x7FC00001]
    special += [0x4B000001, 0x34000000, 0x33800000, 0x33800001, 0x00FFFFFF]
    special += [bits | 0x80000000 for bits in special]
    pairs = list(itertools.product(special, special))
    source = random.Random(7)  # noqa: S311 - test data
    for _ in range(6000):
        a = source.getrandbits(32)
        b = source.getrandbits(32) if source.random() < 0.5 else (a ^ source.getrandbits(25)) & 0xFFFFFFFF
        pairs.append((a, b))
    return np.array(pairs, np.uint32)


PAIRS = float_pairs()


def same_floats(ours, theirs):
    nan = np.isnan(theirs)
    return np.array_equal(np.isnan(ours), nan) and np.array_equal(
        ours.view(np.uint32)[~nan], theirs.view(np.uint32)[~nan]
    )


@pytest.mark.parametrize(
    ("name", "function"), [("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("quo", np.divide)]
)
def test_float_arithmetic_is_rounded_as_ieee_754_says(machine, name, function):
    pairs = PAIRS.view(np.float32)
    machine.count = len(pairs)
    result = machine.over("each", PAIRS.tobytes(), 4 * len(pairs), machine.addresses[name] | 1)
    with np.errstate(all="ignore"):
        expected = function(pairs[:, 0], pairs[:, 1])
    assert same_floats(np.frombuffer(result, np.float32), expected)


def test_floats_compare_as_ieee_754_says(machine):
    a, b = PAIRS.view(np.float32).T
    machine.count = len(PAIRS)
    result = np.frombuffer(machine.over("compare", PAIRS.tobytes(), 4 * len(PAIRS)), np.int32)
    with np.errstate(all="ignore"):
        relations = (a < b, a <= b, a > b, a >= b, a == b, a != b)
        expected = sum(relation.astype(np.int32) << i for i, relation in enumerate(relations))
    assert np.array_equal(result, expected)


def test_floats_become_integers_by_truncation_within_the_range(machine):
    floats = np.unique(PAIRS.ravel()).view(np.float32)[:8000]
    machine.count = len(floats)
    result = np.frombuffer(machine.over("convert", floats.tobytes(), 32 * len(floats)), np.int64).reshape(-1, 4)
    for value, got in zip(floats, result, strict=True):
        if np.isnan(value):
            assert not got.any()
            continue
        whole = int(value) if np.isfinite(value) else (1 if value > 0 else -1) << 200
        assert got[0] == min(max(whole, -(1 << 31)), (1 << 31) - 1)
        assert got[1] == min(max(whole, 0), (1 << 32) - 1)
        assert got[2] == min(max(whole, -(1 << 63)), (1 << 63) - 1)
        assert int(got[3]) & ((1 << 64) - 1) == min(max(whole, 0), (1 << 64) - 1)


def integers():
    source = random.Random(3)  # noqa: S311 - test data
    values = [0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
    values += [1 << k for k in range(64)] + [(1 << k) - 1 for k in range(2, 64)]
    return values + [source.getrandbits(source.randint(1, 64)) for _ in range(3000)]


def test_integers_become_the_nearest_floats(machine):
    values = np.array(integers(), np.uint64)
    machine.count = len(values)
    result = np.frombuffer(machine.over("floats", values.tobytes(), 16 * len(values)), np.float32).reshape(-1, 4)
    low = values.astype(np.uint32)
    assert same_floats(result[:, 0].copy(), low.view(np.int32).astype(np.float32))
    assert same_floats(result[:, 1].copy(), low.astype(np.float32))
    assert same_floats(result[:, 2].copy(), values.view(np.int64).astype(np.float32))
    assert same_floats(result[:, 3].copy(), values.astype(np.float32))


def signed(value, bits):
    return value - (1 << bits) if value >> (bits - 1) else value


def truncated(n, d):
    quotient = abs(n) // abs(d)
    return quotient if (n < 0) == (d < 0) else -quotient


def test_64_bit_integer_arithmetic_is_exact(machine):
    values = [v for v in integers() if v]
    pairs = [(a, b) for a, b in zip(values, values[::-1], strict=True) if not (a == 1 << 63 and b == (1 << 64) - 1)]
    machine.count = len(pairs)
    data = struct.pack(f"<{2 * len(pairs)}Q", *itertools.chain(*pairs))
    result = np.frombuffer(machine.over("integers", data, 88 * len(pairs)), np.uint64).reshape(-1, 11)
    mask = (1 << 64) - 1
    for (a, b), got in zip(pairs, result.tolist(), strict=True):
        sa, sb, shift = signed(a, 64), signed(b, 64), b & 63
        quotient = truncated(sa, sb)
        assert got[:5] == [a // b, a % b, quotient & mask, (sa - quotient * sb) & mask, a * b & mask]
        assert got[5:8] == [a << shift & mask, a >> shift, sa >> shift & mask]
        la, lb = a & 0xFFFFFFFF, b & 0xFFFFFFFF
        if lb:
            assert got[8:10] == [la // lb, la % lb]
            narrow = truncated(signed(la, 32), signed(lb, 32))
            assert narrow == 1 << 31 or got[10] == narrow & mask


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 15, 16, 17, 31, 64, 67])
@pytest.mark.parametrize("to", [0, 1, 2, 3])
@pytest.mark.parametrize("source", [0, 1, 2, 3])
def test_memcpy_copies_these_bytes_and_no_others(machine, size, to, source):
    machine.uc.mem_write(DATA, bytes(range(1, 101)))
    machine.uc.mem_write(DATA + 256, b"\xee" * 128)
    machine.call("memcpy", DATA + 256 + to, DATA + source, size)
    after = bytes(machine.uc.mem_read(DATA + 256, 128))
    expected = b"\xee" * to + bytes(range(1 + source, 1 + source + size))
    assert after == expected.ljust(128, b"\xee")


@pytest.mark.parametrize("function", ["memmove", "__aeabi_memmove"])
@pytest.mark.parametrize("size", [1, 5, 16, 37])
@pytest.mark.parametrize("distance", [-17, -4, -3, -1, 0, 1, 2, 4, 17])
def test_memmove_moves_overlapping_bytes(machine, function, size, distance):
    before = bytes(range(1, 129))
    machine.uc.mem_write(DATA, before)
    machine.call(function, DATA + 40 + distance, DATA + 40, size)
    expected = bytearray(before)
    expected[40 + distance : 40 + distance + size] = before[40 : 40 + size]
    assert bytes(machine.uc.mem_read(DATA, 128)) == bytes(expected)


@pytest.mark.parametrize("offset", [0, 1, 3])
@pytest.mark.parametrize("size", [0, 1, 4, 7, 16, 33])
def test_memset_and_its_abi_names_fill_these_bytes_and_no_others(machine, offset, size):
    for name, arguments, byte in (
        ("memset", (0x1AB, size), 0xAB), ("__aeabi_memset", (size, 0x1AB), 0xAB), ("__aeabi_memclr", (size,), 0),
    ):  # fmt: skip
        machine.uc.mem_write(DATA, b"\x55" * 64)
        machine.call(name, DATA + offset, *arguments)
        expected = b"\x55" * offset + bytes([byte]) * size
        assert bytes(machine.uc.mem_read(DATA, 64)) == expected.ljust(64, b"\x55")


def test_memcmp_and_strlen(machine):
    machine.uc.mem_write(DATA, b"abcd\0abce\0\x80\0\x7f\0")
    assert machine.call("memcmp", DATA, DATA + 5, 3) == 0
    assert machine.call("memcmp", DATA, DATA + 5, 4) >> 31 == 1
    assert machine.call("memcmp", DATA + 10, DATA + 12, 1) >> 31 == 0
    assert machine.call("strlen", DATA) == 4


def test_the_boot_rom_of_the_rp2040_accepts_the_second_stage_and_it_jumps_behind_itself(tmp_path):
    build = tiny.build("raspberry-pi-pico", tmp_path / "out")
    stage = build.bin.read_bytes()[:256]
    crc = 0xFFFFFFFF
    for byte in stage[:252]:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc >> 31 else crc << 1) & 0xFFFFFFFF
    assert struct.unpack("<I", stage[252:])[0] == crc
    text = [i.mnemonic for i in Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS).disasm(stage[:38], 0)]
    assert text[-3:] == ["ldm", "mov", "bx"]

    uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
    uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M0)
    writes = []
    uc.mem_map(0x10000000, 0x200000)
    uc.mem_map(0x20000000, 0x42000 & ~0xFFF)
    uc.mmio_map(0x18000000, 0x1000, None, None, lambda _uc, at, _size, value, _data: writes.append((at, value)), None)
    uc.mem_map(0xE000E000, 0x1000)
    uc.mem_write(0x10000000, build.bin.read_bytes())
    uc.mem_write(0x20041F00, stage)
    stack, reset = struct.unpack("<II", build.bin.read_bytes()[256:264])
    uc.emu_start(0x20041F01, reset & ~1)
    assert uc.reg_read(UC_ARM_REG_SP) == stack == 0x20001000
    assert writes[0] == (8, 0)
    assert writes[-1] == (8, 1)


def test_the_core_without_unaligned_access_is_watched(machine):
    """Unicorn lets every core read a word anywhere; the tests above would not notice without the watch."""
    machine.uc.mem_write(STOP - 16, bytes.fromhex("0868"))  # ldr r0, [r1]
    machine.uc.reg_write(UC_ARM_REG_R1, DATA + 1)
    machine.uc.emu_start(STOP - 16 | 1, STOP - 14)
    assert machine.misaligned == ([DATA + 1] if "__aeabi_lmul" in machine.addresses else [])
    machine.misaligned.clear()
