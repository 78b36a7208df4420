/* Depthwise 3x3 on cores with the DSP extension: four channels of a strip of input rows are spread into planes of
 * 16-bit halves, then each channel is computed in blocks of two by two outputs, six instructions an output.
 *
 * Word j of a plane row holds columns 2j and 2j + 1, the border included; it lies at [j][channel][row], so that the
 * rows of a pair of columns follow each other. Weights are doubled, so accumulators are twice the true sums. */
#ifndef EK_DSP_DEPTHWISE_H
#define EK_DSP_DEPTHWISE_H

#include <stdint.h>

#include "ek/dsp.h"
#include "ek/elements.h"
#include "ek/rows.h"

#define EK_DSP_RECORD                                                                         \
    6 /* words of a channel: three of weights (w0, w1, w1, w2), bias, multiplier, rounding */

/* Where the outputs of four channels go, and how their planes lie. Distances in bytes. */
typedef struct {
    int32_t pitch;      /*  0: from an output column to the next */
    int32_t row_pitch;  /*  4: from an output row to the next; 0 if the second one is not wanted */
    int32_t pairs;      /*  8: of output columns */
    int32_t column;     /* 12: of plane words used by all pairs of output rows: 8 * stride each */
    int32_t last_pitch; /* 16: pitch in the last pair of columns; 0 if its second one is not wanted */
    int32_t gap;   /* 20: from the end of such a column to the next pair's: stride * words_apart - column */
    int32_t plane; /* 24: from a channel's plane to the next: 4 * rows of the strip */
    int32_t words; /* 28: from word j to word j + 1: 4 * plane */
} ek_dsp_outputs;

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)

/* clang-format off: one instruction a line */

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

/* Four channels of a strip: name(r0 out, r1 planes, r2 records, r3 outputs). Stack: 0 multiplier, 4 rounding, 8 shift,
 * 12 out, 16 pitch, 20 row pitch, 24 end of the column, 28 address of 32; 32 bias, 36 weights; 60 out of the column,
 * 64 pairs left, 68 from the end of a column to the next, 72 last pitch, 76 out of the next channel, 80 its plane,
 * 84 its record, 88 channels left, 92 outputs. r12 word j of the plane, lr word j + 1. */
