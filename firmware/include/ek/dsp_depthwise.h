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

/* Words of a channel: three of weights (w0, w1, w1, w2), the third with the shift less one in place of its second w1,
 * bias, multiplier. */
#define EK_DSP_RECORD 5

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
    int32_t zero;  /* 32: 2 * zero point + 1 */
} ek_dsp_outputs;

/* How four channels of an image are spread into planes. */
typedef struct {
    int32_t plane;     /*  0: bytes from a channel's plane to the next: 4 * rows of the strip */
    int32_t pitch;     /*  4: bytes from a pixel to the next */
    int32_t row_pitch; /*  8: bytes from an input row to the next; set by ek_dsp_spread_strip */
    uint32_t border;   /* 12: four zero points */
    int32_t words;     /* of a plane row */
    int32_t width;     /* pixels of an input row */
    int32_t pad;       /* border columns before them, 0 or 1 */
} ek_dsp_spread;

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#include "ek/dsp_depthwise_asm.h"
#else
#include "ek/dsp_depthwise_twin.h"
#endif

/* One row from pixel 0 on. */
EK_DSP_STATIC void ek_dsp_spread_row(uint32_t *to, const int8_t *pixel, const ek_dsp_spread *s)
{
    const int32_t plane = s->plane / 4;
    int32_t width = s->width;
    int32_t words = s->words;
    if (s->pad != 0) {
        ek_dsp_pair(to, plane, s->border, ek_load_word(pixel));
        to += s->plane;
        pixel += s->pitch;
        width--;
        words--;
    }
    for (; words > 0 && width >= 2; words--) {
        ek_dsp_pair(to, plane, ek_load_word(pixel), ek_load_word(pixel + s->pitch));
        to += s->plane;
        pixel += 2 * s->pitch;
        width -= 2;
    }
    if (words > 0 && width == 1) {
        ek_dsp_pair(to, plane, ek_load_word(pixel), s->border);
    }
}

/* `rows` rows from pixel 0 of the first one on, into the planes from row `to` on. */
EK_DSP_STATIC void ek_dsp_spread_rows(uint32_t *to, const int8_t *pixel, int32_t rows, const ek_dsp_spread *s)
{
    const int32_t row_pairs = rows / 2;
    if (rows % 2 != 0) {
        ek_dsp_spread_row(to + rows - 1, pixel + (rows - 1) * s->row_pitch, s);
    }
    if (row_pairs > 0) {
        int32_t words = s->words;
        int32_t width = s->width;
        if (s->pad != 0) {
            ek_dsp_spread_left(to, pixel, s, row_pairs, 1);
            to += s->plane;
            pixel += s->pitch;
            width--;
            words--;
        }
        const int32_t columns = width / 2 < words ? width / 2 : words;
        if (columns > 0) {
            ek_dsp_spread_inner(to, pixel, s, row_pairs, columns);
            to += columns * s->plane;
            pixel += 2 * columns * s->pitch;
            words -= columns;
        }
        if (words > 0 && width % 2 != 0) {
            ek_dsp_spread_right(to, pixel, s, row_pairs, 1);
        }
    }
}

/* Border in `rows` plane rows, from word `first` on. */
EK_DSP_STATIC void ek_dsp_spread_border(uint32_t *to, const ek_dsp_spread *s, int32_t first, int32_t rows)
{
    for (int32_t word = first; word < s->words; word++) {
        for (int32_t r = 0; r < rows; r++) {
            ek_dsp_pair(to + word * s->plane + r, s->plane / 4, s->border, s->border);
        }
    }
}

/* Input rows [top, top + rows) of an image of `height` rows into planes; `channel` is the first of the four. What lies
 * outside the image stays as it is unless `border` says that it is to be written. */
EK_DSP_STATIC void ek_dsp_spread_strip(uint32_t *planes, const ek_in *in, int32_t channel, int32_t top,
                                       int32_t rows, int32_t height, ek_dsp_spread *s, int32_t border)
{
    const int32_t before = top < 0 ? -top : 0;
    const int32_t end = top + rows < height ? top + rows : height;
    if (border != 0) {
        const int32_t filled = end - top > before ? end - top : before;
        ek_dsp_spread_border(planes, s, 0, before);
        ek_dsp_spread_border(planes + filled, s, 0, rows - filled);
        ek_dsp_spread_border(planes, s, (s->pad + s->width + 1) / 2, rows);
    }
    for (int32_t iy = top + before; iy < end;) {
        const int8_t *row = ek_in_row(in, iy);
        int32_t run = ek_dsp_run(in->rows, in->rows, iy, end);
        s->row_pitch = in->pitch;
        if (run == 1 && end - iy > 1) {
            /* The last row of the ring and its first one: a pair as any other. */
            run = 2;
            s->row_pitch = (int32_t)(ek_in_row(in, iy + 1) - row);
        } else if (run > 1 && iy + run < end) {
            run -= run % 2;
        }
        ek_dsp_spread_rows(planes + (iy - top), row + channel, run, s);
        iy += run;
    }
}

#endif
