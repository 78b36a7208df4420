/* The micro-kernels of ek/dsp.h in assembly, which includes this file. Compilers reorder and spill a register block as
 * large as these; naked functions keep it as it is written. Nothing here is gas-only: clang assembles it too. */
#ifndef EK_DSP_ASM_H
#define EK_DSP_ASM_H

/* One instruction a line, which the formatter would not keep. */
/* clang-format off */

#define EK_DSP_TWICE(x) x x

/* Twice an accumulator to int8: see EK_DSP_LINEAR below. */
EK_INLINE int8_t ek_dsp_requantize(int32_t twice, int32_t value, int32_t rounding, uint32_t shift, int32_t linear)
{
    const int32_t sum = rounding + (linear != 0 ? twice >> 31 : 0);
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(twice), "r"(value), "r"(sum));
    result >>= shift;
    __asm__("ssat %0, #8, %0" : "+r"(result));
    return (int8_t)result;
}

/* An element of a sum, its operands in x and y. */
#define EK_DSP_LOAD(x, y) \
    "ldrb " x ", [%[fine]], #1\n" \
    "ldrsb " y ", [%[coarse]], #1\n"
#define EK_DSP_SUM(x, y, sign) \
    "ldr " x ", [%[table], " x ", lsl #2]\n" \
    sign " " x ", " x ", " y ", lsl #20\n"
#define EK_DSP_SUM_RELU(x, y) "smmlar " x ", " x ", %[value], %[rounding]\n"
#define EK_DSP_SUM_LINEAR(x, y) \
    "add " y ", %[rounding], " x ", asr #31\n" \
    "smmlar " x ", " x ", %[value], " y "\n"
#define EK_DSP_SUM_STORE(x) \
    "ssat " x ", #8, " x ", asr %[shift]\n" \
    "strb " x ", [%[out]], #1\n"
#define EK_DSP_SUM_2(sign, scale) \
    EK_DSP_LOAD("%[x]", "%[y]") \
    EK_DSP_LOAD("%[z]", "%[w]") \
    EK_DSP_SUM("%[x]", "%[y]", sign) \
    EK_DSP_SUM("%[z]", "%[w]", sign) \
    scale("%[x]", "%[y]") \
    EK_DSP_SUM_STORE("%[x]") \
    scale("%[z]", "%[w]") \
    EK_DSP_SUM_STORE("%[z]")
#define EK_DSP_SUMS(sign, scale) \
    __asm__ volatile("1:\n" \
                     EK_DSP_TWICE(EK_DSP_SUM_2(sign, scale)) \
                     "subs %[fours], %[fours], #1\n" \
                     "bne 1b\n" \
                     : [fine] "+r"(fine), [coarse] "+r"(coarse), [out] "+r"(out), [fours] "+r"(fours), \
                       [x] "=&r"(x), [y] "=&r"(y), [z] "=&r"(z), [w] "=&r"(w) \
                     : [table] "r"(table), [value] "r"(value), [rounding] "r"(rounding), [shift] "i"(shift) \
                     : "cc", "memory")

/* Four times `fours` sums, at least one of them: table[fine] + or - coarse * 2^20, twice, to int8. `shift` (1 to 31),
 * `subtract` and `linear` are literals: 7 instructions for a sum, one more if linear. */
EK_INLINE void ek_dsp_add_fours(int8_t *out, const int8_t *fine, const int8_t *coarse, int32_t fours,
                           const int32_t *table, int32_t value, int32_t rounding, const uint32_t shift,
                           int32_t subtract, int32_t linear)
{
    int32_t x;
    int32_t y;
    int32_t z;
    int32_t w;
    if (subtract != 0 && linear != 0) {
        EK_DSP_SUMS("sub", EK_DSP_SUM_LINEAR);
    } else if (subtract != 0) {
        EK_DSP_SUMS("sub", EK_DSP_SUM_RELU);
    } else if (linear != 0) {
        EK_DSP_SUMS("add", EK_DSP_SUM_LINEAR);
    } else {
        EK_DSP_SUMS("add", EK_DSP_SUM_RELU);
    }
}

/* Adds the signed bytes 0 and 2 of a word to the halves of `even`, 1 and 3 to those of `odd`. */
EK_INLINE void ek_dsp_add_bytes(uint32_t *even, uint32_t *odd, uint32_t word)
{
    __asm__("sxtab16 %0, %0, %1" : "+r"(*even) : "r"(word));
    __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(*odd) : "r"(word));
}