#define EK_DSP_PLANES(name, weights, pointers, block, reload, requantize, restore, advance)             \
    EK_DSP_NAKED void name(EK_DSP_REGISTER int8_t *out, EK_DSP_REGISTER const uint32_t *planes,         \
                           EK_DSP_REGISTER const uint32_t *records,                                     \
                           EK_DSP_REGISTER const ek_dsp_outputs *outputs)                               \
    {                                                                                                   \
        __asm__ volatile("push {r4-r11, lr}\n"                                                          \
                         "sub sp, sp, #100\n"                                                           \
                         "mov r4, #4\n"                                                                 \
                         "strd r0, r1, [sp, #76]\n"                                                     \
                         "strd r2, r4, [sp, #84]\n"                                                     \
                         "str r3, [sp, #92]\n"                                                          \
                         "3: ldrd r0, r12, [sp, #76]\n"                                                 \
                         "ldr r2, [sp, #84]\n"                                                          \
                         "ldm r2!, {r4, r5, r6, r7, r8, r9}\n"                                          \
                         "str r2, [sp, #84]\n"                                                          \
                         "rbit r10, r9\n" /* the rounding constant is odd << (shift - 1) */             \
                         "clz r10, r10\n"                                                               \
                         "add r10, r10, #1\n"                                                           \
                         "strd r8, r9, [sp]\n"                                                          \
                         "strd r10, r0, [sp, #8]\n"                                                     \
                         "sxtb16 r8, r4, ror #8\n"                                                      \
                         "sxtb16 r4, r4\n"                                                              \
                         "sxtb16 r9, r5, ror #8\n"                                                      \
                         "sxtb16 r5, r5\n"                                                              \
                         "sxtb16 r10, r6, ror #8\n"                                                     \
                         "sxtb16 r6, r6\n"                                                              \
                         "sadd16 r4, r4, r4\n"                                                          \
                         "sadd16 r5, r5, r5\n"                                                          \
                         "sadd16 r6, r6, r6\n"                                                          \
                         "sadd16 r8, r8, r8\n"                                                          \
                         "sadd16 r9, r9, r9\n"                                                          \
                         "sadd16 r10, r10, r10\n"                                                       \
                         "add r11, sp, #32\n" weights "ldr r9, [sp, #92]\n"                             \
                         "ldm r9, {r1, r2, r3, r4, r5, r6, r7, r8}\n"                                   \
                         "cmp r3, #1\n"                                                                 \
                         "it eq\n"                                                                      \
                         "moveq r1, r5\n"                                                               \
                         "strd r1, r2, [sp, #16]\n"                                                     \
                         "add r10, r12, r4\n"                                                           \
                         "strd r10, r11, [sp, #24]\n"                                                   \
                         "strd r0, r3, [sp, #60]\n"                                                     \
                         "strd r6, r5, [sp, #68]\n"                                                     \
                         "add r0, r0, #1\n"                                                             \
                         "add r7, r7, r12\n"                                                            \
                         "strd r0, r7, [sp, #76]\n" pointers ".balign 4\n"                              \
                         "1:\n" block reload requantize("r0") requantize("r1") requantize("r2")         \
                             requantize("r3") restore "add r5, r7, r9, lsl #1\n"                        \
                                                      "add r9, r7, r9\n"                                \
                                                      "strb r3, [r9, r8]\n"                             \
                                                      "strb r2, [r9]\n"                                 \
                                                      "strb r1, [r7, r8]\n"                             \
                                                      "strb r0, [r7]\n"                                 \
                                                      "str r5, [sp, #12]\n"                             \
                                                      "cmp r12, r10\n"                                  \
                                                      "bne.w 1b\n"                                      \
                                                      "ldrd r4, r5, [sp, #60]\n"                        \
                                                      "ldrd r6, r7, [sp, #68]\n"                        \
                                                      "add r4, r4, r8, lsl #1\n"                        \
                                                      "subs r5, r5, #1\n"                               \
                                                      "beq 2f\n"                                        \
                                                      "strd r4, r5, [sp, #60]\n"                        \
                                                      "str r4, [sp, #12]\n"                             \
                                                      "ldr r9, [sp, #92]\n"                             \
                                                      "ldr r4, [r9, #12]\n"                             \
                                                      "add r12, r12, r6\n" advance "add r10, r12, r4\n" \
                                                      "str r10, [sp, #24]\n"                            \
                                                      "cmp r5, #1\n"                                    \
                                                      "it eq\n"                                         \
                                                      "streq r7, [sp, #16]\n"                           \
                                                      "b.w 1b\n"                                        \
                                                      "2: ldr r4, [sp, #88]\n"                          \
                                                      "subs r4, r4, #1\n"                               \
                                                      "str r4, [sp, #88]\n"                             \
                                                      "bne.w 3b\n"                                      \
                                                      "add sp, sp, #100\n"                              \
                                                      "pop {r4-r11, pc}\n");                            \
    }

#define EK_DSP_PLANE_RELU(acc)          \
    "smmlar " acc ", " acc ", r4, r5\n" \
    "asr " acc ", " acc ", r6\n"        \
    "ssat " acc ", #8, " acc "\n"
#define EK_DSP_PLANE_LINEAR(acc)         \
    "add r10, r5, " acc ", asr #31\n"    \
    "smmlar " acc ", " acc ", r4, r10\n" \
    "asr " acc ", " acc ", r6\n"         \
    "ssat " acc ", #8, " acc "\n"
#define EK_DSP_RESTORE_END "ldr r10, [sp, #24]\n"

/* Stride 1: outputs r0 r1 / r2 r3 from words j and j + 1 of rows 0 to 3. Weights by row: (w0, w1) in r4 r6 r8,
 * (w1, w2) in r5 r7 r9. */
#define EK_DSP_WEIGHTS_1        \
    "strd r7, r4, [r11]\n"      \
    "strd r8, r5, [r11, #8]\n"  \
    "strd r9, r6, [r11, #16]\n" \
    "str r10, [r11, #24]\n"
