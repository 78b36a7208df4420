/* The one rounding, C twin of edgekit/ir/quant.py: TensorFlow Lite Micro's MultiplyByQuantizedMultiplier with
 * double rounding. */
#ifndef EK_REQUANTIZE_H
#define EK_REQUANTIZE_H

#include <stdint.h>

/* High 32 bits of 2*a*b, rounded half away from zero. b is a multiplier in [0, 2^31), so the one saturating
 * case of gemmlowp's function cannot occur. */
static inline int32_t ek_doubling_high_multiply(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * (int64_t)b;
    /* gemmlowp divides with truncation after a nudge of +-2^30; for these operands that is a floor shift of
     * product + 2^30 except on exact negative ties, which truncation moves away from zero. */
    const int64_t nudge = (product >= 0) ? (1LL << 30) : (1LL - (1LL << 30));
    return (int32_t)((product + nudge) / (1LL << 31));
}

/* x / 2^exponent, rounded half away from zero; exponent in [0, 31]. */
static inline int32_t ek_rounding_shift_right(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)((1U << (uint32_t)exponent) - 1U);
    const int32_t remainder = x & mask;
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/* Scale acc by value * 2^(shift - 31); a positive shift is to the left and wraps. */
static inline int32_t ek_requantize(int32_t acc, int32_t value, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    const int32_t shifted = (int32_t)((uint32_t)acc << (uint32_t)left);
    return ek_rounding_shift_right(ek_doubling_high_multiply(shifted, value), right);
}

/* x limited to [low, high]. */
static inline int32_t ek_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : (x > high ? high : x);
}

#endif
