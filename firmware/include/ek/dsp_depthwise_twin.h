/* The micro-kernels of ek/dsp_depthwise.h in C, which includes this file: the same results from the same data. */
#ifndef EK_DSP_DEPTHWISE_TWIN_H
#define EK_DSP_DEPTHWISE_TWIN_H

/* Two pixels of four channels as halves, one word a channel. */
static inline void ek_dsp_pair(uint32_t *to, int32_t strip, uint32_t left, uint32_t right)
{
    for (uint32_t i = 0; i < 4U; i++) {
        const uint32_t low = (uint32_t)(int8_t)(uint8_t)((left >> (8U * i)) & 0xFFU) & 0xFFFFU;
        const uint32_t high = (uint32_t)(int8_t)(uint8_t)((right >> (8U * i)) & 0xFFU) << 16;
        to[(int32_t)i * strip] = low | high;
    }
}

/* Columns of plane words from two columns of pixels each; a step of 0 repeats a border pixel. */
static inline void ek_dsp_spread_columns(uint32_t *to, const ek_dsp_spread *s, const int8_t *left,
                                         int32_t left_step, const int8_t *right, int32_t right_step,
                                         int32_t rows)
{
    for (int32_t r = 0; r < rows; r++) {
        ek_dsp_pair(to + r, s->plane / 4, ek_load_word(left + r * left_step),
                    ek_load_word(right + r * right_step));
    }
}

EK_DSP_STATIC void ek_dsp_spread_inner(uint32_t *to, const int8_t *pixel, const ek_dsp_spread *s,
                                       int32_t row_pairs, int32_t columns)
{
    for (int32_t i = 0; i < columns; i++) {
        ek_dsp_spread_columns(to + i * s->plane, s, pixel, s->row_pitch, pixel + s->pitch, s->row_pitch,
                              2 * row_pairs);
        pixel += 2 * s->pitch;
    }
}

EK_DSP_STATIC void ek_dsp_spread_left(uint32_t *to, const int8_t *pixel, const ek_dsp_spread *s,
                                      int32_t row_pairs, int32_t columns)
{
    (void)columns;
    ek_dsp_spread_columns(to, s, (const int8_t *)&s->border, 0, pixel, s->row_pitch, 2 * row_pairs);
}

EK_DSP_STATIC void ek_dsp_spread_right(uint32_t *to, const int8_t *pixel, const ek_dsp_spread *s,
                                       int32_t row_pairs, int32_t columns)
{
    (void)columns;
    ek_dsp_spread_columns(to, s, pixel, s->row_pitch, (const int8_t *)&s->border, 0, 2 * row_pairs);
}

/* The output at column x of three rows of a plane. */
static inline int8_t ek_dsp_plane_output(const uint32_t *rows, int32_t apart, int32_t x,
                                         const uint32_t *record, int32_t zero, int32_t linear)
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
    return ek_dsp_finish(acc, record[4], record[2] >> 16, zero, linear);
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
                out[channel + y * outputs->row_pitch + at] = ek_dsp_plane_output(
                    plane + y * stride, outputs->words / 4, x * stride, record, outputs->zero, linear);
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