#define EK_DSP_POINTERS_1 "add lr, r12, r8\n"
#define EK_DSP_RELOAD_1 "ldm sp, {r4, r5, r6, r7, r8, r9, r10, r11}\n"
#define EK_DSP_ADVANCE_1 "add lr, lr, r6\n"
#define EK_DSP_WORD_J(first, second, word, weights, b0, b1) \
    "smlad " first ", " word ", " weights ", " b0 "\n"      \
    "smlatb " second ", " word ", " weights ", " b1 "\n"
#define EK_DSP_WORD_K(first, second, word, weights)         \
    "smlabt " first ", " word ", " weights ", " first "\n"  \
    "smlad " second ", " word ", " weights ", " second "\n"
#define EK_DSP_BLOCK_1                                                                                     \
    "ldm r11, {r3, r4, r5, r6, r7, r8, r9}\n"                                                              \
    "ldrd r10, r11, [r12], #8\n" EK_DSP_WORD_J("r0", "r1", "r10", "r4", "r3", "r3")                        \
        EK_DSP_WORD_J("r0", "r1", "r11", "r6", "r0", "r1")                                                 \
            EK_DSP_WORD_J("r2", "r3", "r11", "r4", "r3", "r3") "ldrd r10, r11, [r12]\n" EK_DSP_WORD_J(     \
                "r0", "r1", "r10", "r8", "r0", "r1") EK_DSP_WORD_J("r2", "r3", "r10", "r6", "r2", "r3")    \
                EK_DSP_WORD_J("r2", "r3", "r11", "r8", "r2",                                               \
                              "r3") "ldrd r10, r11, [lr], #8\n" EK_DSP_WORD_K("r0", "r1", "r10", "r5")     \
                    EK_DSP_WORD_K("r0", "r1", "r11", "r7")                                                 \
                        EK_DSP_WORD_K("r2", "r3", "r11",                                                   \
                                      "r5") "ldrd r10, r11, [lr]\n" EK_DSP_WORD_K("r0", "r1", "r10", "r9") \
                            EK_DSP_WORD_K("r2", "r3", "r10", "r7") EK_DSP_WORD_K("r2", "r3", "r11", "r9")

/* Stride 2: outputs r0 r1 / r2 r3 from words j to j + 2 of rows 0 to 4. (w0, w1) in r4 r5 r6, w2 of the three rows in
 * the halves of r7 and the low half of r8. r11 word j + 2. */
#define EK_DSP_WEIGHTS_2          \
    "pkhtb r8, r9, r8, asr #16\n" \
    "asr r9, r10, #16\n"          \
    "strd r7, r4, [r11]\n"        \
    "strd r5, r6, [r11, #8]\n"    \
    "strd r8, r9, [r11, #16]\n"
#define EK_DSP_POINTERS_2 \
    "ldr r8, [r9, #28]\n" \
    "add lr, r12, r8\n"   \
    "add r11, lr, r8\n"
#define EK_DSP_RELOAD_2 "ldm sp, {r4, r5, r6, r7, r8, r9, r10}\n"
#define EK_DSP_ADVANCE_2 \
    "add lr, lr, r6\n"   \
    "add r11, r11, r6\n"
#define EK_DSP_OUTER_FIRST(upper)            \
    "smlabb " upper ", r9, r7, " upper "\n"  \
    "smlabt " upper ", r10, r7, " upper "\n"
#define EK_DSP_OUTER_REST(upper, lower)      \
    "smlabb " upper ", r9, r8, " upper "\n"  \
    "smlabb " lower ", r9, r7, " lower "\n"  \
    "smlabt " lower ", r10, r7, " lower "\n"
#define EK_DSP_INNER(upper, bias)           \
    "smlad " upper ", r9, r4, " bias "\n"   \
    "smlad " upper ", r10, r5, " upper "\n"
#define EK_DSP_INNER_REST(upper, lower, bias) \
    "smlad " upper ", r9, r6, " upper "\n"    \
    "smlad " lower ", r9, r4, " bias "\n"     \
    "smlad " lower ", r10, r5, " lower "\n"
