/* The micro-kernels of ek/dsp_span.h in assembly, which includes this file. */
#ifndef EK_DSP_SPAN_ASM_H
#define EK_DSP_SPAN_ASM_H

/* One instruction a line, which the formatter would not keep. */
/* clang-format off */

/* Two pixels of a row, then four channels of them in r8 r10 and r8 r10 again, each as halves (left, right), by the
 * weights in r9 r12: `mac` of the accumulators of channel 0 and 1, then of 2 and 3. */
#define EK_DSP_SPAN_PAIR(at, mac, c0, c1, c2, c3) \
    "ldrd r8, r9, [sp, #" at "]\n" \
    "ldr r12, [sp, #8]\n" \
    "ldr.w r8, [r8, r12]\n" \
    "ldr.w r9, [r9, r12]\n" \
    "pkhbt r10, r8, r9, lsl #16\n" \
    "pkhtb r11, r9, r8, asr #16\n" \
    "sxtb16 r8, r10\n" \
    "sxtb16 r10, r10, ror #8\n" \
    "ldrd r9, r12, [lr], #8\n" \
    mac("r0", "r4", "r8", "r9", c0) \
    mac("r1", "r5", "r10", "r12", c1) \
    "sxtb16 r8, r11\n" \
    "sxtb16 r10, r11, ror #8\n" \
    "ldrd r9, r12, [lr], #8\n" \
    mac("r2", "r6", "r8", "r9", c2) \
    mac("r3", "r7", "r10", "r12", c3)

/* Of two outputs: pixels 0 and 1 by (w0, w1), pixels 2 and 3 by (w1, w2). */
#define EK_DSP_SPAN_LEFT_2(first, second, word, weights, bias) \
    "smlatb " second ", " word ", " weights ", " bias "\n" \
    "smlad " first ", " word ", " weights ", " first "\n"
#define EK_DSP_SPAN_NEXT_2(first, second, word, weights, bias) \
    "smlatb " second ", " word ", " weights ", " second "\n" \
    "smlad " first ", " word ", " weights ", " first "\n"
#define EK_DSP_SPAN_RIGHT_2(first, second, word, weights, bias) \
    "smlabt " first ", " word ", " weights ", " first "\n" \
    "smlad " second ", " word ", " weights ", " second "\n"
#define EK_DSP_SPAN_ROW_2(left, right, mac) \
    EK_DSP_SPAN_PAIR(left, mac, "r0", "r1", "r2", "r3") \
    EK_DSP_SPAN_PAIR(right, EK_DSP_SPAN_RIGHT_2, "", "", "", "")

/* Of one output: its third pixel alone, channels 0 and 2 in r10, 1 and 3 in r11. */
#define EK_DSP_SPAN_LEFT_1(first, second, word, weights, bias) \
    "smlad " first ", " word ", " weights ", " first "\n"
#define EK_DSP_SPAN_ROW_1(left, right, mac) \
    EK_DSP_SPAN_PAIR(left, mac, "", "", "", "") \
    "ldrd r8, r12, [sp, #" right "]\n" \
    "ldr r12, [sp, #8]\n" \
    "ldr.w r8, [r8, r12]\n" \
    "sxtb16 r10, r8\n" \
    "sxtb16 r11, r8, ror #8\n" \
    "ldrd r9, r12, [lr], #8\n" \
    "smlabt r0, r10, r9, r0\n" \
    "smlabt r1, r11, r12, r1\n" \
    "ldrd r9, r12, [lr], #8\n" \
    "smlatt r2, r10, r9, r2\n" \
    "smlatt r3, r11, r12, r3\n"

/* Accumulators of one channel by its multiplier; r10 its shift less one, lr 2*zero_point + 1 shifted by that. */
#define EK_DSP_SPAN_RELU(acc, multiplier) EK_DSP_SCALE(acc, multiplier, "lr", "r10")
#define EK_DSP_SPAN_LINEAR(acc, multiplier) \
    "add r12, lr, " acc ", asr #31\n" \
    EK_DSP_SCALE(acc, multiplier, "r12", "r10")
#define EK_DSP_SPAN_CHANNEL_1(scale, first, second, multiplier) \
    "ldr lr, [sp, #24]\n" \
    "lsl lr, lr, r10\n" \
    scale(first, multiplier)
#define EK_DSP_SPAN_CHANNEL_2(scale, first, second, multiplier) \
    EK_DSP_SPAN_CHANNEL_1(scale, first, second, multiplier) \
    scale(second, multiplier)
