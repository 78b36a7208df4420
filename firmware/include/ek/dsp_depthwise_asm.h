/* The micro-kernels of ek/dsp_depthwise.h in assembly, which includes this file. */
#ifndef EK_DSP_DEPTHWISE_ASM_H
#define EK_DSP_DEPTHWISE_ASM_H

/* One instruction a line, which the formatter would not keep. */
/* clang-format off */

/* Two pixels of four channels as halves, one word a channel. */
    EK_INLINE void ek_dsp_pair(uint32_t *to, int32_t strip, uint32_t left, uint32_t right)
    {
    uint32_t c0, c1, c2, c3;
    __asm__("pkhbt %0, %4, %5, lsl #16\n\t"
            "pkhtb %2, %5, %4, asr #16\n\t"
            "sxtb16 %1, %0, ror #8\n\t"
            "sxtb16 %3, %2, ror #8\n\t"
            "sxtb16 %0, %0\n\t"
            "sxtb16 %2, %2"
            : "=&r"(c0), "=&r"(c1), "=&r"(c2), "=&r"(c3)
            : "r"(left), "r"(right));
    to[0] = c0;
    to[strip] = c1;
    to[2 * strip] = c2;
    to[3 * strip] = c3;
}

/* Columns of plane words from two columns of pixels each, two rows a turn: name(r0 words, r1 pixel of the left column,
 * r2 spread, r3 pairs of rows, stack columns). Where a column is border, its pixels are not read. r0 r4 r5 r6 the
 * channels' words, r1 r7 the pixels, r8 row pitch. Stack: 0 pairs of rows, 4 from the last word of a column to the
 * next column, 8 the same for pixels. */
#define EK_DSP_SPREAD(name, loads, a0, a1, b0, b1, left, right) \
    EK_DSP_NAKED void name(EK_DSP_REGISTER uint32_t *to, EK_DSP_REGISTER const int8_t *pixel, \
                           EK_DSP_REGISTER const ek_dsp_spread *s, EK_DSP_REGISTER int32_t row_pairs, \
                           EK_DSP_REGISTER int32_t columns) \
    { \
        __asm__ volatile( \
            "push {r4-r11, lr}\n" \
            "sub sp, sp, #12\n" \
            "ldm r2, {r4, r7, r8, r9}\n" \
            "lsl r10, r4, #2\n" \
            "sub r10, r10, r3, lsl #3\n" \
            "lsl r11, r7, #1\n" \
            "mul r12, r3, r8\n" \
            "sub r11, r11, r12, lsl #1\n" \
            "str r3, [sp]\n" \
            "strd r10, r11, [sp, #4]\n" \
            "add r5, r0, r4, lsl #1\n" \
            "add r6, r5, r4\n" \
            "add r4, r0, r4\n" \
            left right \
            "1: ldr r9, [sp]\n" \
            "2:\n" \
            loads \
            "pkhbt r12, " a0 ", " b0 ", lsl #16\n" \
            "pkhtb r3, " b0 ", " a0 ", asr #16\n" \
            "pkhbt lr, " a1 ", " b1 ", lsl #16\n" \
            "pkhtb r11, " b1 ", " a1 ", asr #16\n" \
            "sxtb16 r2, r12\n" \
            "sxtb16 r10, lr\n" \
            "strd r2, r10, [r0], #8\n" \
            "sxtb16 r2, r12, ror #8\n" \
            "sxtb16 r10, lr, ror #8\n" \
            "strd r2, r10, [r4], #8\n" \
            "sxtb16 r2, r3\n" \
            "sxtb16 r10, r11\n" \
            "strd r2, r10, [r5], #8\n" \
            "sxtb16 r2, r3, ror #8\n" \
            "sxtb16 r10, r11, ror #8\n" \
            "strd r2, r10, [r6], #8\n" \
            "subs r9, r9, #1\n" \
            "bne 2b\n" \
            "ldrd r2, r3, [sp, #4]\n" \
            "add r0, r0, r2\n" \
            "add r4, r4, r2\n" \
            "add r5, r5, r2\n" \
            "add r6, r6, r2\n" \
            "add r1, r1, r3\n" \
            "add r7, r7, r3\n" \
            "ldr r2, [sp, #48]\n" \
            "subs r2, r2, #1\n" \
            "str r2, [sp, #48]\n" \
            "bne 1b\n" \
            "add sp, sp, #12\n" \
            "pop {r4-r11, pc}\n"); \
    }