#define EK_DSP_BLOCK_2                                                                                      \
    "add r8, sp, #32\n"                                                                                     \
    "ldm r8, {r3, r4, r5, r6, r7, r8}\n"                                                                    \
    "ldrd r9, r10, [r12], #8\n" EK_DSP_INNER("r0", "r3") "ldrd r9, r10, [r12], #8\n" EK_DSP_INNER_REST(     \
        "r0", "r2",                                                                                         \
        "r3") "ldr r9, [r12]\n"                                                                             \
              "smlad r2, r9, r6, r2\n"                                                                      \
              "ldrd r9, r10, [lr], #8\n" EK_DSP_OUTER_FIRST("r0") EK_DSP_INNER(                             \
                  "r1", "r3") "ldrd r9, r10, [lr], #8\n" EK_DSP_OUTER_REST("r0", "r2")                      \
                  EK_DSP_INNER_REST(                                                                        \
                      "r1", "r3",                                                                           \
                      "r3") "ldr r9, [lr]\n"                                                                \
                            "smlabb r2, r9, r8, r2\n"                                                       \
                            "smlad r3, r9, r6, r3\n"                                                        \
                            "ldrd r9, r10, [r11], #8\n" EK_DSP_OUTER_FIRST(                                 \
                                "r1") "ldrd r9, r10, [r11], #8\n" EK_DSP_OUTER_REST("r1",                   \
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

#else

/* Two pixels of four channels as halves, one word a channel. */
static inline void ek_dsp_pair(uint32_t *to, int32_t strip, uint32_t left, uint32_t right)
{
    for (uint32_t i = 0; i < 4U; i++) {
        const uint32_t low = (uint32_t)(int8_t)(uint8_t)((left >> (8U * i)) & 0xFFU) & 0xFFFFU;
        const uint32_t high = (uint32_t)(int8_t)(uint8_t)((right >> (8U * i)) & 0xFFU) << 16;
        to[(int32_t)i * strip] = low | high;
    }
}

/* The output at column x of three rows of a plane. */
static inline int8_t ek_dsp_plane_output(const uint32_t *rows, int32_t apart, int32_t x,
                                         const uint32_t *record, int32_t linear)
{
    uint32_t acc = record[3];
    for (int32_t fy = 0; fy < 3; fy++) {
        for (int32_t fx = 0; fx < 3; fx++) {
            const uint32_t word = rows[fy + (x + fx) / 2 * apart];
            const int32_t value = (x + fx) % 2 == 0 ? ek_dsp_low(word) : ek_dsp_high(word);
            const uint32_t weight = record[fy] >> (fx == 0 ? 0U : (fx == 1 ? 8U : 24U));
            acc += (uint32_t)(2 * value * (int8_t)(uint8_t)(weight & 0xFFU));
        }
    }
    uint32_t shift = 1;
    while (((record[5] >> (shift - 1U)) & 1U) == 0U) {
        shift++;
    }
    return ek_dsp_requantize((int32_t)acc, (int32_t)record[4], (int32_t)record[5], shift, linear);
}

/* Four channels of a strip. Unwanted second rows and columns come first and are overwritten. */
static inline void ek_dsp_planes(int8_t *out, const uint32_t *planes, const uint32_t *records,
                                 const ek_dsp_outputs *outputs, int32_t stride, int32_t linear)
{
    const int32_t rows = 2 * outputs->column / (8 * stride);
    for (int32_t channel = 0; channel < 4; channel++) {
        const uint32_t *plane = planes + channel * outputs->plane / 4;
        const uint32_t *record = records + channel * EK_DSP_RECORD;
        for (int32_t y = rows - 1; y >= 0; y--) {
            for (int32_t x = 2 * outputs->pairs - 1; x >= 0; x--) {
                const int32_t last = x / 2 + 1 == outputs->pairs;
                const int32_t at =
                    x / 2 * 2 * outputs->pitch + x % 2 * (last ? outputs->last_pitch : outputs->pitch);
                out[channel + y * outputs->row_pitch + at] =
                    ek_dsp_plane_output(plane + y * stride, outputs->words / 4, x * stride, record, linear);
            }
        }
    }
}

#define EK_DSP_PLANES(name, stride, linear)                                               \
    EK_DSP_STATIC void name(int8_t *out, const uint32_t *planes, const uint32_t *records, \
                            const ek_dsp_outputs *outputs)                                \
    {                                                                                     \
        ek_dsp_planes(out, planes, records, outputs, stride, linear);                     \
    }

EK_DSP_PLANES(ek_dsp_planes_1_relu, 1, 0)
EK_DSP_PLANES(ek_dsp_planes_1_linear, 1, 1)
EK_DSP_PLANES(ek_dsp_planes_2_relu, 2, 0)
EK_DSP_PLANES(ek_dsp_planes_2_linear, 2, 1)

#endif

/* How four channels of an image are spread into planes. */
typedef struct {
    int32_t strip;     /* rows of a plane */
    int32_t words;     /* of a plane row */
    int32_t width;     /* pixels of an input row */
    int32_t pad;       /* border columns before them, 0 or 1 */
    int32_t pitch;     /* bytes from a pixel to the next */
    int32_t row_pitch; /* bytes from an input row to the next */
    uint32_t border;   /* four zero points */
} ek_dsp_spread;

/* One column of words from two columns of pixels; a step of 0 repeats a border pixel. */
EK_INLINE void ek_dsp_spread_column(uint32_t *to, const ek_dsp_spread *s, const int8_t *left,
                                    int32_t left_step, const int8_t *right, int32_t right_step, int32_t rows)
{
    const int32_t strip = s->strip;
    for (; rows > 0; rows--) {
        ek_dsp_pair(to, strip, ek_load_word(left), ek_load_word(right));
        left += left_step;
        right += right_step;
        to++;
    }
}

/* `rows` rows from pixel 0 of the first one on, into the planes from row `to` on. */
EK_DSP_STATIC void ek_dsp_spread_rows(uint32_t *to, const int8_t *pixel, int32_t rows, const ek_dsp_spread *s)
{
    const int8_t *border = (const int8_t *)&s->border;
    int32_t words = s->words;
    int32_t width = s->width;
    if (s->pad != 0) {
        ek_dsp_spread_column(to, s, border, 0, pixel, s->row_pitch, rows);
        to += 4 * s->strip;
        pixel += s->pitch;
        width--;
        words--;
    }
    for (; words > 0 && width >= 2; words--) {
        ek_dsp_spread_column(to, s, pixel, s->row_pitch, pixel + s->pitch, s->row_pitch, rows);
        to += 4 * s->strip;
        pixel += 2 * s->pitch;
        width -= 2;
    }
    if (words > 0 && width == 1) {
        ek_dsp_spread_column(to, s, pixel, s->row_pitch, border, 0, rows);
        to += 4 * s->strip;
        words--;
    }
    for (; words > 0; words--) {
        ek_dsp_spread_column(to, s, border, 0, border, 0, rows);
        to += 4 * s->strip;
    }
}

/* A plane row of border. */
EK_DSP_STATIC void ek_dsp_spread_border(uint32_t *to, const ek_dsp_spread *s)
{
    for (int32_t word = 0; word < s->words; word++) {
        ek_dsp_pair(to, s->strip, s->border, s->border);
        to += 4 * s->strip;
    }
}

/* Input rows [top, top + rows) of an image of `height` rows, border outside it, into planes; `channel` is the
 * first of the four. */
EK_DSP_STATIC void ek_dsp_spread_strip(uint32_t *planes, const ek_in *in, int32_t channel, int32_t top,
                                       int32_t rows, int32_t height, const ek_dsp_spread *s)
{
    for (int32_t r = 0; r < rows;) {
        const int32_t iy = top + r;
        if (iy < 0 || iy >= height) {
            ek_dsp_spread_border(planes + r, s);
            r++;
        } else {
            const int32_t end = top + rows < height ? top + rows : height;
            const int32_t run = ek_dsp_run(in->rows, in->rows, iy, end);
            ek_dsp_spread_rows(planes + r, ek_in_row(in, iy) + channel, run, s);
            r += run;
        }
    }
}

#endif