/* The larger of each two signed bytes. */
EK_INLINE uint32_t ek_dsp_max_bytes(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(result) : "r"(a), "r"(b) : "cc");
    return result;
}

/* The smaller of each two signed bytes. */
EK_INLINE uint32_t ek_dsp_min_bytes(uint32_t a, uint32_t b)
{
    uint32_t result;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(result) : "r"(a), "r"(b) : "cc");
    return result;
}

/* One step of N pixels: two taps of two channels. r0-r3 even channel, r4-r7 odd channel (or both, if packed), one
 * register a pixel; r12 activations, lr stream. Every instruction is 4 bytes, so that a step can be entered by address.
 * e0 to f2 are the registers accumulated to: those of the biases when the step is the first. */
#define EK_DSP_PACKED "sxtb16 r11, r10\n"
#define EK_DSP_WIDE EK_DSP_PACKED "sxtb16 r10, r10, ror #8\n"
#define EK_DSP_MAC(even, odd, act, even_in, odd_in) \
    "smlad " even ", " act ", r11, " even_in "\n" \
    "smlad " odd ", " act ", r10, " odd_in "\n"
#define EK_DSP_STEP_4(unpack, e0, e1, e2, f0, f1, f2) \
    "ldr r10, [lr], #4\n" \
    "ldrd r8, r9, [r12], #8\n" \
    unpack \
    EK_DSP_MAC("r0", "r4", "r8", e0, f0) \
    EK_DSP_MAC("r1", "r5", "r9", e1, f1) \
    "ldrd r8, r9, [r12], #8\n" \
    EK_DSP_MAC("r2", "r6", "r8", e2, f2) \
    EK_DSP_MAC("r3", "r7", "r9", "r3", "r7")
#define EK_DSP_STEP_1(unpack, e0, e1, e2, f0, f1, f2) \
    "ldr r10, [lr], #4\n" \
    "ldr r8, [r12], #16\n" \
    unpack \
    EK_DSP_MAC("r0", "r4", "r8", e0, f0)

#define EK_DSP_FIRST_4(unpack) EK_DSP_STEP_4(unpack, "r3", "r3", "r3", "r7", "r7", "r7")
#define EK_DSP_FIRST_1(unpack) EK_DSP_STEP_1(unpack, "r0", "", "", "r4", "", "")
#define EK_DSP_NEXT_4(unpack) EK_DSP_STEP_4(unpack, "r0", "r1", "r2", "r4", "r5", "r6")
#define EK_DSP_NEXT_1(unpack) EK_DSP_STEP_1(unpack, "r0", "", "", "r4", "", "")
#define EK_DSP_FOUR_TIMES(x) EK_DSP_TWICE(EK_DSP_TWICE(x))
#define EK_DSP_UNROLL_4(unpack) EK_DSP_TWICE(EK_DSP_FOUR_TIMES(EK_DSP_NEXT_4(unpack)))
#define EK_DSP_UNROLL_1(unpack) EK_DSP_TWICE(EK_DSP_FOUR_TIMES(EK_DSP_NEXT_1(unpack)))

/* f applied to the registers of the pixels. */
#define EK_DSP_EVEN_1(f) f("r0")
#define EK_DSP_EVEN_4(f) f("r0") f("r1") f("r2") f("r3")
#define EK_DSP_ODD_1(f) f("r4")
#define EK_DSP_ODD_4(f) f("r4") f("r5") f("r6") f("r7")
#define EK_DSP_BOTH_1(f) f("r0", "r4")
#define EK_DSP_BOTH_4(f) f("r0", "r4") f("r1", "r5") f("r2", "r6") f("r3", "r7")

/* 256 times the odd channel plus the even one, less the even one, divided by 256. */
#define EK_DSP_SUBTRACT(even, odd) "sub " odd ", " odd ", " even "\n"
#define EK_DSP_DIVIDE(odd) "asr " odd ", " odd ", #8\n"
#define EK_DSP_SPLIT(odd, both) both(EK_DSP_SUBTRACT) odd(EK_DSP_DIVIDE)
#define EK_DSP_NO_SPLIT(odd, both) ""
#define EK_DSP_JOIN(even, odd) "bfi " even ", " odd ", #8, #8\n"

/* The rounding constant is 2*zero_point + 1, shifted left by shift - 1; the last bit is shifted out while saturating.
 * Rounding half away from zero differs from rounding half up below zero only, where ReLU clamps; else one is taken off
 * negative values first. */
