/* Micro-kernels for cores with the DSP extension (Cortex-M4, M7, M33, M55): dot products of an activation tile
 * with a packed filter stream, two output channels per filter word, and what surrounds them.
 *
 * Activations are held as 2*(x + 128) in 16-bit halves, so that an accumulator is twice the true sum and SMMULR
 * is exactly gemmlowp's doubling high multiply. The zero points are in the biases.
 *
 * A filter word holds two taps of two channels: each 16-bit half is 256*b + a, a the tap of the even channel, b of
 * the odd one. SXTB16 extracts both a; the word itself, multiplied as it is, yields 256*B + A, and B follows by one
 * subtraction and a shift at the end: one unpacking per two channels instead of two. Exact while |B| < 2^22. Layers with
 * larger sums are wide: a half is the byte of b above the byte of a, and both are unpacked.
 *
 * Every function has a C twin that reads the same packed data; it is what runs on hosts and what documents the
 * assembly. */
#ifndef EK_DSP_H
#define EK_DSP_H

#include <stdint.h>

#include "ek/attributes.h"
#include "ek/elements.h"
#include "ek/requantize.h"

/* What stays the same over a layer. Offsets of the members are known to the assembly. */
typedef struct {
    int32_t pitch;              /*  0: bytes from an output pixel to the next */
    int32_t steps;              /*  4: pairs of taps, even, at least 2 */
    const uint32_t *stream_end; /*  8 */
    int32_t linear;             /* 12: 0 if results below the zero point are clamped to it (ReLU), else 1 */
    int32_t zero;               /* 16: 2 * zero point + 1 */
    const uint32_t *stream;     /* whole pairs, up to stream_end; the pair of an odd last channel follows */
    int32_t channels;
} ek_dsp_layer;

/* Four elements of four pixels become eight words: elements 0 and 2 of pixels 0 to 3, then elements 1 and 3. */
typedef struct {
    int32_t pitch; /*  0: bytes from a pixel to the next */
    int32_t quads; /*  4: groups of four elements in a segment */
    int32_t rows;  /*  8: segments */
    int32_t gap;   /* 12: bytes from a segment to the next, less 4 * quads */
} ek_dsp_fill;

/* The taps of a depthwise filter. Its activations are halves as they are, its weights are doubled. */
typedef struct {
    int32_t pairs;              /*  0: pairs of taps */
    const uint32_t *stream_end; /*  4 */
    int32_t linear;             /*  8: as in ek_dsp_layer */
    int32_t channel;            /* 12: the first one */
    int32_t zero;               /* 16: as in ek_dsp_layer */
} ek_dsp_taps;

/* Words beside the taps of a pair of channels, and of a group of four. */
enum { EK_DSP_PAIR = 5, EK_DSP_GROUP = 9 };

#define EK_DSP_STATIC static __attribute__((unused, noinline))
#define EK_DSP_NAKED static __attribute__((unused, noinline, naked))
#define EK_DSP_REGISTER __attribute__((unused)) /* a parameter that only the assembly reads */

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#include "ek/dsp_asm.h"
#include "ek/dsp_row_asm.h"
#else
#include "ek/dsp_twin.h"
#endif

/* A layer of `channels` outputs of `taps` taps (a multiple of 4) each; `low` is the least output allowed. */
static inline ek_dsp_layer ek_dsp_layer_of(const uint32_t *stream, int32_t taps, int32_t channels,
                                           int32_t zero_point, int32_t low)
{
    const int32_t steps = taps / 2;
    const uint32_t *end = stream + (channels / 2) * (steps + EK_DSP_PAIR);
    const ek_dsp_layer layer = {channels, steps, end, low < zero_point, 2 * zero_point + 1, stream, channels};
    return layer;
}

/* Some pixels of a tile by the pairs of channels of the layer; `packed` is a literal. */
EK_INLINE void ek_dsp_pairs(int8_t *out, const uint32_t *tile, const ek_dsp_layer *layer, int32_t pixels,
                            int32_t packed)
{
    if (packed != 0 && pixels == 4) {
        ek_dsp_block_4(out, layer->stream, tile, layer);
    } else if (packed != 0) {
        ek_dsp_block_1(out, layer->stream, tile, layer);
    } else if (pixels == 4) {
        ek_dsp_wide_4(out, layer->stream, tile, layer);
    } else {
        ek_dsp_wide_1(out, layer->stream, tile, layer);
    }
}

/* Four pixels of a tile, or only its first one, by the last channel of an odd number: the other one of its pair is thrown
 * away. */
EK_INLINE void ek_dsp_odd_last(int8_t *out, const uint32_t *tile, const ek_dsp_layer *layer, int32_t pixels,
                               int32_t packed)
{
    int8_t pair[8];
    ek_dsp_layer single = *layer;
    single.pitch = 2;
    single.stream = layer->stream_end;
    single.stream_end = layer->stream_end + layer->steps + EK_DSP_PAIR;
    ek_dsp_pairs(pair, tile, &single, pixels, packed);
    for (int32_t i = 0; i < pixels; i++) {
        out[i * layer->pitch + layer->channels - 1] = pair[2 * i];
    }
}

