"""What single Thumb instructions do to the stack, from their encodings (Arm DDI 0403 and 0553)."""

import pytest

from edgekit.toolchain.stack import walk
from edgekit.toolchain.thumb import Effect, decode

START = 0x1000


def frame(*halfwords, data=()):
    code = b"".join(h.to_bytes(2, "little") for h in halfwords)
    return walk("f", decode(code, START, data), START)


PUSH_4_5_LR, POP_4_5_PC, BX_LR, NOP = 0xB530, 0xBD30, 0x4770, 0xBF00


@pytest.mark.parametrize(
    ("what", "code", "depth"),
    [
        ("push and pop", (PUSH_4_5_LR, POP_4_5_PC), 12),
        ("sub sp, #24; add sp, #24", (0xB086, 0xB006, BX_LR), 24),
        ("push.w {r4-r11, lr}; pop.w {r4-r11, pc}", (0xE92D, 0x4FF0, 0xE8BD, 0x8FF0), 36),
        ("str lr, [sp, #-4]!; ldr pc, [sp], #4", (0xF84D, 0xED04, 0xF85D, 0xFB04), 4),
        ("sub.w sp, sp, #1024", (0xF5AD, 0x6D80, 0xF50D, 0x6D80, BX_LR), 1024),
        ("vpush {d8-d15}; vpop", (0xED2D, 0x8B10, 0xECBD, 0x8B10, BX_LR), 64),
        ("nothing", (BX_LR,), 0),
    ],
)
def test_a_frame_is_as_deep_as_its_instructions_make_it(what, code, depth):
    found = frame(*code)
    assert (found.bytes, found.problem, found.calls) == (depth, "", ()), what


def test_a_conditional_return_leaves_the_frame_of_what_follows():
    it_eq = 0xBF08
    found = frame(PUSH_4_5_LR, it_eq, POP_4_5_PC, 0xB082, 0xB002, POP_4_5_PC)
    assert (found.bytes, found.problem) == (20, "")


def test_both_sides_of_a_branch_count():
    beq_over_the_return = 0xD001
    found = frame(beq_over_the_return, NOP, BX_LR, 0xB084, 0xB004, BX_LR)
    assert found.bytes == 16


def test_calls_are_found_with_the_depth_at_which_they_happen():
    bl_four_ahead = (0xF000, 0xF800)
    found = frame(PUSH_4_5_LR, *bl_four_ahead, POP_4_5_PC)
    assert [(c.target, c.depth) for c in found.calls] == [(START + 6, 12)]


def test_a_branch_out_of_the_function_is_a_tail_call():
    b_far_ahead = 0xE7FE & 0xF800 | 0x100
    found = frame(PUSH_4_5_LR, 0xE8BD, 0x4030, b_far_ahead)
    assert [(c.target, c.depth) for c in found.calls] == [(START + 6 + 4 + 0x200, 0)]


def test_a_call_by_register_may_reach_anybody():
    blx_r3 = 0x4798
    assert [c.target for c in frame(PUSH_4_5_LR, blx_r3, POP_4_5_PC).calls] == [-1]
    bx_r3 = 0x4718
    assert [c.target for c in frame(bx_r3).calls] == [-1]


def test_a_jump_by_register_with_something_on_the_stack_stays_inside():
    bx_r3 = 0x4718
    found = frame(PUSH_4_5_LR, bx_r3, 0xB082, 0xB002, POP_4_5_PC)
    assert (found.bytes, found.calls) == (20, ())


def test_a_frame_pointer_is_followed():
    mov_r7_sp, mov_sp_r7 = 0x466F, 0x46BD
    found = frame(PUSH_4_5_LR, mov_r7_sp, 0xB088, mov_sp_r7, POP_4_5_PC)
    assert (found.bytes, found.problem) == (44, "")


def test_a_stack_pointer_from_a_register_has_no_bound():
    sub_sp_sp_r0 = (0xEBAD, 0x0D00)
    assert "at run time" in frame(*sub_sp_sp_r0, BX_LR).problem
    assert "at run time" in frame(0x4685, BX_LR).problem  # mov sp, r0


def test_a_loop_that_pushes_has_no_bound():
    push_r0, b_back = 0xB401, 0xE7FD
    assert "at run time" in frame(push_r0, b_back).problem


def test_data_in_a_function_is_no_code():
    found = frame(BX_LR, NOP, PUSH_4_5_LR, PUSH_4_5_LR, data=((START + 4, START + 8),))
    assert found.bytes == 0


def test_loops_and_vectors_that_the_disassembler_does_not_know_are_passed_over():
    le, vldrb = (0xF00F, 0xC007), (0xED90, 0x1E00)
    code = decode(b"".join(h.to_bytes(2, "little") for h in (*le, *vldrb, BX_LR)), START)
    assert [c.effect for c in code.values()] == [Effect.PLAIN] * 3
    assert [c.size for c in code.values()] == [4, 4, 2]


def test_what_cannot_be_decoded_has_no_bound():
    unallocated = (0xFB80, 0x0FE0)
    assert "undecoded" in frame(*unallocated, BX_LR).problem