#define EK_DSP_LOAD_LEFT \
    "ldr r2, [r1]\n" \
    "ldr r10, [r1, r8]\n" \
    "add r1, r1, r8, lsl #1\n"
#define EK_DSP_LOAD_RIGHT \
    "ldr r3, [r7]\n" \
    "ldr r11, [r7, r8]\n" \
    "add r7, r7, r8, lsl #1\n"

EK_DSP_SPREAD(ek_dsp_spread_inner, EK_DSP_LOAD_LEFT EK_DSP_LOAD_RIGHT, "r2", "r10", "r3", "r11", "",
    "add r7, r1, r7\n")
EK_DSP_SPREAD(ek_dsp_spread_left, EK_DSP_LOAD_RIGHT, "r1", "r1", "r3", "r11", "", "mov r7, r1\nmov r1, r9\n")
EK_DSP_SPREAD(ek_dsp_spread_right, EK_DSP_LOAD_LEFT, "r2", "r10", "r7", "r7", "mov r7, r9\n", "")

/* Four channels of a strip: name(r0 out, r1 planes, r2 records, r3 outputs). Stack: 0 multiplier, 4 rounding, 8 shift,
 * 12 out, 16 pitch, 20 row pitch, 24 end of the column, 28 address of 32; 32 bias, 36 weights; 60 out of the column,
 * 64 pairs left, 68 from the end of a column to the next, 72 last pitch, 76 out of the next channel, 80 its plane,
 * 84 its record, 88 channels left, 92 outputs. r12 word j of the plane, lr word j + 1. */
#define EK_DSP_PLANES(name, weights, pointers, block, reload, requantize, restore, advance) \
    EK_DSP_NAKED void name(EK_DSP_REGISTER int8_t *out, EK_DSP_REGISTER const uint32_t *planes, \
                           EK_DSP_REGISTER const uint32_t *records, \
                           EK_DSP_REGISTER const ek_dsp_outputs *outputs) \
    { \
        __asm__ volatile( \
            "push {r4-r11, lr}\n" \
            "sub sp, sp, #100\n" \
            "mov r4, #4\n" \
            "strd r0, r1, [sp, #76]\n" \
            "strd r2, r4, [sp, #84]\n" \
            "str r3, [sp, #92]\n" \
            "3: ldrd r0, r12, [sp, #76]\n" \
            "ldr r3, [sp, #92]\n" \
            "ldr r2, [sp, #84]\n" \
            "ldm r2!, {r4, r5, r6, r7, r8}\n" \
            "str r2, [sp, #84]\n" \
            /* The third byte of the last word of weights is the shift less one, in place of w1. */ \
            "ubfx r10, r6, #16, #8\n" \
            "lsr r9, r6, #8\n" \
            "bfi r6, r9, #16, #8\n" \
            "ldr r9, [r3, #32]\n" \
            "lsl r9, r9, r10\n" \
            "strd r8, r9, [sp]\n" \
            "strd r10, r0, [sp, #8]\n" \
            "sxtb16 r8, r4, ror #8\n" \
            "sxtb16 r4, r4\n" \
            "sxtb16 r9, r5, ror #8\n" \
            "sxtb16 r5, r5\n" \
            "sxtb16 r10, r6, ror #8\n" \
            "sxtb16 r6, r6\n" \
            "sadd16 r4, r4, r4\n" \
            "sadd16 r5, r5, r5\n" \
            "sadd16 r6, r6, r6\n" \
            "sadd16 r8, r8, r8\n" \
            "sadd16 r9, r9, r9\n" \
            "sadd16 r10, r10, r10\n" \
            "add r11, sp, #32\n" \
            weights "ldr r9, [sp, #92]\n" \
            "ldm r9, {r1, r2, r3, r4, r5, r6, r7, r8}\n" \
            "cmp r3, #1\n" \
            "it eq\n" \
            "moveq r1, r5\n" \
            "strd r1, r2, [sp, #16]\n" \
            "add r10, r12, r4\n" \
            "strd r10, r11, [sp, #24]\n" \
            "strd r0, r3, [sp, #60]\n" \
            "strd r6, r5, [sp, #68]\n" \
            "add r0, r0, #1\n" \
            "add r7, r7, r12\n" \
            "strd r0, r7, [sp, #76]\n" \
            pointers ".balign 4\n" \
            "1:\n" \
            block reload requantize("r0") requantize("r1") requantize("r2") \
            requantize("r3") restore "add r5, r7, r9, lsl #1\n" \
            "add r9, r7, r9\n" \
            "strb r3, [r9, r8]\n" \
            "strb r2, [r9]\n" \
            "strb r1, [r7, r8]\n" \
            "strb r0, [r7]\n" \
            "str r5, [sp, #12]\n" \
            "cmp r12, r10\n" \
            "bne.w 1b\n" \
            "ldrd r4, r5, [sp, #60]\n" \
            "ldrd r6, r7, [sp, #68]\n" \
            "add r4, r4, r8, lsl #1\n" \
            "subs r5, r5, #1\n" \
            "beq 2f\n" \
            "strd r4, r5, [sp, #60]\n" \
            "str r4, [sp, #12]\n" \
            "ldr r9, [sp, #92]\n" \
            "ldr r4, [r9, #12]\n" \
            "add r12, r12, r6\n" \
            advance "add r10, r12, r4\n" \
            "str r10, [sp, #24]\n" \
            "cmp r5, #1\n" \
            "it eq\n" \
            "streq r7, [sp, #16]\n" \
            "b.w 1b\n" \
            "2: ldr r4, [sp, #88]\n" \
            "subs r4, r4, #1\n" \
            "str r4, [sp, #88]\n" \
            "bne.w 3b\n" \
            "add sp, sp, #100\n" \
            "pop {r4-r11, pc}\n"); \
    }

