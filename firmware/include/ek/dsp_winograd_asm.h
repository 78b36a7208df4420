/* The micro-kernels of ek/dsp_winograd.h in assembly, which includes this file. */
#ifndef EK_DSP_WINOGRAD_ASM_H
#define EK_DSP_WINOGRAD_ASM_H

/* One instruction a line, which the formatter would not keep. */
/* clang-format off */

/* Four rows of ten pixels of four channels to sums over rows, then to sums over columns: r0 tile, r1 rows, r2 work,
 * r3 layer. Work lies at [column][halves of channels 0 and 2, 1 and 3][row] and is aligned to 32 bytes, so that its
 * address tells which row and halves are done. Stack: 0 bytes of a position, 4 tile, 8 work, 12 its end, 16 pitch,
 * 20 channel, 24 rows, 28 channels. 270 + 320 instructions for four channels of four tiles. */
EK_DSP_NAKED void ek_dsp_winograd_input(EK_DSP_REGISTER uint32_t *tile, EK_DSP_REGISTER const int8_t *const *rows,
                                        EK_DSP_REGISTER uint32_t *work,
                                        EK_DSP_REGISTER const ek_dsp_winograd *layer)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, sp, #36\n"
        "ldrd r4, r5, [r3, #16]\n" /* position, pitch */
        "ldr r6, [r3]\n"
        "lsl r6, r6, #1\n"
        "add r7, r2, #320\n"
        "mov r8, #0\n"
        "strd r4, r0, [sp]\n"
        "strd r2, r7, [sp, #8]\n"
        "strd r5, r8, [sp, #16]\n"
        "strd r1, r6, [sp, #24]\n"
        /* Ten columns: d0-d2, d1+d2, d2-d1, d1-d3 of both halves. */
        "1: ldrd r4, r9, [sp, #20]\n"
        "ldm r9, {r0, r1, r2, r3}\n"
        "ldr r10, [sp, #8]\n"
        "2: ldr r5, [r0, r4]\n"
        "ldr r6, [r1, r4]\n"
        "ldr r7, [r2, r4]\n"
        "ldr r8, [r3, r4]\n"
        "sxtb16 r11, r5\n"
        "sxtb16 r12, r7\n"
        "sxtb16 lr, r6\n"
        "ssub16 r11, r11, r12\n"
        "sadd16 r9, lr, r12\n"
        "strd r11, r9, [r10], #8\n"
        "sxtb16 r11, r8\n"
        "ssub16 r12, r12, lr\n"
        "ssub16 lr, lr, r11\n"
        "strd r12, lr, [r10], #8\n"
        "sxtb16 r5, r5, ror #8\n"
        "sxtb16 r6, r6, ror #8\n"
        "sxtb16 r7, r7, ror #8\n"
        "sxtb16 r8, r8, ror #8\n"
        "ssub16 r9, r5, r7\n"
        "sadd16 r11, r6, r7\n"
        "ssub16 r12, r7, r6\n"
        "ssub16 lr, r6, r8\n"
        "stm r10!, {r9, r11, r12, lr}\n"
        "ldrd r9, r11, [sp, #12]\n"
        "add r4, r4, r11\n"
        "cmp r10, r9\n"
        "bne 2b\n"
        /* Eight rows of sums of two channels, each to four positions of four tiles. */
        "ldrd lr, r12, [sp, #4]\n"
        "3: ldr r0, [r12]\n"
        "ldr r2, [r12, #64]\n"
        "ldr r4, [r12, #128]\n"
        "ldr r6, [r12, #192]\n"
        "ldr r8, [r12, #256]\n"
        "ldr r9, [sp]\n"
        "ssub16 r0, r0, r2\n"
        "ssub16 r1, r2, r4\n"
        "ssub16 r3, r4, r6\n"
        "ssub16 r5, r6, r8\n"
        "stm lr, {r0, r1, r3, r5}\n"
        "add lr, lr, r9\n"
        "ldr r1, [r12, #32]\n"
        "ldr r3, [r12, #96]\n"
        "ldr r5, [r12, #160]\n"
        "ldr r7, [r12, #224]\n"
        "sadd16 r0, r1, r2\n"
        "sadd16 r9, r3, r4\n"
        "sadd16 r10, r5, r6\n"
        "sadd16 r11, r7, r8\n"
        "stm lr, {r0, r9, r10, r11}\n"
        "ldr r9, [sp]\n"
        "ldr r0, [r12, #288]\n"
        "add lr, lr, r9\n"
        "ssub16 r2, r2, r1\n"
        "ssub16 r4, r4, r3\n"
        "ssub16 r6, r6, r5\n"
        "ssub16 r8, r8, r7\n"
        "stm lr, {r2, r4, r6, r8}\n"
        "add lr, lr, r9\n"
        "ssub16 r1, r1, r3\n"
        "ssub16 r3, r3, r5\n"
        "ssub16 r5, r5, r7\n"
        "ssub16 r7, r7, r0\n"
        "stm lr, {r1, r3, r5, r7}\n"
        "add lr, lr, r9\n"
        "add r12, r12, #4\n"
        "tst r12, #15\n"
        "bne 3b\n"
        "sub lr, lr, r9, lsl #4\n"
        "add lr, lr, #16\n"
        "tst r12, #31\n"
        "bne 3b\n"
        "ldr r4, [sp, #20]\n"
        "ldr r5, [sp, #28]\n"
        "add r4, r4, #4\n"
        "str lr, [sp, #4]\n"
        "str r4, [sp, #20]\n"
        "cmp r4, r5\n"
        "bne 1b\n"
        "add sp, sp, #36\n"
        "pop {r4-r11, pc}\n");
}

