/* Integer arithmetic that a Cortex-M lacks, under its names in the Arm run-time ABI (IHI0043). gcc brings its own in
 * libgcc; zig would compile its own for a minute, once for each core. Division by zero gives 0, as UDIV does. */
#include <stdint.h>

uint64_t ek_divide64(uint64_t n, uint64_t d, uint64_t *remainder);
int64_t ek_divide64_signed(int64_t n, int64_t d, int64_t *remainder);
void __aeabi_uldivmod(void);
void __aeabi_ldivmod(void);

static uint32_t leading_zeros32(uint32_t x)
{
#if defined(__ARM_FEATURE_CLZ)
    return (x == 0U) ? 32U : (uint32_t)__builtin_clz(x);
#else
    uint32_t count = 32U;
    for (uint32_t step = 16U; step != 0U; step >>= 1) {
        const uint32_t high = x >> step;
        if (high != 0U) {
            count -= step;
            x = high;
        }
    }
    return count - x;
#endif
}

static uint32_t leading_zeros64(uint64_t x)
{
    const uint32_t high = (uint32_t)(x >> 32);
    return (high != 0U) ? leading_zeros32(high) : (32U + leading_zeros32((uint32_t)x));
}

/* Shift and subtract, from the first place where d can fit. */
uint64_t ek_divide64(uint64_t n, uint64_t d, uint64_t *remainder)
{
    uint64_t quotient = 0U;
    if ((d != 0U) && (n >= d)) {
        uint32_t shift = leading_zeros64(d) - leading_zeros64(n);
        uint64_t part = d << shift;
        uint64_t bit = (uint64_t)1U << shift;
        while (bit != 0U) {
            if (n >= part) {
                n -= part;
                quotient |= bit;
            }
            part >>= 1;
            bit >>= 1;
        }
    }
    *remainder = n;
    return quotient;
}

static uint64_t magnitude64(int64_t x)
{
    return (x < 0) ? (0U - (uint64_t)x) : (uint64_t)x;
}

int64_t ek_divide64_signed(int64_t n, int64_t d, int64_t *remainder)
{
    uint64_t left = 0U;
    const uint64_t quotient = ek_divide64(magnitude64(n), magnitude64(d), &left);
    *remainder = (int64_t)((n < 0) ? (0U - left) : left);
    return (int64_t)(((n < 0) != (d < 0)) ? (0U - quotient) : quotient);
}

/* Quotient in r0:r1 and remainder in r2:r3 is no calling convention C can say. */
__attribute__((naked)) void __aeabi_uldivmod(void)
{
    __asm volatile("push {r4, lr}\n\t"
                   "sub sp, #16\n\t"
                   "add r4, sp, #8\n\t"
                   "str r4, [sp]\n\t"
                   "bl ek_divide64\n\t"
                   "ldr r2, [sp, #8]\n\t"
                   "ldr r3, [sp, #12]\n\t"
                   "add sp, #16\n\t"
                   "pop {r4, pc}");
}

__attribute__((naked)) void __aeabi_ldivmod(void)
{
    __asm volatile("push {r4, lr}\n\t"
                   "sub sp, #16\n\t"
                   "add r4, sp, #8\n\t"
                   "str r4, [sp]\n\t"
                   "bl ek_divide64_signed\n\t"
                   "ldr r2, [sp, #8]\n\t"
                   "ldr r3, [sp, #12]\n\t"
                   "add sp, #16\n\t"
                   "pop {r4, pc}");
}

#if defined(__ARM_ARCH_6M__)
/* Armv6-M: no division, no 32 x 32 -> 64 multiplication, no count of leading zeros, no 64-bit shifts. */
uint32_t __aeabi_uidiv(uint32_t n, uint32_t d);
int32_t __aeabi_idiv(int32_t n, int32_t d);
uint64_t __aeabi_uidivmod(uint32_t n, uint32_t d);
uint64_t __aeabi_idivmod(int32_t n, int32_t d);
int64_t __aeabi_lmul(int64_t a, int64_t b);
uint64_t __aeabi_llsl(uint64_t x, int32_t shift);
uint64_t __aeabi_llsr(uint64_t x, int32_t shift);
int64_t __aeabi_lasr(int64_t x, int32_t shift);
int32_t __clzsi2(int32_t x);

