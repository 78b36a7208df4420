/* The micro-kernels of ek/dsp.h for one row or one pixel at a time, in assembly; ek/dsp.h includes this file. */
#ifndef EK_DSP_ROW_ASM_H
#define EK_DSP_ROW_ASM_H

/* One instruction a line, which the formatter would not keep. */
/* clang-format off */

/* Four taps of four outputs: r0 and r2 even channels, r1 and r3 odd channels (or both of their pair, if packed). */
#define EK_DSP_TAPS(unpack, even, odd, act, word) \
    "sxtb16 r10, " word "\n" \
    unpack(word) \
    "smlad " even ", " act ", r10, " even "\n" \
    "smlad " odd ", " act ", " word ", " odd "\n"
#define EK_DSP_ROW_PACKED(word) ""
#define EK_DSP_ROW_WIDE(word) "sxtb16 " word ", " word ", ror #8\n"
#define EK_DSP_QUAD(unpack) \
    "ldm.w lr!, {r4, r5, r6, r7}\n" \
    "ldrd r8, r9, [r12], #8\n" \
    EK_DSP_TAPS(unpack, "r0", "r1", "r8", "r4") \
    EK_DSP_TAPS(unpack, "r0", "r1", "r9", "r5") \
    EK_DSP_TAPS(unpack, "r2", "r3", "r8", "r6") \
    EK_DSP_TAPS(unpack, "r2", "r3", "r9", "r7")

/* Four accumulators of one pixel: r4 r5 r7 r8 multipliers, the bytes of r6 the shifts less one, `zero` 2*zero_point + 1. */
#define EK_DSP_QUAD_RELU(acc, multiplier, zero, rounding) \
    "lsl " rounding ", " zero ", r6\n" \
    EK_DSP_SCALE(acc, multiplier, rounding, "r6")
#define EK_DSP_QUAD_LINEAR(acc, multiplier, zero, rounding) \
    "lsl " rounding ", " zero ", r6\n" \
    "add " rounding ", " rounding ", " acc ", asr #31\n" \
    EK_DSP_SCALE(acc, multiplier, rounding, "r6")
#define EK_DSP_QUAD_END(requantize, zero, rounding) \
    requantize("r0", "r4", zero, rounding) \
    "lsr r6, r6, #8\n" \
    requantize("r1", "r5", zero, rounding) \
    "lsr r6, r6, #8\n" \
    requantize("r2", "r7", zero, rounding) \
    "lsr r6, r6, #8\n" \
    requantize("r3", "r8", zero, rounding)
#define EK_DSP_ROW_SPLIT \
    "sub r1, r1, r0\n" \
    "sub r3, r3, r2\n" \
    "asr r1, r1, #8\n" \
    "asr r3, r3, #8\n"

/* One row of features by whole groups of four outputs: r0 out, r1 stream, r2 tile, r3 layer. A group of the stream is:
 * four biases, four words per four features, two multipliers, the four shifts less one, two multipliers. Stack: 0 out,
 * 4 where the loop is entered, 8 tile, 12 end of stream, 16 the requantisation, 20 2*zero_point + 1. */
#define EK_DSP_ROW(name, unpack, quad_bytes, split) \
    EK_DSP_NAKED void name(EK_DSP_REGISTER int8_t *out, EK_DSP_REGISTER const uint32_t *stream, \
                           EK_DSP_REGISTER const uint32_t *tile, EK_DSP_REGISTER const ek_dsp_layer *layer) \
    { \
        __asm__ volatile( \
            "push {r4-r11, lr}\n" \
            "sub sp, sp, #24\n" \
            "ldm r3, {r3, r4, r5, r6, r9}\n" \
            "lsr r4, r4, #1\n" \
            "add r11, r2, r4, lsl #3\n" \
            "rsb r4, r4, #0\n" \
            "and r4, r4, #7\n" \
            "adr.w r7, 2f\n" \
            "mov r8, #" #quad_bytes "\n" \
            "mla r7, r4, r8, r7\n" \
            "orr r7, r7, #1\n" \
            "strd r0, r7, [sp]\n" \
            "strd r2, r5, [sp, #8]\n" \
            "adr.w r7, 3f\n" \
            "cbz r6, 6f\n" \
            "adr.w r7, 4f\n" \
            "6: orr r7, r7, #1\n" \
            "strd r7, r9, [sp, #16]\n" \
            "mov lr, r1\n" \
            "mov r12, r2\n" \
            "1: ldm.w lr!, {r0, r1, r2, r3}\n" \
            "ldr pc, [sp, #4]\n" \
            ".balign 4\n" \
            "2:\n" \
            EK_DSP_TWICE(EK_DSP_FOUR_TIMES(EK_DSP_QUAD(unpack))) \
            "cmp r12, r11\n" \
            "bne.w 2b\n" \
            "ldm lr!, {r4, r5, r6, r7, r8}\n" \
            "ldr r9, [sp, #20]\n" \
            split \
            "ldr pc, [sp, #16]\n" \
            ".balign 4\n" \
            "4:\n" \
            EK_DSP_QUAD_END(EK_DSP_QUAD_LINEAR, "r9", "r10") \
            "b.w 5f\n" \
            ".balign 4\n" \
            "3:\n" \
            EK_DSP_QUAD_END(EK_DSP_QUAD_RELU, "r9", "r10") \
            "5:\n" \
            "bfi r0, r1, #8, #8\n" \
            "bfi r2, r3, #8, #8\n" \
            "pkhbt r0, r0, r2, lsl #16\n" \
            "ldr r4, [sp]\n" \
            "str r0, [r4], #4\n" \
            "str r4, [sp]\n" \
            "ldrd r12, r5, [sp, #8]\n" \
            "cmp lr, r5\n" \
            "bne.w 1b\n" \
            "add sp, sp, #24\n" \
            "pop {r4-r11, pc}\n"); \
    }