/* One pair of input channels of a position: four tiles by two output channels, 16 products. r1-r4 the tiles' sums of
 * the even channel, r5-r8 of the odd one, r12 tile, lr stream. 11 instructions of 4 bytes each. */
#define EK_DSP_WINOGRAD_STEP(first, e0, e1, e2, e3, o0, o1, o2, o3) \
    "ldrd r10, r11, [lr], #8\n" \
    "ldrd r0, r9, [r12], #8\n" \
    first " r1, r0, r10" e0 "\n" \
    first " r5, r0, r11" o0 "\n" \
    first " r2, r9, r10" e1 "\n" \
    first " r6, r9, r11" o1 "\n" \
    "ldrd r0, r9, [r12], #8\n" \
    first " r3, r0, r10" e2 "\n" \
    first " r7, r0, r11" o2 "\n" \
    first " r4, r9, r10" e3 "\n" \
    first " r8, r9, r11" o3 "\n"
#define EK_DSP_WINOGRAD_FIRST EK_DSP_WINOGRAD_STEP("smuad", "", "", "", "", "", "", "", "")
#define EK_DSP_WINOGRAD_NEXT \
    EK_DSP_WINOGRAD_STEP("smlad", ", r1", ", r2", ", r3", ", r4", ", r5", ", r6", ", r7", ", r8")

/* Sums of a row of positions over its columns: even ones to `sum`, odd ones to `difference`. r12 the row, r10 and r11
 * a position and three. */
#define EK_DSP_WINOGRAD_ROW(sum, difference, bias) \
    "ldr r0, [r12, r10]\n" \
    bias \
    "ldr r9, [r12, r10, lsl #1]\n" \
    "add " sum ", r0, r9\n" \
    "sub " difference ", r0, r9\n" \
    "ldr r0, [r12]\n" \
    "ldr r9, [r12, r11]\n" \
    "add " sum ", " sum ", r0\n" \
    "sub " difference ", " difference ", r9\n"
#define EK_DSP_WINOGRAD_BIAS "ldr r9, [lr]\n" "add r0, r0, r9\n"
#define EK_DSP_WINOGRAD_DOWN "add r12, r12, r10, lsl #2\n"

/* Two outputs, in z0 and z3, of the sums of four rows. */
#define EK_DSP_WINOGRAD_COLUMN(z0, z1, z2, z3) \
    "add r0, " z1 ", " z2 "\n" \
    "sub r9, " z1 ", " z2 "\n" \
    "add " z0 ", " z0 ", r0, asr #1\n" \
    "rsb " z3 ", " z3 ", r9, asr #1\n"

/* As in ek/dsp_asm.h: r3 multiplier, r4 shift less one, r5 rounding. */
#define EK_DSP_WINOGRAD_SCALE(acc) \
    "add r6, r5, " acc ", asr #31\n" \
    "smmlar " acc ", " acc ", r3, r6\n" \
    "asr " acc ", " acc ", r4\n" \
    "ssat " acc ", #8, " acc ", asr #1\n"