/* Quotient in the low, remainder in the high word: r0 and r1. */
uint64_t __aeabi_uidivmod(uint32_t n, uint32_t d)
{
    uint32_t quotient = 0U;
    if ((d != 0U) && (n >= d)) {
        const uint32_t shift = leading_zeros32(d) - leading_zeros32(n);
        uint32_t part = d << shift;
        uint32_t bit = 1U << shift;
        while (bit != 0U) {
            if (n >= part) {
                n -= part;
                quotient |= bit;
            }
            part >>= 1;
            bit >>= 1;
        }
    }
    return ((uint64_t)n << 32) | quotient;
}

static uint32_t magnitude32(int32_t x)
{
    return (x < 0) ? (0U - (uint32_t)x) : (uint32_t)x;
}

uint64_t __aeabi_idivmod(int32_t n, int32_t d)
{
    const uint64_t both = __aeabi_uidivmod(magnitude32(n), magnitude32(d));
    uint32_t quotient = (uint32_t)both;
    uint32_t remainder = (uint32_t)(both >> 32);
    quotient = ((n < 0) != (d < 0)) ? (0U - quotient) : quotient;
    remainder = (n < 0) ? (0U - remainder) : remainder;
    return ((uint64_t)remainder << 32) | quotient;
}

uint32_t __aeabi_uidiv(uint32_t n, uint32_t d)
{
    return (uint32_t)__aeabi_uidivmod(n, d);
}

int32_t __aeabi_idiv(int32_t n, int32_t d)
{
    return (int32_t)(uint32_t)__aeabi_idivmod(n, d);
}

/* From 16-bit halves, whose products fit the 32-bit multiplier. */
int64_t __aeabi_lmul(int64_t a, int64_t b)
{
    const uint32_t al = (uint32_t)(uint64_t)a;
    const uint32_t bl = (uint32_t)(uint64_t)b;
    const uint32_t ah = (uint32_t)((uint64_t)a >> 32);
    const uint32_t bh = (uint32_t)((uint64_t)b >> 32);
    const uint32_t ll = (al & 0xFFFFU) * (bl & 0xFFFFU);
    const uint32_t lh = (al & 0xFFFFU) * (bl >> 16);
    const uint32_t hl = (al >> 16) * (bl & 0xFFFFU);
    const uint32_t hh = (al >> 16) * (bl >> 16);
    const uint32_t middle = (ll >> 16) + (lh & 0xFFFFU) + (hl & 0xFFFFU);
    const uint32_t low = (ll & 0xFFFFU) | (middle << 16);
    const uint32_t high = hh + (lh >> 16) + (hl >> 16) + (middle >> 16) + (al * bh) + (ah * bl);
    return (int64_t)(((uint64_t)high << 32) | low);
}

uint64_t __aeabi_llsl(uint64_t x, int32_t shift)
{
    const uint32_t low = (uint32_t)x;
    const uint32_t high = (uint32_t)(x >> 32);
    const uint32_t s = (uint32_t)shift;
    uint64_t result = x;
    if (s >= 32U) {
        result = (uint64_t)(low << (s - 32U)) << 32;
    } else if (s > 0U) {
        result = ((uint64_t)((high << s) | (low >> (32U - s))) << 32) | (low << s);
    } else {
        /* by nothing */
    }
    return result;
}

uint64_t __aeabi_llsr(uint64_t x, int32_t shift)
{
    const uint32_t low = (uint32_t)x;
    const uint32_t high = (uint32_t)(x >> 32);
    const uint32_t s = (uint32_t)shift;
    uint64_t result = x;
    if (s >= 32U) {
        result = high >> (s - 32U);
    } else if (s > 0U) {
        result = ((uint64_t)(high >> s) << 32) | ((low >> s) | (high << (32U - s)));
    } else {
        /* by nothing */
    }
    return result;
}

int64_t __aeabi_lasr(int64_t x, int32_t shift)
{
    const uint64_t logical = __aeabi_llsr((uint64_t)x, shift);
    const uint64_t sign = (x < 0) ? ~__aeabi_llsr(~(uint64_t)0U, shift) : 0U;
    return (int64_t)(logical | sign);
}

int32_t __clzsi2(int32_t x)
{
    return (int32_t)leading_zeros32((uint32_t)x);
}
#endif
