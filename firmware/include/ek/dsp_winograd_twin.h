/* The micro-kernels of ek/dsp_winograd.h in C, which includes this file: the same results from the same packed data. */
#ifndef EK_DSP_WINOGRAD_TWIN_H
#define EK_DSP_WINOGRAD_TWIN_H

/* Four values of a row or a column of a tile, `apart` from each other, by B. */
static inline void ek_dsp_winograd_spread(int32_t *d, int32_t apart)
{
    const int32_t d0 = d[0];
    const int32_t d1 = d[apart];
    const int32_t d2 = d[2 * apart];
    d[0] = d0 - d2;
    d[apart] = d1 + d2;
    d[2 * apart] = d2 - d1;
    d[3 * apart] = d1 - d[3 * apart];
}

/* One channel of four tiles of ten columns of four rows; `half` is where its 16 bits go. */
static inline void ek_dsp_winograd_channel(uint32_t *tile, const int8_t *const *rows, int32_t channel,
                                           uint32_t half, const ek_dsp_winograd *layer)
{
    for (int32_t t = 0; t < 4; t++) {
        int32_t d[16];
        for (int32_t i = 0; i < 16; i++) {
            d[i] = rows[i / 4][(2 * t + i % 4) * layer->pitch + channel];
        }
        for (int32_t i = 0; i < 4; i++) {
            ek_dsp_winograd_spread(d + i, 4);
        }
        for (int32_t i = 0; i < 4; i++) {
            ek_dsp_winograd_spread(d + 4 * i, 1);
        }
        for (int32_t i = 0; i < 16; i++) {
            uint32_t *word = tile + i * (layer->position / 4) + t;
            const uint32_t kept = half == 0U ? 0U : *word & 0xFFFFU;
            *word = kept | (((uint32_t)d[i] & 0xFFFFU) << half);
        }
    }
}

/* Transforms the inputs of four tiles. */
EK_DSP_STATIC void ek_dsp_winograd_input(uint32_t *tile, const int8_t *const *rows, uint32_t *work,
                                         const ek_dsp_winograd *layer)
{
    (void)work;
    for (int32_t pair = 0; pair < layer->pairs; pair++) {
        const int32_t channel = pair / 2 * 4 + pair % 2;
        ek_dsp_winograd_channel(tile + 4 * pair, rows, channel, 0U, layer);
        ek_dsp_winograd_channel(tile + 4 * pair, rows, channel + 2, 16U, layer);
    }
}

/* Half of an even number. */
static inline uint32_t ek_dsp_winograd_half(uint32_t x)
{
    return (uint32_t)((int32_t)x >> 1);
}

/* Twice the sums of the 2x2 outputs from the 16 sums of a tile, `apart` words from each other. */
static inline void ek_dsp_winograd_gather(uint32_t *y, const uint32_t *m, int32_t apart, uint32_t bias)
{
    uint32_t z[8];
    for (int32_t r = 0; r < 4; r++) {
        const uint32_t *row = m + 4 * r * apart;
        const uint32_t m1 = row[apart] + (r == 1 ? bias : 0U);
        const uint32_t m2 = row[2 * apart];
        z[2 * r] = row[0] + m1 + m2;
        z[2 * r + 1] = m1 - m2 - row[3 * apart];
    }
    for (int32_t j = 0; j < 2; j++) {
        y[j] = z[j] + ek_dsp_winograd_half(z[2 + j] + z[4 + j]);
        y[2 + j] = ek_dsp_winograd_half(z[2 + j] - z[4 + j]) - z[6 + j];
    }
}

/* Four tiles by all pairs of output channels; outs: 2x2 output pixels of each tile. */
EK_DSP_STATIC void ek_dsp_winograd_4(int8_t *const *outs, uint32_t *tile, const ek_dsp_winograd *layer)
{
    const int32_t words = layer->position / 4;
    int32_t channel = 0;
    for (const uint32_t *stream = layer->stream; stream != layer->stream_end; channel += 2) {
        const uint32_t *record = stream + 32 * layer->pairs;
        for (int32_t lane = 0; lane < 8; lane++) {
            const int32_t odd = lane / 4;
            uint32_t y[4];
            uint32_t *sums = tile + 4 * layer->pairs + 1 + lane;
            for (int32_t i = 0; i < 16; i++) {
                sums[i * words] = 0;
                for (int32_t pair = 0; pair < layer->pairs; pair++) {
                    const uint32_t u = stream[2 * (i * layer->pairs + pair) + odd];
                    const uint32_t v = tile[i * words + 4 * pair + lane % 4];
                    sums[i * words] = ek_dsp_smlad(v, u, sums[i * words]);
                }
            }
            ek_dsp_winograd_gather(y, sums, words, record[3 * odd]);
            for (int32_t i = 0; i < 4; i++) {
                outs[4 * (lane % 4) + i][channel + odd] =
                    ek_dsp_finish(y[i], record[3 * odd + 1], record[3 * odd + 2], layer->zero, 1);
            }
        }
        stream = record + EK_DSP_WINOGRAD_RECORD;
    }
}

#endif
