"""The proved bound of the stack: against gcc's own account of its frames, and on programs that have none."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.need import need

from edgekit import board, resources
from edgekit.errors import BuildError, FitError
from edgekit.toolchain import elf
from edgekit.toolchain.elf import Image, Section, Segment, Symbol
from edgekit.toolchain.footprint import Footprint, check_stack
from edgekit.toolchain.stack import Bound, CallGraph

PROGRAM = """
#include <stdint.h>
extern volatile int32_t sink;
volatile int32_t sink;
__attribute__((noinline)) int32_t leaf(int32_t n) { volatile int32_t room[10]; room[n] = n; return room[0]; }
__attribute__((noinline)) int32_t middle(int32_t n) { volatile int32_t room[100]; room[n] = leaf(n); return room[1]; }
__attribute__((noinline)) int32_t again(int32_t n) { sink = n; return n ? again(n - 1) + leaf(n) + sink : 1; }
__attribute__((noinline)) int32_t grows(int32_t n) { int32_t room[n]; sink = (int32_t)(intptr_t)room;
    return leaf(n) + room[n / 2]; }
__attribute__((noinline)) int32_t choose(int32_t n)
{
    static int32_t (*const table[])(int32_t) = {leaf, middle};
    return table[n & 1](n) + sink;
}
__attribute__((noinline)) int32_t many(int32_t n)
{
    switch (n) {
    case 0: return middle(1);
    case 1: sink = 5; return leaf(2);
    case 2: return sink + middle(3);
    case 3: sink = 1; return 7 * leaf(n + 9);
    case 4: sink = 2; return 9;
    case 5: return leaf(leaf(sink));
    default: return 0;
    }
}
void _start(void);
void _start(void) { sink = middle(1) + again(2) + grows(3) + choose(4) + many(sink); }
"""
IN_ASSEMBLY = ("__aeabi_ldivmod", "__aeabi_uldivmod")
"""Functions of firmware/src whose pushes gcc does not see."""
ZIG = ["-target", "thumb-freestanding-eabi", "-O2", "-fomit-frame-pointer", "-fno-sanitize=all", "-nostdlib"]


@pytest.fixture(scope="module", params=["cortex_m0plus", "cortex_m4"])
def graph(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    (folder / "program.c").write_text(PROGRAM, encoding="utf-8")
    compiler = [sys.executable, "-m", "ziglang", "cc", f"-mcpu={request.param}", *ZIG]
    subprocess.run([*compiler, "-o", str(folder / "x.elf"), str(folder / "program.c")], check=True)
    return CallGraph(elf.read(folder / "x.elf"))


def test_the_deepest_path_is_the_bound(graph):
    bound = graph.bound("middle")
    assert not bound.problem
    assert [name for name, _ in bound.chain] == ["middle", "leaf"]
    assert bound.bytes == sum(frame for _, frame in bound.chain) >= 440


def test_recursion_and_arrays_of_unknown_length_have_no_bound(graph):
    assert graph.bound("again").problem == "recursion: again -> again"
    assert "'grows' computes its stack pointer at run time" in graph.bound("grows").problem


def test_a_call_through_a_table_may_reach_all_that_are_in_tables(graph):
    assert graph.bound("choose").bytes >= graph.bound("middle").bytes
    assert not graph.bound("choose").problem


def test_weights_that_look_like_an_address_are_numbers():
    """Three functions in a row: one calls by a register, a word of data may be the address of the caller."""
    code = bytes.fromhex("80b5904780bd") + bytes.fromhex("7047")  # push, blx r2, pop; bx lr
    caller, leaf = Symbol("caller", 0x101, 6, ".text", function=True), Symbol("leaf", 0x107, 2, ".text", function=True)
    flash = {"loaded": True, "in_ram": False}
    words = b"".join(s.address.to_bytes(4, "little") for s in (leaf, caller))

    def bound(section):
        sections = (Section(".text", 0x100, 8, **flash), Section(section, 0x200, 8, **flash))
        segments = (Segment(0x100, code), Segment(0x200, words))
        image = Image(Path(), 0, sections, segments, (caller, leaf), {}, ())
        return CallGraph(image).bound("caller")

    assert bound(".rodata").problem == "recursion: caller -> caller"
    assert not bound(".weights").problem


def test_what_a_jump_table_reaches_is_followed(graph):
    bound = graph.bound("many")
    assert not bound.problem
    assert bound.bytes >= graph.bound("middle").bytes


def test_an_image_without_the_function_is_refused(graph):
    with pytest.raises(BuildError, match="no such function"):
        graph.bound("nobody")


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
@pytest.mark.parametrize("level", ["-O2", "-Os", "-O0"])
def test_frames_are_those_that_gcc_says(core, level, tmp_path):
    """-fstack-usage is gcc's own account; functions with assembly in them do not count there."""
    gcc = need("arm-none-eabi-gcc")
    sources = sorted(p for p in (resources.firmware() / "src").glob("*.c") if p.name != "bare.c")
    flags = [f"-mcpu={core}", "-mthumb", level, "-ffreestanding", "-fstack-usage", "-nostdlib"]
    link = ["-Wl,--unresolved-symbols=ignore-all", "-Wl,-e,0", "-Wl,--no-warn-rwx-segments"]
    include = f"-I{resources.firmware() / 'include'}"
    subprocess.run(
        [gcc, *flags, include, *link, "-DEK_SAMPLE_BYTES=64", "-o", "x.elf", *map(str, sources)],
        check=True,
        cwd=tmp_path,
        capture_output=True,
    )
    said = {}
    for account in tmp_path.glob("*.su"):
        for line in account.read_text(encoding="utf-8").splitlines():
            place, size, kind = line.split("\t")
            if kind == "static":
                said[place.rsplit(":", 1)[1]] = int(size)
    graph = CallGraph(elf.read(tmp_path / "x.elf"))
    image = elf.read(tmp_path / "x.elf")
    names = [s.name for s in image.symbols if s.function and s.name in said and s.name not in IN_ASSEMBLY]
    assert len(names) > 60
    found = {name: graph.frame(name).bytes for name in names}
    assert found == {name: said[name] for name in names}


def _footprint(bound):
    return Footprint(0, 0, 0, 0, 0, 512, bound, bound, 0, 0, (), ())


def test_an_image_whose_stack_can_run_over_is_refused():
    m4 = board.load("emu-m4")
    check_stack(_footprint(Bound(512, (("main", 512),))), m4)
    check_stack(_footprint(None), m4)
    with pytest.raises(FitError, match="516 bytes, deepest in leaf"):
        check_stack(_footprint(Bound(516, (("main", 8), ("leaf", 508)))), m4)
    with pytest.raises(BuildError, match="recursion"):
        check_stack(_footprint(Bound(0, (), "recursion: a -> a")), m4)
