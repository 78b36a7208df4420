/* 3x3 convolutions of stride one by Winograd's F(2x2, 3x3) in integers, for cores with the DSP extension: 16 products
 * instead of 36 for four outputs of a channel.
 *
 * A tile is 4x4 inputs d and gives 2x2 outputs. With the matrices of Lavin and Gray (Fast Algorithms for Convolutional
 * Neural Networks, 2015) it is transformed to V = B' d B: sums of four int8 values, within +-512. The filter is
 * transformed at compile time, by G over its rows and 2G over its columns, G without its halves: U = G g (2G)',
 * within +-1152. So all are integers of 16 bits; the missing halves are made good for by one exact division by two.
 *
 * Why it is exact. M = sum over the channels of U * V is taken modulo 2^32. Over the columns Z = M A is exact modulo
 * 2^32 and is twice the true value. Over the rows the outputs are Z0 + (Z1 + Z2) / 2 and (Z1 - Z2) / 2 - Z3; Z1 + Z2
 * and Z1 - Z2 are, with four times the bias, four times the sum that the filter has over a patch of rows (d2, d1, d2) or
 * (d1, d2, d1). Such a patch is an input like any other, so that both are below 2^31 if every sum of the layer is
 * below 2^29, which is known when the kernel is chosen; both are even, and their halves exact. The result is twice the
 * sum, as the requantisation wants it. */
#ifndef EK_DSP_WINOGRAD_H
#define EK_DSP_WINOGRAD_H

#include <stdint.h>

#include "ek/dsp.h"
#include "ek/elements.h"

/* Tiles are done four at a time: 4x10 inputs, 2x8 outputs of every channel. */
enum { EK_DSP_WINOGRAD_COLUMNS = 10, EK_DSP_WINOGRAD_WORK = 80 };

/* The transformed input lies at [position][pair of channels][tile], a word of two halves each. After the words of a
 * position stand a mark and its eight sums: four tiles of an even output channel, four of the odd one. The mark tells
 * the end of the words: no two halves within +-512 overflow when the word is doubled, as both marks do. */
typedef struct {
    int32_t pairs;              /*  0: of input channels, even */
    int32_t zero;               /*  4: 2 * zero point + 1 */
    const uint32_t *stream;     /*  8: per pair of output channels 16 positions of `pairs` words each */
    const uint32_t *stream_end; /* 12 */
    int32_t position;           /* 16: bytes from a position to the next: 16 * pairs + 36 */
    int32_t pitch;              /* 20: bytes from an input pixel to the next */
} ek_dsp_winograd;

/* Words of the record that follows a pair's positions: four times the bias, multiplier and shift less one of each. */
enum { EK_DSP_WINOGRAD_RECORD = 6 };

/* The image that a tile is cut from. */
typedef struct {
    int32_t width;
    int32_t channels;
    int32_t zero_point;
} ek_dsp_image;

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#include "ek/dsp_winograd_asm.h"
#else
#include "ek/dsp_winograd_twin.h"
#endif

/* A layer, and the marks in its tiles; in_c is a multiple of 4, out_c of 2. */
EK_DSP_STATIC ek_dsp_winograd ek_dsp_winograd_of(uint32_t *tile, const uint32_t *stream, int32_t in_c,
                                                 int32_t out_c, int32_t zero_point)
{
    const int32_t pairs = in_c / 2;
    const int32_t words = 4 * pairs + 9;
    const uint32_t *end = stream + (out_c / 2) * (32 * pairs + EK_DSP_WINOGRAD_RECORD);
    const ek_dsp_winograd layer = {pairs, 2 * zero_point + 1, stream, end, 4 * words, in_c};
    for (int32_t i = 0; i < 16; i++) {
        tile[i * words + 4 * pairs] = i < 15 ? 0x7F000000U : 0x80000000U;
    }
    return layer;
}

/* Ten pixels of a row from column x on, where they lie or, if some are border, staged; `inside` is 0 for rows that are
 * all border. */
EK_DSP_STATIC const int8_t *ek_dsp_winograd_row(int8_t *stage, const int8_t *row, int32_t inside, int32_t x,
                                                const ek_dsp_image *image)
{
    const int32_t columns = EK_DSP_WINOGRAD_COLUMNS;
    if (inside != 0 && x >= 0 && x + columns <= image->width) {
        return row + x * image->channels;
    }
    const int32_t first = x < 0 ? -x : 0;
    const int32_t rest = image->width - x < columns ? image->width - x : columns;
    const int32_t last = inside != 0 ? rest : first;
    ek_dsp_set(stage, image->zero_point, first * image->channels);
    ek_copy(stage + first * image->channels, row + (x + first) * image->channels,
            (last - first) * image->channels);
    ek_dsp_set(stage + last * image->channels, image->zero_point, (columns - last) * image->channels);
    return stage;
}

#endif
