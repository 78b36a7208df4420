/* The micro-kernels of ek/dsp.h in C, which includes this file: the same results from the same packed data. */
#ifndef EK_DSP_TWIN_H
#define EK_DSP_TWIN_H

/* The 16-bit halves of a word. */
static inline int32_t ek_dsp_low(uint32_t word)
{
    return (int32_t)(int16_t)(uint16_t)(word & 0xFFFFU);
}

static inline int32_t ek_dsp_high(uint32_t word)
{
    return (int32_t)(int16_t)(uint16_t)(word >> 16);
}

/* acc + sum of the products of the halves of a and w; wraps. */
static inline uint32_t ek_dsp_smlad(uint32_t a, uint32_t w, uint32_t acc)
{
    return acc + (uint32_t)(ek_dsp_low(a) * ek_dsp_low(w)) + (uint32_t)(ek_dsp_high(a) * ek_dsp_high(w));
}

/* The sign-extended bytes 0 and 2 as halves. */
static inline uint32_t ek_dsp_sxtb16(uint32_t w)
{
    const uint32_t low = (uint32_t)(int32_t)(int8_t)(uint8_t)(w & 0xFFU) & 0xFFFFU;
    const uint32_t high = (uint32_t)(int32_t)(int8_t)(uint8_t)((w >> 16) & 0xFFU);
    return low | (high << 16);
}

/* Twice an accumulator to int8. */
static inline int8_t ek_dsp_requantize(int32_t twice, int32_t value, int32_t rounding, uint32_t shift,
                                       int32_t linear)
{
    const int32_t high = (int32_t)(((int64_t)twice * value + (1LL << 31)) >> 32);
    const int32_t sum = high + rounding - ((linear != 0) && (twice < 0) ? 1 : 0);
    const int32_t result = sum >> shift;
    return (int8_t)(result < -128 ? -128 : (result > 127 ? 127 : result));
}

/* Four times `fours` sums: table[fine] + or - coarse * 2^20, twice, to int8. */
static inline void ek_dsp_add_fours(int8_t *out, const int8_t *fine, const int8_t *coarse, int32_t fours,
                                    const int32_t *table, int32_t value, int32_t rounding, uint32_t shift,
                                    int32_t subtract, int32_t linear)
{
    const int32_t factor = subtract != 0 ? -(1 << 20) : 1 << 20;
    for (int32_t i = 0; i < 4 * fours; i++) {
        const int32_t twice = table[(uint8_t)fine[i]] + coarse[i] * factor;
        out[i] = ek_dsp_requantize(twice, value, rounding, shift, linear);
    }
}

/* Adds the signed bytes 0 and 2 of a word to the halves of `even`, 1 and 3 to those of `odd`. */
static inline void ek_dsp_add_bytes(uint32_t *even, uint32_t *odd, uint32_t word)
{
    const uint32_t first = ek_dsp_sxtb16(word);
    const uint32_t second = ek_dsp_sxtb16(word >> 8);
    *even = ((*even + first) & 0xFFFFU) | (((*even >> 16) + (first >> 16)) << 16);
    *odd = ((*odd + second) & 0xFFFFU) | (((*odd >> 16) + (second >> 16)) << 16);
}

/* The larger and the smaller of each two signed bytes. */
static inline uint32_t ek_dsp_max_bytes(uint32_t a, uint32_t b)
{
    uint32_t result = 0;
    for (uint32_t shift = 0; shift < 32U; shift += 8U) {
        const int8_t x = (int8_t)(uint8_t)(a >> shift);
        const int8_t y = (int8_t)(uint8_t)(b >> shift);
        result |= (uint32_t)(uint8_t)(x > y ? x : y) << shift;
    }
    return result;
}

static inline uint32_t ek_dsp_min_bytes(uint32_t a, uint32_t b)
{
    return ~ek_dsp_max_bytes(~a, ~b);
}

/* Twice an accumulator to int8 as the micro-kernels do it: `shift` is one less than the right shift, `zero`
 * 2*zero_point + 1. */
