/* The micro-kernels of ek/thumb_depthwise.h in C, which includes this file. */
#ifndef EK_THUMB_DEPTHWISE_TWIN_H
#define EK_THUMB_DEPTHWISE_TWIN_H

/* `count` elements that lie `pitch` bytes apart into words; at least one. */
EK_THUMB_STATIC void ek_thumb_column(uint32_t *words, const int8_t *element, int32_t pitch, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        words[i] = (uint32_t)(int32_t)element[i * pitch];
    }
}

/* Blocks of four outputs of a channel. */
static inline void ek_thumb_blocks_of(int8_t *last, const uint32_t *plane, const ek_thumb_channel *channel,
                                      int32_t blocks, int32_t relu)
{
    const uint32_t multiplier = (channel->high << 22) | (channel->middle << 11) | channel->low;
    const uint32_t shift = channel->shift - 9U;
    const int32_t zero = (int32_t)((channel->rounding - 256U) >> shift);
    for (int32_t block = 0; block < blocks; block++) {
        for (int32_t row = 3; row >= 0; row--) {
            uint32_t sum = (uint32_t)channel->bias;
            for (const ek_thumb_tap *tap = channel->tap; tap != channel->end; tap++) {
                sum += (uint32_t)tap->weight * plane[tap->offset / 4U + (uint32_t)row];
            }
            *last = ek_thumb_requantize((int32_t)sum, multiplier, shift, zero, relu);
            if (row > 0) {
                last += channel->pitch[3 - row];
            }
        }
        if (block + 1 < blocks) {
            last += channel->next;
        }
        plane += 4;
    }
}

EK_THUMB_STATIC void ek_thumb_blocks_relu(int8_t *last, const uint32_t *plane,
                                          const ek_thumb_channel *channel, int32_t blocks)
{
    ek_thumb_blocks_of(last, plane, channel, blocks, 1);
}

EK_THUMB_STATIC void ek_thumb_blocks_linear(int8_t *last, const uint32_t *plane,
                                            const ek_thumb_channel *channel, int32_t blocks)
{
    ek_thumb_blocks_of(last, plane, channel, blocks, 0);
}

#endif
