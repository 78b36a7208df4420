/* The one rounding, C twin of edgekit/ir/quant.py: TensorFlow Lite Micro's MultiplyByQuantizedMultiplier with
 * double rounding. */
#ifndef EK_REQUANTIZE_H
#define EK_REQUANTIZE_H

#include <stdint.h>

/* High 32 bits of 2*a*b, rounded to nearest, ties up: all that gemmlowp's nudge and truncating division come to.
 * Not both a and b may be INT32_MIN, the one case gemmlowp saturates; a multiplier never is. */
static inline int32_t ek_doubling_high_multiply(int32_t a, int32_t b)
{
    const int64_t product = (int64_t)a * (int64_t)b;
    return (int32_t)((product + (1LL << 30)) >> 31);
}

/* x / 2^exponent, rounded half away from zero; exponent in [0, 31], x above INT32_MIN. */
static inline int32_t ek_rounding_shift_right(int32_t x, int32_t exponent)
{
    if (exponent == 0) {
        return x;
    }
    /* One less for negative x moves its ties away from zero; the bit shifted out last rounds. */
    const int32_t halves = (x + (x >> 31)) >> (exponent - 1);
    return (halves >> 1) + (halves & 1);
}

/* Scale acc by value * 2^(shift - 31); a positive shift is to the left and wraps. */
static inline int32_t ek_requantize(int32_t acc, int32_t value, int32_t shift)
{
    if (shift > 0) {
        return ek_doubling_high_multiply((int32_t)((uint32_t)acc << (uint32_t)shift), value);
    }
    return ek_rounding_shift_right(ek_doubling_high_multiply(acc, value), -shift);
}

/* x limited to [low, high]. */
static inline int32_t ek_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : (x > high ? high : x);
}

#endif