#define EK_DSP_PLANE_RELU(acc) EK_DSP_SCALE(acc, "r4", "r5", "r6")
#define EK_DSP_PLANE_LINEAR(acc) "add r10, r5, " acc ", asr #31\n" EK_DSP_SCALE(acc, "r4", "r10", "r6")
#define EK_DSP_RESTORE_END "ldr r10, [sp, #24]\n"

/* Stride 1: outputs r0 r1 / r2 r3 from words j and j + 1 of rows 0 to 3. Weights by row: (w0, w1) in r4 r6 r8,
 * (w1, w2) in r5 r7 r9. */
#define EK_DSP_WEIGHTS_1 \
    "strd r7, r4, [r11]\n" \
    "strd r8, r5, [r11, #8]\n" \
    "strd r9, r6, [r11, #16]\n" \
    "str r10, [r11, #24]\n"
#define EK_DSP_POINTERS_1 "add lr, r12, r8\n"
#define EK_DSP_RELOAD_1 "ldm sp, {r4, r5, r6, r7, r8, r9, r10, r11}\n"
#define EK_DSP_ADVANCE_1 "add lr, lr, r6\n"
#define EK_DSP_WORD_J(first, second, word, weights, b0, b1) \
    "smlad " first ", " word ", " weights ", " b0 "\n" \
    "smlatb " second ", " word ", " weights ", " b1 "\n"
#define EK_DSP_WORD_K(first, second, word, weights) \
    "smlabt " first ", " word ", " weights ", " first "\n" \
    "smlad " second ", " word ", " weights ", " second "\n"
#define EK_DSP_BLOCK_1 \
    "ldm r11, {r3, r4, r5, r6, r7, r8, r9}\n" \
    "ldrd r10, r11, [r12], #8\n" \
    EK_DSP_WORD_J("r0", "r1", "r10", "r4", "r3", "r3") \
    EK_DSP_WORD_J("r0", "r1", "r11", "r6", "r0", "r1") \
    EK_DSP_WORD_J("r2", "r3", "r11", "r4", "r3", "r3") "ldrd r10, r11, [r12]\n" \
    EK_DSP_WORD_J( \
    "r0", "r1", "r10", "r8", "r0", "r1") EK_DSP_WORD_J("r2", "r3", "r10", "r6", "r2", "r3") \
    EK_DSP_WORD_J("r2", "r3", "r11", "r8", "r2", \
    "r3") "ldrd r10, r11, [lr], #8\n" \
    EK_DSP_WORD_K("r0", "r1", "r10", "r5") \
    EK_DSP_WORD_K("r0", "r1", "r11", "r7") \
    EK_DSP_WORD_K("r2", "r3", "r11", \
    "r5") "ldrd r10, r11, [lr]\n" \
    EK_DSP_WORD_K("r0", "r1", "r10", "r9") \
    EK_DSP_WORD_K("r2", "r3", "r10", "r7") EK_DSP_WORD_K("r2", "r3", "r11", "r9")

/* Stride 2: outputs r0 r1 / r2 r3 from words j to j + 2 of rows 0 to 4. (w0, w1) in r4 r5 r6, w2 of the three rows in
 * the halves of r7 and the low half of r8. r11 word j + 2. */
