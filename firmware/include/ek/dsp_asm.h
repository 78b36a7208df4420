/* The micro-kernels of ek/dsp.h in assembly, which includes this file. Compilers reorder and spill a register block as
 * large as these; naked functions keep it as it is written. Nothing here is gas-only: clang assembles it too. */
#ifndef EK_DSP_ASM_H
#define EK_DSP_ASM_H

/* clang-format off: one instruction a line */

/* Twice an accumulator to int8: see EK_DSP_LINEAR below. */
EK_INLINE int8_t ek_dsp_requantize(int32_t twice, int32_t value, int32_t rounding, uint32_t shift,
                                   int32_t linear)
{
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3"
            : "=r"(result)
            : "r"(twice), "r"(value), "r"(rounding + (linear ? twice >> 31 : 0)));
    result >>= shift;
    __asm__("ssat %0, #8, %0" : "+r"(result));
    return (int8_t)result;
}

/* One step of N pixels: two taps of two channels. r0-r3 even channel, r4-r7 both channels, one register a pixel;
 * r12 activations, lr stream. Every instruction is 4 bytes, so that a step can be entered by address. E0 and E1 are
 * the registers that hold the biases when the step is the first. */
#define EK_DSP_MAC(pixel, both, act, even_in, both_in) \
    "smlad " pixel ", " act ", r11, " even_in "\n"     \
    "smlad " both ", " act ", r10, " both_in "\n"
#define EK_DSP_STEP_4(e0, e1, e2, f0, f1, f2)                                                                \
    "ldr r10, [lr], #4\n"                                                                                    \
    "ldrd r8, r9, [r12], #8\n"                                                                               \
    "sxtb16 r11, r10\n" EK_DSP_MAC("r0", "r4", "r8", e0, f0)                                                 \
        EK_DSP_MAC("r1", "r5", "r9", e1, f1) "ldrd r8, r9, [r12], #8\n" EK_DSP_MAC("r2", "r6", "r8", e2, f2) \
            EK_DSP_MAC("r3", "r7", "r9", "r3", "r7")
#define EK_DSP_STEP_3(e0, e1, e2, f0, f1, f2)                                                            \
    "ldr r10, [lr], #4\n"                                                                                \
    "ldrd r8, r9, [r12], #16\n"                                                                          \
    "sxtb16 r11, r10\n" EK_DSP_MAC("r0", "r4", "r8", e0, f0)                                             \
        EK_DSP_MAC("r1", "r5", "r9", e1, f1) "ldr r8, [r12, #-8]\n" EK_DSP_MAC("r2", "r6", "r8", e2, f2)
#define EK_DSP_STEP_2(e0, e1, e2, f0, f1, f2)                                                     \
    "ldr r10, [lr], #4\n"                                                                         \
    "ldrd r8, r9, [r12], #16\n"                                                                   \
    "sxtb16 r11, r10\n" EK_DSP_MAC("r0", "r4", "r8", e0, f0) EK_DSP_MAC("r1", "r5", "r9", e1, f1)
#define EK_DSP_STEP_1(e0, e1, e2, f0, f1, f2)                \
    "ldr r10, [lr], #4\n"                                    \
    "ldr r8, [r12], #16\n"                                   \
    "sxtb16 r11, r10\n" EK_DSP_MAC("r0", "r4", "r8", e0, f0)

#define EK_DSP_FIRST_4 EK_DSP_STEP_4("r3", "r3", "r3", "r7", "r7", "r7")
#define EK_DSP_FIRST_3 EK_DSP_STEP_3("r2", "r2", "r2", "r6", "r6", "r6")
#define EK_DSP_FIRST_2 EK_DSP_STEP_2("r1", "r1", "", "r5", "r5", "")
#define EK_DSP_FIRST_1 EK_DSP_STEP_1("r0", "", "", "r4", "", "")
#define EK_DSP_NEXT_4 EK_DSP_STEP_4("r0", "r1", "r2", "r4", "r5", "r6")
#define EK_DSP_NEXT_3 EK_DSP_STEP_3("r0", "r1", "r2", "r4", "r5", "r6")
#define EK_DSP_NEXT_2 EK_DSP_STEP_2("r0", "r1", "", "r4", "r5", "")
#define EK_DSP_NEXT_1 EK_DSP_STEP_1("r0", "", "", "r4", "", "")
#define EK_DSP_TWICE(x) x x
#define EK_DSP_UNROLL_4 EK_DSP_TWICE(EK_DSP_TWICE(EK_DSP_TWICE(EK_DSP_TWICE(EK_DSP_NEXT_4))))
#define EK_DSP_UNROLL_3 EK_DSP_TWICE(EK_DSP_TWICE(EK_DSP_NEXT_3))
#define EK_DSP_UNROLL_2 EK_DSP_TWICE(EK_DSP_TWICE(EK_DSP_NEXT_2))
#define EK_DSP_UNROLL_1 EK_DSP_TWICE(EK_DSP_TWICE(EK_DSP_NEXT_1))

