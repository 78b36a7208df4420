/* Micro-kernels for cores that have one multiply, MULS 32x32->32, and nothing wider (Cortex-M0+; M3 as well).
 *
 * A word of a tile is the sum of one pixel's element and 2^16 times another's, both as they are in memory; times a
 * weight it makes two products at once. Four taps make a run. A weight of the stream is a byte, weight + 128; all
 * sums are linear modulo 2^32, so that a run may start from what the 128s add: a run of a tile begins with
 * 2^15 - 128 * (sum of its words), one word per pair of pixels. The low half of a run's sum then lies in [0, 2^16)
 * and the high half is exact, because the packer keeps the weights of a run below 256 in total magnitude; what it cuts
 * off a weight follows as a patch.
 *
 * Of a pair of pixels two sums over all runs are kept, U of the words and H of their high halves: the second pixel's
 * sum is H, the first one's U - 2^16 * H.
 *
 * A channel of a stream: the weights of its runs; (bias << 8) + right shift; multiplier, bit 31 set if a patch
 * follows; patches: (offset in the tile << 8) + difference, bit 31 set if another one follows.
 *
 * Requantisation is exact: sums lie below 2^20 (or saturate the output beyond), so floor(sum * multiplier / 2^22)
 * follows from three products by the multiplier's bits 0-10, 11-21 and 22-30, and both roundings of
 * ek_requantize are one addition and one shift of that. */
#ifndef EK_THUMB_H
#define EK_THUMB_H

#include <stdint.h>

#include "ek/attributes.h"
#include "ek/elements.h"
#include "ek/rows.h"

#define EK_THUMB_RUN 40 /* bytes of a run in a tile: two starts, four words of each pair of pixels */

/* What stays the same over a layer. Offsets of the members are known to the assembly. */
typedef struct {
    int32_t pitch[3];           /*  0: bytes from the first output pixel to the second, and so on */
    const uint32_t *stream_end; /* 12 */
    int32_t runs;               /* 16 */
    int32_t zero;               /* 20: 512 * (zero point + 128) + 256 */
    const uint32_t *stream;
} ek_thumb_layer;

#define EK_THUMB_STATIC static __attribute__((unused, noinline))
#define EK_THUMB_NAKED static __attribute__((unused, noinline, naked))
#define EK_THUMB_REGISTER __attribute__((unused)) /* a parameter that only the assembly reads */

/* word / 2^bits, rounded down. */
static inline int32_t ek_thumb_asr(uint32_t word, uint32_t bits)
{
    return (int32_t)word >> bits;
}

/* An accumulator to int8. */
static inline int8_t ek_thumb_requantize(int32_t acc, uint32_t multiplier, uint32_t shift, int32_t zero,
                                         int32_t relu)
{
    if ((relu != 0) && (acc < 0)) {
        return -128;
    }
    if (acc >= (1 << 20) || acc < -(1 << 20)) {
        return acc < 0 ? -128 : 127;
    }
    const uint32_t x = (uint32_t)acc;
    const uint32_t low = (uint32_t)ek_thumb_asr(x * (multiplier & 0x7FFU), 11);
    const uint32_t middle = (uint32_t)ek_thumb_asr(low + x * ((multiplier >> 11) & 0x7FFU), 11);
    const uint32_t product = middle + x * ((multiplier >> 22) & 0x1FFU);
    const uint32_t rounding = ((uint32_t)zero << shift) + 256U - (acc < 0 ? 512U : 0U);
    const int32_t result = ek_thumb_asr(product + rounding, shift + 9U);
    return (int8_t)((result < 0 ? 0 : (result > 255 ? 255 : result)) - 128);
}

/* acc * multiplier / 2^30, rounded down, of an acc within +-2^28 and a multiplier of 31 bits. */
static inline int32_t ek_thumb_product(int32_t acc, int32_t multiplier)
{
#if defined(__thumb2__) /* multiplies to 64 bits */
    return (int32_t)(((int64_t)acc * multiplier) >> 30);
#else
    const int32_t high = acc >> 14;
    const int32_t low = acc & 0x3FFF;
    const int32_t multiplier_high = multiplier >> 16;
    const int32_t multiplier_low = multiplier & 0xFFFF;
    const int32_t lower = high * multiplier_low + ((low * multiplier_low) >> 14);
    return high * multiplier_high + ((low * multiplier_high + (lower >> 2)) >> 14);
#endif
}

#if defined(__thumb__)
#include "ek/thumb_asm.h"
#else
#include "ek/thumb_twin.h"
#endif

/* A tile from four pixels (patches of elements side by side) of 4 * runs elements. */
static inline void ek_thumb_fill(uint32_t *tile, const int8_t *const *pixels, int32_t runs)
{
    ek_thumb_fill_pair(tile, pixels[0], pixels[1], runs);
    ek_thumb_fill_pair(tile + 1, pixels[2], pixels[3], runs);
}

/* The layer of a packed stream, whose first word is the number of words that follow. */
static inline ek_thumb_layer ek_thumb_layer_of(const uint32_t *stream, int32_t runs, int32_t zero_point)
{
    const ek_thumb_layer layer = {
        {0, 0, 0}, stream + 1 + stream[0], runs, 512 * (zero_point + 128) + 256, stream + 1};
    return layer;
}

/* All channels of four pixels; `relu`: the zero point is the lowest result. */
static inline void ek_thumb_block(int8_t *out, const uint32_t *tile, const ek_thumb_layer *layer,
                                  int32_t relu)
{
    if (relu != 0) {
        ek_thumb_block_relu(out, layer->stream, tile, layer);
    } else {
        ek_thumb_block_linear(out, layer->stream, tile, layer);
    }
}

/* Limits what the micro-kernels have limited to int8 only. */
EK_THUMB_STATIC void ek_thumb_clamp(int8_t *values, int32_t count, int32_t low, int32_t high)
{
    if (low == INT8_MIN && high == INT8_MAX) {
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        const int32_t value = values[i];
        values[i] = (int8_t)(value < low ? low : (value > high ? high : value));
    }
}

/* How many rows from y on, up to end, follow each other in memory in rings of in_rows and out_rows rows. */
static inline int32_t ek_thumb_rows(int32_t in_rows, int32_t out_rows, int32_t y, int32_t end)
{
    int32_t in_y = y;
    int32_t out_y = y;
    while (in_y >= in_rows) {
        in_y -= in_rows;
    }
    while (out_y >= out_rows) {
        out_y -= out_rows;
    }
    const int32_t in_left = in_rows - in_y;
    const int32_t out_left = out_rows - out_y;
    const int32_t left = in_left < out_left ? in_left : out_left;
    return left < end - y ? left : end - y;
}

#endif