static inline int8_t ek_dsp_finish(uint32_t twice, uint32_t multiplier, uint32_t shift, int32_t zero,
                                   int32_t linear)
{
    const int32_t rounding = (int32_t)((uint32_t)zero << (shift & 0xFFU));
    return ek_dsp_requantize((int32_t)twice, (int32_t)multiplier, rounding, (shift & 0xFFU) + 1U, linear);
}

/* The odd channel's accumulator of a pair. */
static inline uint32_t ek_dsp_split(uint32_t even, uint32_t odd, int32_t packed)
{
    return packed != 0 ? (uint32_t)((int32_t)(odd - even) >> 8) : odd;
}

/* What the odd channel's accumulator is multiplied with: the word as it is, if packed, else the odd bytes. */
static inline uint32_t ek_dsp_odd(uint32_t word, int32_t packed)
{
    return packed != 0 ? word : ek_dsp_sxtb16(word >> 8);
}

/* Four elements as two words, `apart` words from each other. */
static inline void ek_dsp_widen(uint32_t *words, int32_t apart, const int8_t *elements)
{
    uint32_t x[4];
    for (int32_t i = 0; i < 4; i++) {
        x[i] = (uint32_t)(2 * (elements[i] + 128));
    }
    words[0] = x[0] | (x[2] << 16);
    words[apart] = x[1] | (x[3] << 16);
}

/* One pixel of a tile by all channel pairs. */
static inline void ek_dsp_pixel(int8_t *out, const uint32_t *stream, const uint32_t *tile,
                                const ek_dsp_layer *layer, int32_t packed)
{
    while (stream != layer->stream_end) {
        uint32_t even = stream[0];
        uint32_t odd = stream[1];
        stream += 2;
        for (int32_t step = 0; step < layer->steps; step++) {
            even = ek_dsp_smlad(tile[4 * step], ek_dsp_sxtb16(stream[step]), even);
            odd = ek_dsp_smlad(tile[4 * step], ek_dsp_odd(stream[step], packed), odd);
        }
        stream += layer->steps;
        out[0] = ek_dsp_finish(even, stream[0], stream[1], layer->zero, layer->linear);
        out[1] = ek_dsp_finish(ek_dsp_split(even, odd, packed), stream[2], stream[1] >> 8, layer->zero,
                               layer->linear);
        stream += 3;
        out += 2;
    }
}

#define EK_DSP_BLOCK(name, pixels, packed)                                                 \
    EK_DSP_STATIC void name(int8_t *out, const uint32_t *stream, const uint32_t *tile,     \
                            const ek_dsp_layer *layer)                                     \
    {                                                                                      \
        for (int32_t pixel = 0; pixel < (pixels); pixel++) {                               \
            ek_dsp_pixel(out + pixel * layer->pitch, stream, tile + pixel, layer, packed); \
        }                                                                                  \
    }

EK_DSP_BLOCK(ek_dsp_block_4, 4, 1)
EK_DSP_BLOCK(ek_dsp_block_1, 1, 1)
EK_DSP_BLOCK(ek_dsp_wide_4, 4, 0)
EK_DSP_BLOCK(ek_dsp_wide_1, 1, 0)

/* Fills one pixel's slot (tile + 0 to 3 words) of a four-pixel tile. */
EK_DSP_STATIC void ek_dsp_fill_1(uint32_t *slot, const int8_t *pixel, const ek_dsp_fill *layout)
{
    for (int32_t row = 0; row < layout->rows; row++) {
        for (int32_t quad = 0; quad < layout->quads; quad++) {
            ek_dsp_widen(slot, 4, pixel);
            slot += 8;
            pixel += 4;
        }
        pixel += layout->gap;
    }
}

/* Fills a tile with segments of four pixels. */
EK_DSP_STATIC void ek_dsp_fill_4(uint32_t *tile, const int8_t *pixel, const ek_dsp_fill *layout)
{
    for (int32_t i = 0; i < 4; i++) {
        ek_dsp_fill_1(tile + i, pixel + i * layout->pitch, layout);
    }
}