/* f applied to the registers of the pixels. */
#define EK_DSP_EVEN_1(f) f("r0")
#define EK_DSP_EVEN_2(f) EK_DSP_EVEN_1(f) f("r1")
#define EK_DSP_EVEN_3(f) EK_DSP_EVEN_2(f) f("r2")
#define EK_DSP_EVEN_4(f) EK_DSP_EVEN_3(f) f("r3")
#define EK_DSP_ODD_1(f) f("r4")
#define EK_DSP_ODD_2(f) EK_DSP_ODD_1(f) f("r5")
#define EK_DSP_ODD_3(f) EK_DSP_ODD_2(f) f("r6")
#define EK_DSP_ODD_4(f) EK_DSP_ODD_3(f) f("r7")
#define EK_DSP_BOTH_1(f) f("r0", "r4")
#define EK_DSP_BOTH_2(f) EK_DSP_BOTH_1(f) f("r1", "r5")
#define EK_DSP_BOTH_3(f) EK_DSP_BOTH_2(f) f("r2", "r6")
#define EK_DSP_BOTH_4(f) EK_DSP_BOTH_3(f) f("r3", "r7")
#define EK_DSP_SPLIT(even, odd) "sub " odd ", " odd ", " even "\n"
#define EK_DSP_SPLIT_SHIFT(odd) "asr " odd ", " odd ", #8\n"
#define EK_DSP_JOIN(even, odd) "bfi " even ", " odd ", #8, #8\n"
/* r8 multiplier, r9 (2*zero_point + 1) << shift >> 1, r10 shift (its low byte). Rounding half away from zero differs
 * from rounding half up below zero only, where ReLU clamps; else one is taken off negative values first. */
#define EK_DSP_RELU(acc)                \
    "smmlar " acc ", " acc ", r8, r9\n" \
    "asr " acc ", " acc ", r10\n"       \
    "ssat " acc ", #8, " acc "\n"
#define EK_DSP_LINEAR(acc)               \
    "add r11, r9, " acc ", asr #31\n"    \
    "smmlar " acc ", " acc ", r8, r11\n" \
    "asr " acc ", " acc ", r10\n"        \
    "ssat " acc ", #8, " acc "\n"
#define EK_DSP_STORE_1 "strh r0, [r8]\n"
#define EK_DSP_STORE_2 EK_DSP_STORE_1 "strh r1, [r8, r9]\n"
#define EK_DSP_STORE_3 EK_DSP_STORE_2 "strh r2, [r8, r9, lsl #1]\n"
#define EK_DSP_STORE_4 EK_DSP_STORE_3 "add r8, r8, r9\nstrh r3, [r8, r9, lsl #1]\n"

/* N pixels by all channel pairs of the stream: name(r0 out, r1 stream, r2 tile, r3 layer). A pair of the stream is: two
 * biases, the words, multiplier, rounding constant, both shifts, multiplier, rounding constant. Stack: 0 out,
 * 4 pitch, 8 where the loop is entered, 12 end of tile, 16 tile, 20 end of stream, 24 the requantisation. */
