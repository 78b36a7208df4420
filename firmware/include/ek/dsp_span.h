/* Depthwise 3x3 on cores with the DSP extension, for bands of few rows: one or two outputs beside each other by four
 * channels, straight from the pixels under them. Nothing is spread out first, so a row costs the same in any band. */
#ifndef EK_DSP_SPAN_H
#define EK_DSP_SPAN_H

#include <stdint.h>

#include "ek/dsp.h"

/* Words of four channels: biases; per filter row (w0, w1) of each, then (w1, w2) of each; two multipliers, the four
 * shifts less one, two multipliers. Weights are doubled, so accumulators are twice the true sums. */
enum { EK_DSP_SPAN_GROUP = 4 + 24 + 5 };

/* Pixels under two outputs: four of each of three input rows. */
enum { EK_DSP_SPAN_PIXELS = 12 };

typedef struct {
    const uint32_t *stream_end; /*  0 */
    int32_t linear;             /*  4: as in ek_dsp_layer */
    int32_t channel;            /*  8: the first one */
    int32_t zero;               /* 12: as in ek_dsp_layer */
    int32_t pitch;              /* 16: bytes from an output to the next one */
} ek_dsp_span;

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#include "ek/dsp_span_asm.h"
#else
#include "ek/dsp_span_twin.h"
#endif

/* The addresses of the pixels under the outputs from column `left` of the input on; `rows` are the first pixels of the
 * three rows, `border` where they are outside of the image, which is `width` pixels of `pitch` bytes wide. */
EK_DSP_STATIC void ek_dsp_span_pixels(const int8_t **pixels, const int8_t *const *rows, int32_t left,
                                      int32_t width, int32_t pitch, const int8_t *border)
{
    const int32_t inside = left >= 0 && left + 4 <= width;
    for (int32_t fy = 0; fy < 3; fy++) {
        if (rows[fy] != border && inside != 0) {
            const int8_t *pixel = rows[fy] + left * pitch;
            pixels[0] = pixel;
            pixels[1] = pixel + pitch;
            pixels[2] = pixel + 2 * pitch;
            pixels[3] = pixel + 3 * pitch;
        } else {
            for (int32_t x = 0; x < 4; x++) {
                const int32_t ix = left + x;
                const int32_t seen = rows[fy] != border && ix >= 0 && ix < width;
                pixels[x] = seen != 0 ? rows[fy] + ix * pitch : border;
            }
        }
        pixels += 4;
    }
}

#endif