/* Four tiles by all pairs of output channels: r0 outs, r1 tile, r2 layer. Per pair 16 positions of 11 instructions a
 * pair of input channels and 6, then 8 times 77 for the sums of a tile and a channel. Stack: 0 where the loop is
 * entered, 4 tile, 8 outs, 12 channel, 16 2*zero_point + 1, 20 end of stream, 24 bytes of a position, 28 end of outs. */
EK_DSP_NAKED void ek_dsp_winograd_4(EK_DSP_REGISTER int8_t *const *outs, EK_DSP_REGISTER uint32_t *tile,
                                    EK_DSP_REGISTER const ek_dsp_winograd *layer)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, sp, #36\n"
        "ldm r2, {r3, r4, r5, r6, r10}\n"
        "rsb r7, r3, #1\n"
        "and r7, r7, #7\n"
        "mov r8, #44\n"
        "adr.w r9, 2f\n"
        "mla r7, r7, r8, r9\n"
        "orr r7, r7, #1\n"
        "mov r8, #0\n"
        "add r9, r0, #64\n"
        "strd r7, r1, [sp]\n"
        "strd r0, r8, [sp, #8]\n"
        "strd r4, r6, [sp, #16]\n"
        "strd r10, r9, [sp, #24]\n"
        "mov lr, r5\n"
        ".balign 4\n"
        "0: ldr r12, [sp, #4]\n"
        "1:\n"
        EK_DSP_WINOGRAD_FIRST
        "ldr pc, [sp]\n"
        ".balign 4\n"
        "2:\n"
        EK_DSP_TWICE(EK_DSP_FOUR_TIMES(EK_DSP_WINOGRAD_NEXT))
        "ldr r0, [r12]\n"
        "cmn r0, r0\n" /* overflows at a mark; the result is negative at all but the last */
        "bvc.w 2b\n"
        "stm r12!, {r0, r1, r2, r3, r4, r5, r6, r7, r8}\n"
        "bmi.w 1b\n"
        "ldr r12, [sp, #4]\n"
        "ldr r10, [sp, #24]\n"
        "add r12, r12, r10\n"
        "add r11, r10, r10, lsl #1\n"
        "sub r12, r12, #32\n"
        "3:\n"
        EK_DSP_WINOGRAD_ROW("r1", "r2", "") EK_DSP_WINOGRAD_DOWN
        EK_DSP_WINOGRAD_ROW("r3", "r4", EK_DSP_WINOGRAD_BIAS) EK_DSP_WINOGRAD_DOWN
        EK_DSP_WINOGRAD_ROW("r5", "r6", "") EK_DSP_WINOGRAD_DOWN
        EK_DSP_WINOGRAD_ROW("r7", "r8", "")
        EK_DSP_WINOGRAD_COLUMN("r1", "r3", "r5", "r7")
        EK_DSP_WINOGRAD_COLUMN("r2", "r4", "r6", "r8")
        "ldrd r3, r4, [lr, #4]\n"
        "ldr r5, [sp, #16]\n"
        "lsl r5, r5, r4\n"
        EK_DSP_WINOGRAD_SCALE("r1")
        EK_DSP_WINOGRAD_SCALE("r2")
        EK_DSP_WINOGRAD_SCALE("r7")
        EK_DSP_WINOGRAD_SCALE("r8")
        "ldrd r9, r0, [sp, #8]\n"
        "sub r12, r12, r11, lsl #2\n"
        "ldm r9!, {r3, r4, r5, r6}\n"
        "add r12, r12, #4\n"
        "strb r1, [r3, r0]\n"
        "strb r2, [r4, r0]\n"
        "strb r7, [r5, r0]\n"
        "strb r8, [r6, r0]\n"
        "ldr r6, [sp, #28]\n"
        "str r9, [sp, #8]\n"
        "cmp r9, r6\n"
        "bne 3b\n"
        "sub r9, r9, #64\n"
        "add r0, r0, #1\n"
        "strd r9, r0, [sp, #8]\n"
        "add lr, lr, #12\n"
        "tst r0, #1\n"
        "bne 3b\n"
        "ldr r6, [sp, #20]\n"
        "cmp lr, r6\n"
        "bne.w 0b\n"
        "add sp, sp, #36\n"
        "pop {r4-r11, pc}\n");
}

/* clang-format on */

#endif