#define EK_DSP_BLOCK(name, pixels, first, unroll, unrolled, step_bytes, even, odd, both, store)                                               \
    EK_DSP_NAKED void name(EK_DSP_REGISTER int8_t *out, EK_DSP_REGISTER const uint32_t *stream,                                               \
                           EK_DSP_REGISTER const uint32_t *tile, EK_DSP_REGISTER const ek_dsp_layer *layer)                                   \
    {                                                                                                                                         \
        __asm__ volatile(                                                                                                                     \
            "push {r4-r11, lr}\n"                                                                                                             \
            "sub sp, sp, #28\n"                                                                                                               \
            "ldm r3, {r3, r4, r5, r6}\n"                                                                                                      \
            "strd r0, r3, [sp]\n"                                                                                                             \
            "add r3, r2, r4, lsl #4\n" /* 16 bytes a step, whatever the number of pixels */                                                   \
            "rsb r4, r4, #1\n"                                                                                                                \
            "and r4, r4, #" #unroll " - 1\n"                                                                                                  \
            "adr.w r7, 2f\n"                                                                                                                  \
            "mov r8, #" #step_bytes "\n"                                                                                                      \
            "mla r7, r4, r8, r7\n"                                                                                                            \
            "orr r7, r7, #1\n"                                                                                                                \
            "strd r7, r3, [sp, #8]\n"                                                                                                         \
            "strd r2, r5, [sp, #16]\n"                                                                                                        \
            "adr.w r7, 3f\n"                                                                                                                  \
            "cbz r6, 6f\n"                                                                                                                    \
            "adr.w r7, 4f\n"                                                                                                                  \
            "6: orr r7, r7, #1\n"                                                                                                             \
            "str r7, [sp, #24]\n"                                                                                                             \
            "mov lr, r1\n"                                                                                                                    \
            "mov r12, r2\n"                                                                                                                   \
            ".balign 4\n"                                                                                                                     \
            "1: ldm lr!, {r" pixels "}\n" first "ldr pc, [sp, #8]\n"                                                                          \
            ".balign 4\n"                                                                                                                     \
            "2:\n" unrolled "ldr r8, [sp, #12]\n"                                                                                             \
            "cmp r12, r8\n"                                                                                                                   \
            "bne.w 2b\n"                                                                                                                      \
            "ldm lr!, {r8, r9, r10}\n" both(EK_DSP_SPLIT) odd(                                                                                \
                EK_DSP_SPLIT_SHIFT) "ldr pc, [sp, #24]\n"                                                                                     \
                                    ".balign 4\n"                                                                                             \
                                    "4:\n" even(                                                                                              \
                                        EK_DSP_LINEAR) "ldm lr!, {r8, r9}\n"                                                                  \
                                                       "lsr r10, r10, #8\n" odd(                                                              \
                                                           EK_DSP_LINEAR) "b.w 5f\n"                                                          \
                                                                          ".balign 4\n"                                                       \
                                                                          "3:\n" even(                                                        \
                                                                              EK_DSP_RELU) "ldm lr!, {r8, r9}\n"                              \
                                                                                           "lsr r10, r10, #8\n" odd(EK_DSP_RELU) "5:\n" both( \
                                                                                               EK_DSP_JOIN) "ldrd r8, r9, [sp]\n"             \
                                                                                                            "add r10, r8, #2\n"               \
                                                                                                            "str r10, [sp]\n" store           \
                                                                                                            "ldrd r12, r8, [sp, #16]\n"       \
                                                                                                            "cmp lr, r8\n"                    \
                                                                                                            "bne.w 1b\n"                      \
                                                                                                            "add sp, sp, #28\n"               \
                                                                                                            "pop {r4-r11, pc}\n");            \
    }

EK_DSP_BLOCK(ek_dsp_block_4, "3, r7", EK_DSP_FIRST_4, 16, EK_DSP_UNROLL_4, 48, EK_DSP_EVEN_4, EK_DSP_ODD_4,
             EK_DSP_BOTH_4, EK_DSP_STORE_4)
EK_DSP_BLOCK(ek_dsp_block_3, "2, r6", EK_DSP_FIRST_3, 4, EK_DSP_UNROLL_3, 40, EK_DSP_EVEN_3, EK_DSP_ODD_3,
             EK_DSP_BOTH_3, EK_DSP_STORE_3)
EK_DSP_BLOCK(ek_dsp_block_2, "1, r5", EK_DSP_FIRST_2, 4, EK_DSP_UNROLL_2, 28, EK_DSP_EVEN_2, EK_DSP_ODD_2,
             EK_DSP_BOTH_2, EK_DSP_STORE_2)
EK_DSP_BLOCK(ek_dsp_block_1, "0, r4", EK_DSP_FIRST_1, 4, EK_DSP_UNROLL_1, 20, EK_DSP_EVEN_1, EK_DSP_ODD_1,
             EK_DSP_BOTH_1, EK_DSP_STORE_1)

