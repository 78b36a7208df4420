/* Little-endian numbers in byte buffers, as they travel over the link, whatever the alignment. */
#ifndef EK_BYTES_H
#define EK_BYTES_H

#include <stdint.h>

static inline uint32_t ek_get_u16(const uint8_t *p)
{
    return (uint32_t)p[0] | ((uint32_t)p[1] << 8);
}

static inline uint32_t ek_get_u32(const uint8_t *p)
{
    return ek_get_u16(p) | (ek_get_u16(p + 2) << 16);
}

static inline void ek_put_u16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value & 0xFFU);
    p[1] = (uint8_t)((value >> 8) & 0xFFU);
}

static inline void ek_put_u32(uint8_t *p, uint32_t value)
{
    ek_put_u16(p, value & 0xFFFFU);
    ek_put_u16(p + 2, value >> 16);
}

/* The bits of a float; an IEEE single on every target. */
static inline uint32_t ek_float_bits(float value)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float ek_bits_float(uint32_t bits)
{
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
