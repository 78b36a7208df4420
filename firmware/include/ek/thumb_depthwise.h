/* Depthwise convolution and matrix products on cores with one narrow multiply: a channel of a strip of rows is spread
 * into words, column by column, so that any tap of four outputs below each other is four words side by side. With
 * a row stride s a column is s runs of rows, row y in run y mod s. */
#ifndef EK_THUMB_DEPTHWISE_H
#define EK_THUMB_DEPTHWISE_H

#include <stdint.h>

#include "ek/attributes.h"
#include "ek/rows.h"

/* A tap of the table: where its words lie from a block's first word on, and its weight. */
typedef struct {
    uint32_t offset; /* bytes */
    int32_t weight;
} ek_thumb_tap;

/* A channel. Offsets of the members are known to the assembly. Results are stored from the last row of a block to the
 * first one, so that rows that do not exist may lie where the last existing one does. */
typedef struct {
    uint32_t rounding;       /*  0 */
    uint32_t low;            /*  4: bits 0-10 of the multiplier */
    uint32_t middle;         /*  8: bits 11-21 */
    uint32_t high;           /* 12: bits 22-30 */
    uint32_t shift;          /* 16 */
    int32_t pitch[3];        /* 20: bytes from a block's last row to the one before, and so on */
    int32_t next;            /* 32: bytes from a block's first row to the next block's last one */
    int32_t bias;            /* 36 */
    const ek_thumb_tap *tap; /* 40: a multiple of three taps */
    const ek_thumb_tap *end; /* 44 */
} ek_thumb_channel;

#if defined(__thumb__)
#include "ek/thumb_depthwise_asm.h"
#else
#include "ek/thumb_depthwise_twin.h"
#endif

/* The requantisation of a channel from its record (ek/thumb.h). */
static inline void ek_thumb_record(ek_thumb_channel *channel, const uint32_t *record, int32_t zero_point)
{
    const uint32_t shift = record[0] & 0xFFU;
    const uint32_t zero = (uint32_t)(512 * (zero_point + 128) + 256);
    channel->rounding = (zero << shift) + 256U;
    channel->low = record[1] & 0x7FFU;
    channel->middle = (record[1] >> 11) & 0x7FFU;
    channel->high = record[1] >> 22;
    channel->shift = shift + 9U;
    channel->bias = (int32_t)record[0] >> 8;
}

/* `blocks` blocks of four outputs; `relu`: the zero point is the lowest result. */
static inline void ek_thumb_blocks(int8_t *last, const uint32_t *plane, const ek_thumb_channel *channel,
                                   int32_t blocks, int32_t relu)
{
    if (relu != 0) {
        ek_thumb_blocks_relu(last, plane, channel, blocks);
    } else {
        ek_thumb_blocks_linear(last, plane, channel, blocks);
    }
}

/* How a strip lies. Distances in words. */
typedef struct {
    int32_t run;      /* from a run of rows to the next; a column has stride_h of them */
    int32_t stride_h; /* of the outputs */
    int32_t columns;
    int32_t pad_left;
    int32_t width;  /* pixels of an input row */
    int32_t height; /* rows of the input */
    int32_t channels;
    int32_t zero; /* the zero point, for what lies outside */
} ek_thumb_strip;

/* One channel of input rows [top, top + rows) into words. */
EK_THUMB_STATIC void ek_thumb_spread(uint32_t *words, const ek_in *in, int32_t channel, int32_t top,
                                     int32_t rows, const ek_thumb_strip *s)
{
    const int32_t whole = in->rows >= s->height;
    const int32_t step = s->stride_h * in->pitch;
    for (int32_t run = 0; run < s->stride_h; run++) {
        /* Rows outside[0] before the image, inside, and outside[1] after it. */
        int32_t y = top + run;
        int32_t outside[2] = {0, 0};
        int32_t inside = 0;
        for (; y < top + rows; y += s->stride_h) {
            inside += (y >= 0 && y < s->height) ? 1 : 0;
            outside[0] += y < 0 ? 1 : 0;
            outside[1] += y >= s->height ? 1 : 0;
        }
        const int32_t first = top + run + outside[0] * s->stride_h;
        for (int32_t column = 0; column < s->columns; column++) {
            uint32_t *to = words + (column * s->stride_h + run) * s->run;
            const int32_t ix = column - s->pad_left;
            if (ix < 0 || ix >= s->width) {
                ek_fill((int8_t *)to, s->zero, 4 * (outside[0] + inside + outside[1]));
                continue;
            }
            const int32_t offset = ix * s->channels + channel;
            ek_fill((int8_t *)to, s->zero, 4 * outside[0]);
            to += outside[0];
            if (whole && inside > 0) {
                ek_thumb_column(to, in->base + first * in->pitch + offset, step, inside);
            } else {
                for (int32_t i = 0; i < inside; i++) {
                    ek_thumb_column(to + i, ek_in_row(in, first + i * s->stride_h) + offset, step, 1);
                }
            }
            ek_fill((int8_t *)(to + inside), s->zero, 4 * outside[1]);
        }
    }
}

#endif