#define EK_DSP_SCALE(acc, multiplier, rounding, shift) \
    "smmlar " acc ", " acc ", " multiplier ", " rounding "\n" \
    "asr " acc ", " acc ", " shift "\n" \
    "ssat " acc ", #8, " acc ", asr #1\n"
#define EK_DSP_RELU_EVEN(acc) EK_DSP_SCALE(acc, "r8", "r9", "r10")
#define EK_DSP_RELU_ODD(acc) EK_DSP_SCALE(acc, "r12", "r9", "r10")
#define EK_DSP_LINEAR_EVEN(acc) "add r11, r9, " acc ", asr #31\n" EK_DSP_SCALE(acc, "r8", "r11", "r10")
#define EK_DSP_LINEAR_ODD(acc) "add r11, r9, " acc ", asr #31\n" EK_DSP_SCALE(acc, "r12", "r11", "r10")
#define EK_DSP_STORE_1 "strh r0, [r8]\n"
#define EK_DSP_STORE_4 \
    "strh r0, [r8]\n" \
    "strh r1, [r8, r9]\n" \
    "strh r2, [r8, r9, lsl #1]\n" \
    "add r8, r8, r9\n" \
    "strh r3, [r8, r9, lsl #1]\n"

/* N pixels by all channel pairs of the stream: name(r0 out, r1 stream, r2 tile, r3 layer). A pair of the stream is: two
 * biases, the words, multiplier, both shifts less one, multiplier. The loop is short enough to stay, with what
 * surrounds it, in the 1 KB of instructions that a part keeps of its flash. Stack: 0 out, 4 pitch, 8 where the loop is
 * entered, 12 end of tile, 16 tile, 20 end of stream, 24 the requantisation, 28 2*zero_point + 1. */