/* One row of features by whole groups of four outputs. */
static inline void ek_dsp_groups(int8_t *out, const uint32_t *stream, const uint32_t *tile,
                                 const ek_dsp_layer *layer, int32_t packed)
{
    while (stream != layer->stream_end) {
        const uint32_t *words = stream + 4;
        const uint32_t *record = words + 2 * layer->steps;
        for (int32_t pair = 0; pair < 2; pair++) {
            uint32_t even = stream[2 * pair];
            uint32_t odd = stream[2 * pair + 1];
            for (int32_t step = 0; step < layer->steps; step++) {
                const uint32_t word = words[(step / 2) * 4 + 2 * pair + step % 2];
                even = ek_dsp_smlad(tile[step], ek_dsp_sxtb16(word), even);
                odd = ek_dsp_smlad(tile[step], ek_dsp_odd(word, packed), odd);
            }
            const uint32_t shifts = record[2] >> (16 * pair);
            out[0] = ek_dsp_finish(even, record[3 * pair], shifts, layer->zero, layer->linear);
            out[1] = ek_dsp_finish(ek_dsp_split(even, odd, packed), record[3 * pair + 1], shifts >> 8,
                                   layer->zero, layer->linear);
            out += 2;
        }
        stream = record + 5;
    }
}

EK_DSP_STATIC void ek_dsp_row_4(int8_t *out, const uint32_t *stream, const uint32_t *tile,
                                const ek_dsp_layer *layer)
{
    ek_dsp_groups(out, stream, tile, layer, 1);
}

EK_DSP_STATIC void ek_dsp_row_wide_4(int8_t *out, const uint32_t *stream, const uint32_t *tile,
                                     const ek_dsp_layer *layer)
{
    ek_dsp_groups(out, stream, tile, layer, 0);
}

/* Fills the tile of one row of features. */
EK_DSP_STATIC void ek_dsp_fill_row(uint32_t *tile, const int8_t *features, int32_t quads)
{
    for (int32_t quad = 0; quad < quads; quad++) {
        ek_dsp_widen(tile + 2 * quad, 1, features + 4 * quad);
    }
}

/* Slots of patches of three by three pixels of three elements: the first eight elements of each row, then the ninth
 * ones. */
EK_DSP_STATIC void ek_dsp_fill_3x3x3(uint32_t *slot, const int8_t *patch, const ek_dsp_fill *layout,
                                     int32_t patches)
{
    for (int32_t i = 0; i < patches; i++) {
        const int8_t *row = patch + i * layout->pitch;
        const int8_t ninth[4] = {row[8], row[layout->gap + 8], row[2 * layout->gap + 8], 0};
        for (int32_t fy = 0; fy < 3; fy++) {
            ek_dsp_widen(slot + i + 16 * fy, 4, row + fy * layout->gap);
            ek_dsp_widen(slot + i + 16 * fy + 8, 4, row + fy * layout->gap + 4);
        }
        ek_dsp_widen(slot + i + 48, 4, ninth);
    }
}

/* One depthwise output pixel, whole groups of four channels. */
EK_DSP_STATIC void ek_dsp_taps_4(int8_t *out, const uint32_t *stream, const int8_t *const *pixels,
                                 const ek_dsp_taps *taps)
{
    int32_t channel = taps->channel;
    while (stream != taps->stream_end) {
        const uint32_t *record = stream + 4 + 4 * taps->pairs;
        for (int32_t i = 0; i < 4; i++) {
            uint32_t acc = stream[i];
            for (int32_t pair = 0; pair < taps->pairs; pair++) {
                const uint32_t low = (uint32_t)pixels[2 * pair][channel + i] & 0xFFFFU;
                const uint32_t high = (uint32_t)pixels[2 * pair + 1][channel + i] << 16;
                acc = ek_dsp_smlad(low | high, stream[4 + 4 * pair + i], acc);
            }
            const uint32_t multiplier = record[i < 2 ? i : i + 1];
            out[i] = ek_dsp_finish(acc, multiplier, record[2] >> (8 * i), taps->zero, taps->linear);
        }
        stream = record + 5;
        channel += 4;
        out += 4;
    }
}

#endif