#define EK_DSP_WEIGHTS_2 \
    "pkhtb r8, r9, r8, asr #16\n" \
    "asr r9, r10, #16\n" \
    "strd r7, r4, [r11]\n" \
    "strd r5, r6, [r11, #8]\n" \
    "strd r8, r9, [r11, #16]\n"
#define EK_DSP_POINTERS_2 \
    "ldr r8, [r9, #28]\n" \
    "add lr, r12, r8\n" \
    "add r11, lr, r8\n"
#define EK_DSP_RELOAD_2 "ldm sp, {r4, r5, r6, r7, r8, r9, r10}\n"
#define EK_DSP_ADVANCE_2 \
    "add lr, lr, r6\n" \
    "add r11, r11, r6\n"
#define EK_DSP_OUTER_FIRST(upper) \
    "smlabb " upper ", r9, r7, " upper "\n" \
    "smlabt " upper ", r10, r7, " upper "\n"
#define EK_DSP_OUTER_REST(upper, lower) \
    "smlabb " upper ", r9, r8, " upper "\n" \
    "smlabb " lower ", r9, r7, " lower "\n" \
    "smlabt " lower ", r10, r7, " lower "\n"
#define EK_DSP_INNER(upper, bias) \
    "smlad " upper ", r9, r4, " bias "\n" \
    "smlad " upper ", r10, r5, " upper "\n"
#define EK_DSP_INNER_REST(upper, lower, bias) \
    "smlad " upper ", r9, r6, " upper "\n" \
    "smlad " lower ", r9, r4, " bias "\n" \
    "smlad " lower ", r10, r5, " lower "\n"
#define EK_DSP_BLOCK_2 \
    "add r8, sp, #32\n" \
    "ldm r8, {r3, r4, r5, r6, r7, r8}\n" \
    "ldrd r9, r10, [r12], #8\n" \
    EK_DSP_INNER("r0", "r3") "ldrd r9, r10, [r12], #8\n" \
    EK_DSP_INNER_REST( \
    "r0", "r2", \
    "r3") "ldr r9, [r12]\n" \
    "smlad r2, r9, r6, r2\n" \
    "ldrd r9, r10, [lr], #8\n" \
    EK_DSP_OUTER_FIRST("r0") EK_DSP_INNER( \
    "r1", "r3") "ldrd r9, r10, [lr], #8\n" \
    EK_DSP_OUTER_REST("r0", "r2") \
    EK_DSP_INNER_REST( \
    "r1", "r3", \
    "r3") "ldr r9, [lr]\n" \
    "smlabb r2, r9, r8, r2\n" \
    "smlad r3, r9, r6, r3\n" \
    "ldrd r9, r10, [r11], #8\n" \
    EK_DSP_OUTER_FIRST( \
    "r1") "ldrd r9, r10, [r11], #8\n" \
    EK_DSP_OUTER_REST("r1", \
    "r3") "ldr r9, [r11]\n" \
    "smlabb r3, r9, r8, r3\n"

EK_DSP_PLANES(ek_dsp_planes_1_relu, EK_DSP_WEIGHTS_1, EK_DSP_POINTERS_1, EK_DSP_BLOCK_1, EK_DSP_RELOAD_1,
    EK_DSP_PLANE_RELU, "", EK_DSP_ADVANCE_1)
EK_DSP_PLANES(ek_dsp_planes_1_linear, EK_DSP_WEIGHTS_1, EK_DSP_POINTERS_1, EK_DSP_BLOCK_1, EK_DSP_RELOAD_1,
    EK_DSP_PLANE_LINEAR, EK_DSP_RESTORE_END, EK_DSP_ADVANCE_1)
EK_DSP_PLANES(ek_dsp_planes_2_relu, EK_DSP_WEIGHTS_2, EK_DSP_POINTERS_2, EK_DSP_BLOCK_2, EK_DSP_RELOAD_2,
    EK_DSP_PLANE_RELU, "", EK_DSP_ADVANCE_2)
EK_DSP_PLANES(ek_dsp_planes_2_linear, EK_DSP_WEIGHTS_2, EK_DSP_POINTERS_2, EK_DSP_BLOCK_2, EK_DSP_RELOAD_2,
    EK_DSP_PLANE_LINEAR, EK_DSP_RESTORE_END, EK_DSP_ADVANCE_2)

/* clang-format on */

#endif