/* Fills a tile with segments of four pixels: r0 tile, r1 pixel 0, r2 layout. */
EK_DSP_NAKED void ek_dsp_fill_4(EK_DSP_REGISTER uint32_t *tile, EK_DSP_REGISTER const int8_t *pixel,
                                EK_DSP_REGISTER const ek_dsp_fill *layout)
{
    __asm__ volatile("push {r3-r11, lr}\n"
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
    __asm__ volatile("push {r4-r8, lr}\n"
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

/* Four taps of four outputs: r0 and r2 even channels, r1 and r3 both of their pair. */
#define EK_DSP_TAPS(even, both, act, word)          \
    "sxtb16 r10, " word "\n"                        \
    "smlad " even ", " act ", r10, " even "\n"      \
    "smlad " both ", " act ", " word ", " both "\n"
#define EK_DSP_QUAD                                                                                    \
    "ldm.w lr!, {r4, r5, r6, r7}\n"                                                                    \
    "ldrd r8, r9, [r12], #8\n" EK_DSP_TAPS("r0", "r1", "r8", "r4") EK_DSP_TAPS("r0", "r1", "r9", "r5") \
        EK_DSP_TAPS("r2", "r3", "r8", "r6") EK_DSP_TAPS("r2", "r3", "r9", "r7")
#define EK_DSP_ROW_RELU(acc, multiplier, rounding)            \
    "smmlar " acc ", " acc ", " multiplier ", " rounding "\n" \
    "asr " acc ", " acc ", r6\n"                              \
    "ssat " acc ", #8, " acc "\n"
#define EK_DSP_ROW_LINEAR(acc, multiplier, rounding)                                                \
    "add " rounding ", " rounding ", " acc ", asr #31\n" EK_DSP_ROW_RELU(acc, multiplier, rounding)
#define EK_DSP_ROW_END(requantize)                                                                         \
    "ldm lr!, {r4, r5, r6, r7, r8}\n" requantize("r0", "r4", "r5") "lsr r6, r6, #8\n" requantize(          \
        "r1", "r7",                                                                                        \
        "r8") "ldm lr!, {r4, r5, r6, r7, r8}\n" requantize("r2", "r4",                                     \
                                                           "r5") "lsr r6, r6, #8\n" requantize("r3", "r7", \
                                                                                               "r8")

/* One row of features by whole groups of four outputs: r0 out, r1 stream, r2 tile, r3 layer. A group of the stream is:
 * four biases, four words per four features, two requantisation records. Stack: 0 out, 4 where the loop is entered,
 * 8 tile, 12 end of stream, 16 the requantisation. */
EK_DSP_NAKED void ek_dsp_row_4(EK_DSP_REGISTER int8_t *out, EK_DSP_REGISTER const uint32_t *stream,
                               EK_DSP_REGISTER const uint32_t *tile,
                               EK_DSP_REGISTER const ek_dsp_layer *layer)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, sp, #20\n"
        "ldm r3, {r3, r4, r5, r6}\n"
        "lsr r4, r4, #1\n"
        "add r11, r2, r4, lsl #3\n"
        "rsb r4, r4, #0\n"
        "and r4, r4, #7\n"
        "adr.w r7, 2f\n"
        "mov r8, #56\n"
        "mla r7, r4, r8, r7\n"
        "orr r7, r7, #1\n"
        "strd r0, r7, [sp]\n"
        "strd r2, r5, [sp, #8]\n"
        "adr.w r7, 3f\n"
        "cbz r6, 6f\n"
        "adr.w r7, 4f\n"
        "6: orr r7, r7, #1\n"
        "str r7, [sp, #16]\n"
        "mov lr, r1\n"
        "mov r12, r2\n"
        "1: ldm.w lr!, {r0, r1, r2, r3}\n"
        "ldr pc, [sp, #4]\n"
        ".balign 4\n"
        "2:\n" EK_DSP_TWICE(EK_DSP_TWICE(EK_DSP_TWICE(
            EK_DSP_QUAD))) "cmp r12, r11\n"
                           "bne.w 2b\n"
                           "sub r1, r1, r0\n"
                           "sub r3, r3, r2\n"
                           "asr r1, r1, #8\n"
                           "asr r3, r3, #8\n"
                           "ldr pc, [sp, #16]\n"
                           ".balign 4\n"
                           "4:\n" EK_DSP_ROW_END(
                               EK_DSP_ROW_LINEAR) "b.w 5f\n"
                                                  ".balign 4\n"
                                                  "3:\n" EK_DSP_ROW_END(
                                                      EK_DSP_ROW_RELU) "5:\n"
                                                                       "bfi r0, r1, #8, #8\n"
                                                                       "bfi r2, r3, #8, #8\n"
                                                                       "pkhbt r0, r0, r2, lsl #16\n"
                                                                       "ldr r4, [sp]\n"
                                                                       "str r0, [r4], #4\n"
                                                                       "str r4, [sp]\n"
                                                                       "ldrd r12, r5, [sp, #8]\n"
                                                                       "cmp lr, r5\n"
                                                                       "bne.w 1b\n"
                                                                       "add sp, sp, #20\n"
                                                                       "pop {r4-r11, pc}\n");
}

/* Fills the tile of one row of features: r0 tile, r1 features, r2 groups of four of them. */
EK_DSP_NAKED void ek_dsp_fill_row(EK_DSP_REGISTER uint32_t *tile, EK_DSP_REGISTER const int8_t *features,
                                  EK_DSP_REGISTER int32_t quads)
{
    __asm__ volatile("push {r4, lr}\n"
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

/* Two taps of four channels: r4 and r5 their bytes, then halves (tap 0, tap 1) of one channel each. */
#define EK_DSP_TAP_PAIR           \
    "ldrd r4, r5, [r12], #8\n"    \
    "ldr.w r4, [r4, r10]\n"       \
    "ldr.w r5, [r5, r10]\n"       \
    "ldrd r8, r9, [lr], #8\n"     \
    "pkhbt r6, r4, r5, lsl #16\n" \
    "pkhtb r7, r5, r4, asr #16\n" \
    "sxtb16 r4, r6\n"             \
    "sxtb16 r5, r6, ror #8\n"     \
    "smlad r0, r4, r8, r0\n"      \
    "smlad r1, r5, r9, r1\n"      \
    "ldrd r8, r9, [lr], #8\n"     \
    "sxtb16 r4, r7\n"             \
    "sxtb16 r5, r7, ror #8\n"     \
    "smlad r2, r4, r8, r2\n"      \
    "smlad r3, r5, r9, r3\n"
#define EK_DSP_QUAD_RELU(acc, multiplier, rounding)           \
    "smmlar " acc ", " acc ", " multiplier ", " rounding "\n" \
    "asr " acc ", " acc ", r8\n"                              \
    "ssat " acc ", #8, " acc "\n"
#define EK_DSP_QUAD_LINEAR(acc, multiplier, rounding)                                                \
    "add " rounding ", " rounding ", " acc ", asr #31\n" EK_DSP_QUAD_RELU(acc, multiplier, rounding)
#define EK_DSP_QUAD_END(requantize)                                                                      \
    "ldm lr!, {r4, r5, r6, r7, r8}\n" requantize("r0", "r4", "r5") "lsr r8, r8, #8\n" requantize(        \
        "r1", "r6", "r7") "ldm lr!, {r4, r5, r6, r7}\n"                                                  \
                          "lsr r8, r8, #8\n" requantize("r2", "r4", "r5") "lsr r8, r8, #8\n" requantize( \
                              "r3", "r6", "r7")

/* One depthwise output pixel, whole groups of four channels: r0 out, r1 stream, r2 addresses of the taps' pixels, r3
 * taps. A group of the stream is: four biases, four words per two taps, two multipliers each with its rounding
 * constant, the four shifts, the other two. Stack: 0 out, 4 where the loop is entered, 8 addresses, 12 end of stream,
 * 16 the requantisation. */
EK_DSP_NAKED void ek_dsp_taps_4(EK_DSP_REGISTER int8_t *out, EK_DSP_REGISTER const uint32_t *stream,
                                EK_DSP_REGISTER const int8_t *const *pixels,
                                EK_DSP_REGISTER const ek_dsp_taps *taps)
{
    __asm__ volatile(
        "push {r4-r11, lr}\n"
        "sub sp, sp, #20\n"
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
        "str r7, [sp, #16]\n"
        "mov lr, r1\n"
        "mov r12, r2\n"
        "1: ldm.w lr!, {r0, r1, r2, r3}\n"
        "ldr pc, [sp, #4]\n"
        ".balign 4\n"
        "2:\n" EK_DSP_TWICE(EK_DSP_TWICE(
            EK_DSP_TAP_PAIR)) "cmp r12, r11\n"
                              "bne.w 2b\n"
                              "ldr pc, [sp, #16]\n"
                              ".balign 4\n"
                              "4:\n" EK_DSP_QUAD_END(
                                  EK_DSP_QUAD_LINEAR) "b.w 5f\n"
                                                      ".balign 4\n"
                                                      "3:\n" EK_DSP_QUAD_END(
                                                          EK_DSP_QUAD_RELU) "5:\n"
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
                                                                            "add sp, sp, #20\n"
                                                                            "pop {r4-r11, pc}\n");
}

/* clang-format on */

#endif
