/* The micro-kernels of ek/dsp_span.h in C, which includes this file: the same results from the same data. */
#ifndef EK_DSP_SPAN_TWIN_H
#define EK_DSP_SPAN_TWIN_H

/* `outputs` outputs beside each other, whole groups of four channels. */
static inline void ek_dsp_span_n(int8_t *out, const uint32_t *stream, const int8_t *const *pixels,
                                 const ek_dsp_span *s, int32_t outputs)
{
    int32_t channel = s->channel;
    while (stream != s->stream_end) {
        const uint32_t *record = stream + 28;
        for (int32_t i = 0; i < 4; i++) {
            for (int32_t x = 0; x < outputs; x++) {
                uint32_t acc = stream[i];
                for (int32_t fy = 0; fy < 3; fy++) {
                    const uint32_t first = stream[4 + 8 * fy + i];
                    const int32_t last = ek_dsp_high(stream[8 + 8 * fy + i]);
                    const int8_t *const *under = pixels + 4 * fy + x;
                    acc += (uint32_t)(under[0][channel + i] * ek_dsp_low(first));
                    acc += (uint32_t)(under[1][channel + i] * ek_dsp_high(first));
                    acc += (uint32_t)(under[2][channel + i] * last);
                }
                const uint32_t multiplier = record[i < 2 ? i : i + 1];
                out[x * s->pitch + i] =
                    ek_dsp_finish(acc, multiplier, record[2] >> (8 * i), s->zero, s->linear);
            }
        }
        stream = record + 5;
        channel += 4;
        out += 4;
    }
}

EK_DSP_STATIC void ek_dsp_span_2(int8_t *out, const uint32_t *stream, const int8_t *const *pixels,
                                 const ek_dsp_span *s)
{
    ek_dsp_span_n(out, stream, pixels, s, 2);
}

EK_DSP_STATIC void ek_dsp_span_1(int8_t *out, const uint32_t *stream, const int8_t *const *pixels,
                                 const ek_dsp_span *s)
{
    ek_dsp_span_n(out, stream, pixels, s, 1);
}

#endif