#define EK_DSP_SPAN_END(channel, scale) \
    channel(scale, "r0", "r4", "r8") \
    "lsr r10, r10, #8\n" \
    channel(scale, "r1", "r5", "r9") \
    "lsr r10, r10, #8\n" \
    channel(scale, "r2", "r6", "r11") \
    "lsr r10, r10, #8\n" \
    "ldr r8, [sp, #28]\n" \
    channel(scale, "r3", "r7", "r8")

#define EK_DSP_SPAN_STORE_1 \
    "bfi r0, r1, #8, #8\n" \
    "bfi r2, r3, #8, #8\n" \
    "pkhbt r0, r0, r2, lsl #16\n"
#define EK_DSP_SPAN_STORE_2 \
    EK_DSP_SPAN_STORE_1 \
    "bfi r4, r5, #8, #8\n" \
    "bfi r6, r7, #8, #8\n" \
    "pkhbt r4, r4, r6, lsl #16\n" \
    "str r4, [r8, r9]\n"

/* N outputs by whole groups of four channels: name(r0 out, r1 stream, r2 addresses of the pixels, r3 what else). r0-r3 the
 * first output's channels, r4-r7 the second one's. Stack: 0 out, 4 pitch, 8 channel, 12 end of stream, 16 the
 * requantisation, 24 2*zero_point + 1, 28 last multiplier, 32 stream, 36 addresses. */
#define EK_DSP_SPAN(name, row, first, next, channel, store) \
    EK_DSP_NAKED void name(EK_DSP_REGISTER int8_t *out, EK_DSP_REGISTER const uint32_t *stream, \
                           EK_DSP_REGISTER const int8_t *const *pixels, EK_DSP_REGISTER const ek_dsp_span *s) \
    { \
        __asm__ volatile( \
            "push {r4-r11, lr}\n" \
            "sub sp, sp, #84\n" \
            "mov lr, r1\n" \
            "add r12, sp, #36\n" \
            "ldm r2!, {r4, r5, r6, r7, r8, r9, r10, r11}\n" \
            "stm r12!, {r4, r5, r6, r7, r8, r9, r10, r11}\n" \
            "ldm r2, {r4, r5, r6, r7}\n" \
            "stm r12, {r4, r5, r6, r7}\n" \
            "ldm r3, {r4, r5, r6, r7, r8}\n" \
            "strd r0, r8, [sp]\n" \
            "strd r6, r4, [sp, #8]\n" \
            "adr.w r9, 3f\n" \
            "cbz r5, 6f\n" \
            "adr.w r9, 4f\n" \
            "6: orr r9, r9, #1\n" \
            "str r9, [sp, #16]\n" \
            "str r7, [sp, #24]\n" \
            "1: ldm.w lr!, {r0, r1, r2, r3}\n" \
            row("36", "44", first) \
            row("52", "60", next) \
            row("68", "76", next) \
            "ldm lr!, {r8, r9, r10, r11, r12}\n" \
            "strd r12, lr, [sp, #28]\n" \
            "ldr pc, [sp, #16]\n" \
            ".balign 4\n" \
            "4:\n" \
            EK_DSP_SPAN_END(channel, EK_DSP_SPAN_LINEAR) \
            "b.w 5f\n" \
            ".balign 4\n" \
            "3:\n" \
            EK_DSP_SPAN_END(channel, EK_DSP_SPAN_RELU) \
            "5: ldrd r8, r9, [sp]\n" \
            store \
            "str r0, [r8], #4\n" \
            "ldrd r10, r11, [sp, #8]\n" \
            "add r10, r10, #4\n" \
            "str r8, [sp]\n" \
            "str r10, [sp, #8]\n" \
            "ldr lr, [sp, #32]\n" \
            "cmp lr, r11\n" \
            "bne.w 1b\n" \
            "add sp, sp, #84\n" \
            "pop {r4-r11, pc}\n"); \
    }

EK_DSP_SPAN(ek_dsp_span_2, EK_DSP_SPAN_ROW_2, EK_DSP_SPAN_LEFT_2, EK_DSP_SPAN_NEXT_2, EK_DSP_SPAN_CHANNEL_2,
    EK_DSP_SPAN_STORE_2)
EK_DSP_SPAN(ek_dsp_span_1, EK_DSP_SPAN_ROW_1, EK_DSP_SPAN_LEFT_1, EK_DSP_SPAN_LEFT_1, EK_DSP_SPAN_CHANNEL_1,
    EK_DSP_SPAN_STORE_1)

/* clang-format on */

#endif