EK_DSP_ROW(ek_dsp_row_4, EK_DSP_ROW_PACKED, 56, EK_DSP_ROW_SPLIT)
EK_DSP_ROW(ek_dsp_row_wide_4, EK_DSP_ROW_WIDE, 72, "")

/* Fills the tile of one row of features: r0 tile, r1 features, r2 groups of four of them. */
EK_DSP_NAKED void ek_dsp_fill_row(EK_DSP_REGISTER uint32_t *tile, EK_DSP_REGISTER const int8_t *features,
                                  EK_DSP_REGISTER int32_t quads)
{
    __asm__ volatile(
        "push {r4, lr}\n"
        "movw r12, #0x01FE\n"
        "movt r12, #0x01FE\n"
        "1: ldr r3, [r1], #4\n"
        "subs r2, r2, #1\n"
        "eor r3, r3, #0x80808080\n"
        "and r4, r12, r3, lsr #7\n"
        "and r3, r12, r3, lsl #1\n"
        "strd r3, r4, [r0], #8\n"
        "bne 1b\n"
        "pop {r4, pc}\n");
}

/* Slots of patches of three by three pixels of three elements: the first eight elements of each row, then the ninth
 * ones. r0 slot, r1 patch, r2 layout (pitch, gap: bytes from a row to the next), r3 patches. r1 r4 r5 rows. */
#define EK_DSP_EIGHT(row, lo0, hi0, lo1, hi1) \
    "ldr r6, [" row "]\n" \
    "ldr r7, [" row ", #4]\n" \
    "eor r6, r6, #0x80808080\n" \
    "eor r7, r7, #0x80808080\n" \
    "and r8, r12, r6, lsl #1\n" \
    "and r6, r12, r6, lsr #7\n" \
    "str r8, [r0, #" lo0 "]\n" \
    "str r6, [r0, #" hi0 "]\n" \
    "and r8, r12, r7, lsl #1\n" \
    "and r7, r12, r7, lsr #7\n" \
    "str r8, [r0, #" lo1 "]\n" \
    "str r7, [r0, #" hi1 "]\n"
EK_DSP_NAKED void ek_dsp_fill_3x3x3(EK_DSP_REGISTER uint32_t *slot, EK_DSP_REGISTER const int8_t *patch,
                                    EK_DSP_REGISTER const ek_dsp_fill *layout, EK_DSP_REGISTER int32_t patches)
{
    __asm__ volatile(
        "push {r4-r8, lr}\n"
        "ldr lr, [r2]\n"
        "ldr r5, [r2, #12]\n"
        "movw r12, #0x01FE\n"
        "movt r12, #0x01FE\n"
        "add r4, r1, r5\n"
        "add r5, r4, r5\n"
        "1:\n"
        EK_DSP_EIGHT("r1", "0", "16", "32", "48")
        EK_DSP_EIGHT("r4", "64", "80", "96", "112")
        EK_DSP_EIGHT("r5", "128", "144", "160", "176")
        "ldrb r6, [r1, #8]\n"
        "ldrb r8, [r5, #8]\n"
        "ldrb r7, [r4, #8]\n"
        "orr r6, r6, r8, lsl #16\n"
        "eor r6, r6, #0x00800080\n"
        "eor r7, r7, #0x80\n"
        "lsl r6, r6, #1\n"
        "lsl r7, r7, #1\n"
        "str r6, [r0, #192]\n"
        "str r7, [r0, #208]\n"
        "add r0, r0, #4\n"
        "add r1, r1, lr\n"
        "add r4, r4, lr\n"
        "add r5, r5, lr\n"
        "subs r3, r3, #1\n"
        "bne 1b\n"
        "pop {r4-r8, pc}\n");
}

