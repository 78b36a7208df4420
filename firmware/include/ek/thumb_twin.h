/* The micro-kernels of ek/thumb.h in C, which includes this file: the same results from the same packed data. */
#ifndef EK_THUMB_TWIN_H
#define EK_THUMB_TWIN_H

/* One pixel's or two pixels' elements into the runs of a tile. */
EK_THUMB_STATIC void ek_thumb_fill_pair(uint32_t *tile, const int8_t *first, const int8_t *second,
                                        int32_t runs)
{
    for (int32_t run = 0; run < runs; run++) {
        uint32_t sum = 0;
        for (int32_t i = 0; i < 4; i++) {
            const uint32_t word = (uint32_t)(int32_t)first[i] + ((uint32_t)(int32_t)second[i] << 16);
            tile[2 + 2 * i] = word;
            sum += word;
        }
        tile[0] = (1U << 15) - (sum << 7);
        tile += EK_THUMB_RUN / 4;
        first += 4;
        second += 4;
    }
}

/* Adds to the sums of two pairs of pixels what a weight makes of a pair of words. */
static inline void ek_thumb_add(uint32_t *sums, const uint32_t *words, uint32_t weight)
{
    for (int32_t pair = 0; pair < 2; pair++) {
        const uint32_t product = words[pair] * weight;
        sums[2 * pair] += product;
        sums[2 * pair + 1] += (uint32_t)ek_thumb_asr(product + (1U << 15), 16);
    }
}

/* Sums of a channel over the runs of a tile. */
static inline void ek_thumb_runs(uint32_t *sums, const uint32_t *weights, const uint32_t *tile, int32_t runs)
{
    for (int32_t run = 0; run < runs; run++) {
        uint32_t start[2] = {tile[0], tile[1]};
        for (int32_t i = 0; i < 4; i++) {
            const uint32_t weight = (weights[run] >> (8 * i)) & 0xFFU;
            start[0] += tile[2 + 2 * i] * weight;
            start[1] += tile[3 + 2 * i] * weight;
        }
        for (int32_t pair = 0; pair < 2; pair++) {
            sums[2 * pair] += start[pair] - (1U << 15);
            sums[2 * pair + 1] += (uint32_t)ek_thumb_asr(start[pair], 16);
        }
        tile += EK_THUMB_RUN / 4;
    }
}

/* Four pixels by all channels. */
static inline void ek_thumb_channels(int8_t *out, const uint32_t *stream, const uint32_t *tile,
                                     const ek_thumb_layer *layer, int32_t relu)
{
    while (stream != layer->stream_end) {
        uint32_t sums[4] = {0, 0, 0, 0};
        ek_thumb_runs(sums, stream, tile, layer->runs);
        const uint32_t *record = stream + layer->runs;
        uint32_t more = record[1];
        stream = record + 2;
        while ((more >> 31) != 0U) {
            more = *stream;
            const uint32_t weight = (uint32_t)(int32_t)(int8_t)(uint8_t)(more & 0xFFU);
            ek_thumb_add(sums, tile + ((more & 0x7FFFFFFFU) >> 10), weight);
            stream++;
        }
        int8_t *result = out;
        for (int32_t pixel = 0; pixel < 4; pixel++) {
            const uint32_t high = sums[pixel | 1];
            const uint32_t sum = (pixel & 1) != 0 ? high : sums[pixel] - (high << 16);
            const int32_t acc = (int32_t)(sum + (uint32_t)ek_thumb_asr(record[0], 8));
            *result = ek_thumb_requantize(acc, record[1], record[0] & 0xFFU, layer->zero, relu);
            result += pixel < 3 ? layer->pitch[pixel] : 0;
        }
        out++;
    }
}

EK_THUMB_STATIC void ek_thumb_block_relu(int8_t *out, const uint32_t *stream, const uint32_t *tile,
                                         const ek_thumb_layer *layer)
{
    ek_thumb_channels(out, stream, tile, layer, 1);
}

EK_THUMB_STATIC void ek_thumb_block_linear(int8_t *out, const uint32_t *stream, const uint32_t *tile,
                                           const ek_thumb_layer *layer)
{
    ek_thumb_channels(out, stream, tile, layer, 0);
}

/* Adds to four sums the products of a tile of whole words with (weight + 128) of four outputs, byte by byte. */
EK_THUMB_STATIC void ek_thumb_dot(uint32_t *sums, const uint32_t *weights, const uint32_t *tile,
                                  const uint32_t *tile_end)
{
    while (tile != tile_end) {
        for (int32_t i = 0; i < 4; i++) {
            sums[i] += *tile * ((*weights >> (8 * i)) & 0xFFU);
        }
        tile++;
        weights++;
    }
}

#endif