EK_DSP_STATIC void ek_dsp_last_packed(int8_t *out, const uint32_t *tile, const ek_dsp_layer *layer,
                                      int32_t pixels)
{
    ek_dsp_odd_last(out, tile, layer, pixels, 1);
}

EK_DSP_STATIC void ek_dsp_last_wide(int8_t *out, const uint32_t *tile, const ek_dsp_layer *layer,
                                    int32_t pixels)
{
    ek_dsp_odd_last(out, tile, layer, pixels, 0);
}

/* Four pixels of a tile, or only its first one, by all channels of the layer; `packed` is a literal. */
EK_INLINE void ek_dsp_block(int8_t *out, const uint32_t *tile, const ek_dsp_layer *layer, int32_t pixels,
                            int32_t packed)
{
    if (layer->channels > 1) {
        ek_dsp_pairs(out, tile, layer, pixels, packed);
    }
    if ((layer->channels & 1) != 0 && packed != 0) {
        ek_dsp_last_packed(out, tile, layer, pixels);
    } else if ((layer->channels & 1) != 0) {
        ek_dsp_last_wide(out, tile, layer, pixels);
    }
}

/* The first `pixels` (1 to 3) pixels of a tile, one by one. */
EK_INLINE void ek_dsp_singles(int8_t *out, const uint32_t *tile, const ek_dsp_layer *layer, int32_t pixels,
                              int32_t packed)
{
    for (int32_t i = 0; i < pixels; i++) {
        ek_dsp_block(out + i * layer->pitch, tile + i, layer, 1, packed);
    }
}

/* One pixel or four into the slots of a tile. */
EK_INLINE void ek_dsp_fill_n(uint32_t *slot, const int8_t *pixel, const ek_dsp_fill *layout, int32_t pixels)
{
    if (pixels == 4) {
        ek_dsp_fill_4(slot, pixel, layout);
    } else {
        ek_dsp_fill_1(slot, pixel, layout);
    }
}

/* The last `kept` (1 or 2) of the four pixels in a tile of so many words become its first ones. */
EK_DSP_STATIC void ek_dsp_keep(uint32_t *tile, int32_t words, int32_t kept)
{
    for (int32_t i = 0; i < words; i += 4) {
        tile[i] = tile[i + 4 - kept];
        tile[i + 1] = tile[i + 3];
    }
}

/* Sums of four channels in 16-bit halves: of channels 0 and 2, and of 1 and 3. */
typedef struct {
    uint32_t even;
    uint32_t odd;
} ek_dsp_sums;

/* Adds so many pixels, `pitch` bytes apart, to the sums of four channels. */
EK_INLINE void ek_dsp_add_pixels(ek_dsp_sums *sums, const int8_t *pixel, int32_t pixels, int32_t pitch)
{
    uint32_t even = sums->even;
    uint32_t odd = sums->odd;
    for (; pixels >= 4; pixels -= 4) {
        const int8_t *third = pixel + 2 * pitch;
        const uint32_t words[4] = {ek_load_word(pixel), ek_load_word(pixel + pitch), ek_load_word(third),
                                   ek_load_word(third + pitch)};
        ek_dsp_add_bytes(&even, &odd, words[0]);
        ek_dsp_add_bytes(&even, &odd, words[1]);
        ek_dsp_add_bytes(&even, &odd, words[2]);
        ek_dsp_add_bytes(&even, &odd, words[3]);
        pixel = third + 2 * pitch;
    }
    for (; pixels > 0; pixels--) {
        ek_dsp_add_bytes(&even, &odd, ek_load_word(pixel));
        pixel += pitch;
    }
    sums->even = even;
    sums->odd = odd;
}

/* Sums of `count` pixels to four means, rounded half away from zero (the division truncates). */
EK_DSP_STATIC void ek_dsp_means(int8_t *out, ek_dsp_sums sums, int32_t count, int32_t low, int32_t high)
{
    for (int32_t i = 0; i < 4; i++) {
        const uint32_t halves = (i & 1) == 0 ? sums.even : sums.odd;
        const int32_t sum = (int16_t)(uint16_t)((halves >> (8 * (i & 2))) & 0xFFFFU);
        const int32_t half = count / 2;
        out[i] = (int8_t)ek_clamp((sum + (sum > 0 ? half : -half)) / count, low, high);
    }
}

/* How many rows from y on, up to end, follow each other in memory in rings of in_rows and out_rows rows. */
static inline int32_t ek_dsp_run(int32_t in_rows, int32_t out_rows, int32_t y, int32_t end)
{
    const int32_t in_left = in_rows - y % in_rows;
    const int32_t out_left = out_rows - y % out_rows;
    const int32_t left = in_left < out_left ? in_left : out_left;
    return left < end - y ? left : end - y;
}

/* Fills with one int8 value. */
static inline void ek_dsp_set(int8_t *to, int32_t value, int32_t bytes)
{
    ek_fill(to, (int32_t)(((uint32_t)value & 0xFFU) * 0x01010101U), bytes);
}

/* Limits what the micro-kernels have limited to int8 only. */
EK_DSP_STATIC void ek_dsp_clamp(int8_t *values, int32_t count, int32_t low, int32_t high)
{
    if (low == INT8_MIN && high == INT8_MAX) {
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        values[i] = (int8_t)ek_clamp(values[i], low, high);
    }
}

#endif