/* Two taps of four channels: r4 and r5 their bytes, then halves (tap 0, tap 1) of one channel each. */
#define EK_DSP_TAP_PAIR \
    "ldrd r4, r5, [r12], #8\n" \
    "ldr.w r4, [r4, r10]\n" \
    "ldr.w r5, [r5, r10]\n" \
    "ldrd r8, r9, [lr], #8\n" \
    "pkhbt r6, r4, r5, lsl #16\n" \
    "pkhtb r7, r5, r4, asr #16\n" \
    "sxtb16 r4, r6\n" \
    "sxtb16 r5, r6, ror #8\n" \
    "smlad r0, r4, r8, r0\n" \
    "smlad r1, r5, r9, r1\n" \
    "ldrd r8, r9, [lr], #8\n" \
    "sxtb16 r4, r7\n" \
    "sxtb16 r5, r7, ror #8\n" \
    "smlad r2, r4, r8, r2\n" \
    "smlad r3, r5, r9, r3\n"
/* One depthwise output pixel, whole groups of four channels: r0 out, r1 stream, r2 addresses of the taps' pixels, r3
 * taps. A group of the stream is: four biases, four words per two taps, two multipliers, the four shifts less one, two
 * multipliers. Stack: 0 out, 4 where the loop is entered, 8 addresses, 12 end of stream, 16 the requantisation,
 * 20 2*zero_point + 1. */
EK_DSP_NAKED void ek_dsp_taps_4(EK_DSP_REGISTER int8_t *out, EK_DSP_REGISTER const uint32_t *stream,
                                EK_DSP_REGISTER const int8_t *const *pixels, EK_DSP_REGISTER const ek_dsp_taps *taps)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, sp, #24\n"
        "ldm r3, {r4, r5, r6, r10}\n"
        "add r11, r2, r4, lsl #3\n"
        "rsb r4, r4, #0\n"
        "and r4, r4, #3\n"
        "adr.w r7, 2f\n"
        "mov r8, #60\n"
        "mla r7, r4, r8, r7\n"
        "orr r7, r7, #1\n"
        "strd r0, r7, [sp]\n"
        "strd r2, r5, [sp, #8]\n"
        "adr.w r7, 3f\n"
        "cbz r6, 6f\n"
        "adr.w r7, 4f\n"
        "6: orr r7, r7, #1\n"
        "ldr r9, [r3, #16]\n"
        "strd r7, r9, [sp, #16]\n"
        "mov lr, r1\n"
        "mov r12, r2\n"
        "1: ldm.w lr!, {r0, r1, r2, r3}\n"
        "ldr pc, [sp, #4]\n"
        ".balign 4\n"
        "2:\n"
        EK_DSP_FOUR_TIMES(EK_DSP_TAP_PAIR)
        "cmp r12, r11\n"
        "bne.w 2b\n"
        "ldm lr!, {r4, r5, r6, r7, r8}\n"
        "ldr r9, [sp, #20]\n"
        "ldr pc, [sp, #16]\n"
        ".balign 4\n"
        "4:\n"
        EK_DSP_QUAD_END(EK_DSP_QUAD_LINEAR, "r9", "r12")
        "b.w 5f\n"
        ".balign 4\n"
        "3:\n"
        EK_DSP_QUAD_END(EK_DSP_QUAD_RELU, "r9", "r12")
        "5:\n"
        "bfi r0, r1, #8, #8\n"
        "bfi r2, r3, #8, #8\n"
        "pkhbt r0, r0, r2, lsl #16\n"
        "ldr r4, [sp]\n"
        "str r0, [r4], #4\n"
        "str r4, [sp]\n"
        "add r10, r10, #4\n"
        "ldrd r12, r5, [sp, #8]\n"
        "cmp lr, r5\n"
        "bne.w 1b\n"
        "add sp, sp, #24\n"
        "pop {r4-r11, pc}\n");
}

/* clang-format on */

#endif