#define EK_DSP_BLOCK(name, n, biases, unpack, unroll, step_bytes, split) \
    EK_DSP_NAKED void name(EK_DSP_REGISTER int8_t *out, EK_DSP_REGISTER const uint32_t *stream, \
                           EK_DSP_REGISTER const uint32_t *tile, EK_DSP_REGISTER const ek_dsp_layer *layer) \
    { \
        __asm__ volatile( \
            "push {r4-r11, lr}\n" \
            "sub sp, sp, #32\n" \
            "ldm r3, {r3, r4, r5, r6, r9}\n" \
            "strd r0, r3, [sp]\n" \
            "add r3, r2, r4, lsl #4\n" /* 16 bytes a step, whatever the number of pixels */ \
            "rsb r4, r4, #1\n" \
            "and r4, r4, #" #unroll " - 1\n" \
            "adr.w r7, 2f\n" \
            "mov r8, #" #step_bytes "\n" \
            "mla r7, r4, r8, r7\n" \
            "orr r7, r7, #1\n" \
            "strd r7, r3, [sp, #8]\n" \
            "strd r2, r5, [sp, #16]\n" \
            "adr.w r7, 3f\n" \
            "cbz r6, 6f\n" \
            "adr.w r7, 4f\n" \
            "6: orr r7, r7, #1\n" \
            "strd r7, r9, [sp, #24]\n" \
            "mov lr, r1\n" \
            "mov r12, r2\n" \
            ".balign 4\n" \
            "1: ldm lr!, {" biases "}\n" \
            EK_DSP_FIRST_##n(unpack) \
            "ldr pc, [sp, #8]\n" \
            ".balign 4\n" \
            "2:\n" \
            EK_DSP_UNROLL_##n(unpack) \
            "ldr r8, [sp, #12]\n" \
            "cmp r12, r8\n" \
            "bne.w 2b\n" \
            "ldm lr!, {r8, r10, r12}\n" \
            "ldr r11, [sp, #28]\n" \
            split(EK_DSP_ODD_##n, EK_DSP_BOTH_##n) \
            "lsl r9, r11, r10\n" \
            "ldr pc, [sp, #24]\n" \
            ".balign 4\n" \
            "3:\n" \
            EK_DSP_EVEN_##n(EK_DSP_RELU_EVEN) \
            "lsr r10, r10, #8\n" \
            "lsl r9, r11, r10\n" \
            EK_DSP_ODD_##n(EK_DSP_RELU_ODD) \
            "5:\n" \
            EK_DSP_BOTH_##n(EK_DSP_JOIN) \
            "ldrd r8, r9, [sp]\n" \
            "add r10, r8, #2\n" \
            "str r10, [sp]\n" \
            EK_DSP_STORE_##n \
            "ldrd r12, r8, [sp, #16]\n" \
            "cmp lr, r8\n" \
            "bne.w 1b\n" \
            "add sp, sp, #32\n" \
            "pop {r4-r11, pc}\n" \
            ".balign 4\n" \
            "4:\n" \
            EK_DSP_EVEN_##n(EK_DSP_LINEAR_EVEN) \
            "ldr r11, [sp, #28]\n" \
            "lsr r10, r10, #8\n" \
            "lsl r9, r11, r10\n" \
            EK_DSP_ODD_##n(EK_DSP_LINEAR_ODD) \
            "b.w 5b\n"); \
    }

EK_DSP_BLOCK(ek_dsp_block_4, 4, "r3, r7", EK_DSP_PACKED, 8, 48, EK_DSP_SPLIT)
EK_DSP_BLOCK(ek_dsp_block_1, 1, "r0, r4", EK_DSP_PACKED, 8, 20, EK_DSP_SPLIT)
EK_DSP_BLOCK(ek_dsp_wide_4, 4, "r3, r7", EK_DSP_WIDE, 8, 52, EK_DSP_NO_SPLIT)
EK_DSP_BLOCK(ek_dsp_wide_1, 1, "r0, r4", EK_DSP_WIDE, 8, 24, EK_DSP_NO_SPLIT)

/* Fills a tile with segments of four pixels: r0 tile, r1 pixel 0, r2 layout. */
EK_DSP_NAKED void ek_dsp_fill_4(EK_DSP_REGISTER uint32_t *tile, EK_DSP_REGISTER const int8_t *pixel,
                                EK_DSP_REGISTER const ek_dsp_fill *layout)
{
    __asm__ volatile(
        "push {r3-r11, lr}\n"
        "ldm r2, {r2, r3, r10, r11}\n" /* pitch, quads, rows, gap */
        "push {r3, r11}\n"
        "movw r12, #0x01FE\n"
        "movt r12, #0x01FE\n"
        "mov lr, #0x80808080\n"
        "add r4, r1, r2\n"
        "1: ldr r8, [r4, r2, lsl #1]\n"
        "ldr r6, [r4], #4\n"
        "ldr r7, [r1, r2, lsl #1]\n"
        "ldr r5, [r1], #4\n"
        "eor r6, r6, lr\n"
        "eor r5, r5, lr\n"
        "and r9, r12, r5, lsl #1\n"
        "and r11, r12, r6, lsl #1\n"
        "strd r9, r11, [r0], #8\n"
        "eor r7, r7, lr\n"
        "eor r8, r8, lr\n"
        "and r9, r12, r7, lsl #1\n"
        "and r11, r12, r8, lsl #1\n"
        "strd r9, r11, [r0], #8\n"
        "and r5, r12, r5, lsr #7\n"
        "and r6, r12, r6, lsr #7\n"
        "strd r5, r6, [r0], #8\n"
        "and r7, r12, r7, lsr #7\n"
        "and r8, r12, r8, lsr #7\n"
        "strd r7, r8, [r0], #8\n"
        "subs r3, r3, #1\n"
        "bne 1b\n"
        "ldrd r3, r11, [sp]\n"
        "add r1, r1, r11\n"
        "add r4, r4, r11\n"
        "subs r10, r10, #1\n"
        "bne 1b\n"
        "add sp, sp, #12\n"
        "pop {r4-r11, pc}\n");
}

/* Fills one pixel's slot (tile + 0 to 3 words) of a four-pixel tile: r0 slot, r1 pixel, r2 layout. */
EK_DSP_NAKED void ek_dsp_fill_1(EK_DSP_REGISTER uint32_t *slot, EK_DSP_REGISTER const int8_t *pixel,
                                EK_DSP_REGISTER const ek_dsp_fill *layout)
{
    __asm__ volatile(
        "push {r4-r8, lr}\n"
        "ldm r2, {r2, r3, r7, r8}\n" /* pitch (unused), quads, rows, gap */
        "mov r6, r3\n"
        "movw r12, #0x01FE\n"
        "movt r12, #0x01FE\n"
        "mov lr, #0x80808080\n"
        "1: ldr r4, [r1], #4\n"
        "subs r6, r6, #1\n"
        "eor r4, r4, lr\n"
        "and r5, r12, r4, lsr #7\n"
        "and r4, r12, r4, lsl #1\n"
        "str r5, [r0, #16]\n"
        "str r4, [r0], #32\n"
        "bne 1b\n"
        "mov r6, r3\n"
        "add r1, r1, r8\n"
        "subs r7, r7, #1\n"
        "bne 1b\n"
        "pop {r4-r8, pc}\n");
}

/* clang-format on */

#endif
