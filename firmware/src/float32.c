/* IEEE 754 binary32 in integers, rounded to nearest even with denormals, under the names of the Arm run-time ABI
 * (IHI0043), for cores without an FPU; conversions from and to 64 bits for all. gcc brings its own in libgcc. The
 * method is the usual one (Berkeley SoftFloat): significands in 31 bits, seven of them for rounding, the lowest a
 * sticky bit. NaNs come out as the one quiet NaN. There is no binary64: the firmware is float only. */
#include <stdint.h>

#define EK_SIGN 0x80000000U
#define EK_INFINITY 0x7F800000U
#define EK_NAN 0x7FC00000U

static uint32_t bits_of(float x)
{
    uint32_t bits = 0U;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x = 0.0F;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

/* Shift right; what falls out stays as a sticky lowest bit. */
static uint32_t shift_sticky(uint32_t x, uint32_t count)
{
    uint32_t result = x;
    if (count >= 32U) {
        result = (x != 0U) ? 1U : 0U;
    } else if (count > 0U) {
        result = (x >> count) | (((x << (32U - count)) != 0U) ? 1U : 0U);
    } else {
        /* by nothing */
    }
    return result;
}

/* A float from a significand with its leading one in bit 30 and the biased exponent less one. */
static uint32_t round_pack(uint32_t sign, int32_t exponent, uint32_t sig)
{
    if (exponent < 0) {
        sig = shift_sticky(sig, (uint32_t)(-exponent));
        exponent = 0;
    } else if ((exponent > 253) || ((exponent == 253) && ((sig + 0x40U) >= EK_SIGN))) {
        return sign | EK_INFINITY;
    } else {
        /* in range */
    }
    const uint32_t tie = ((sig & 0x7FU) == 0x40U) ? 1U : 0U;
    sig = ((sig + 0x40U) >> 7) & ~tie;
    return sign | ((((sig == 0U) ? 0U : ((uint32_t)exponent << 23))) + sig);
}

/* The same for a sig whose leading one lies anywhere below bit 31. */
static uint32_t normalise_pack(uint32_t sign, int32_t exponent, uint32_t sig)
{
    if (sig == 0U) {
        return sign;
    }
    while (sig < 0x40000000U) {
        sig <<= 1;
        exponent--;
    }
    return round_pack(sign, exponent, sig);
}

static uint32_t is_nan(uint32_t bits)
{
    return ((bits & ~EK_SIGN) > EK_INFINITY) ? 1U : 0U;
}

/* An integer's magnitude as a float. */
static uint32_t from_magnitude(uint32_t sign, uint64_t magnitude)
{
    int32_t exponent = 156; /* a leading one in bit 30 is 2^30 */
    uint32_t sticky = 0U;
    while ((magnitude >> 31) != 0U) {
        sticky |= (uint32_t)magnitude & 1U;
        magnitude >>= 1;
        exponent++;
    }
    return normalise_pack(sign, exponent, (uint32_t)magnitude | sticky);
}

/* The integer part's magnitude, not above limit; NaN is 0. */
static uint64_t to_magnitude(uint32_t bits, uint64_t limit)
{
    const int32_t exponent = (int32_t)((bits >> 23) & 0xFFU) - 127;
    const uint64_t sig = (bits & 0x7FFFFFU) | 0x800000U;
    if ((is_nan(bits) != 0U) || (exponent < 0)) {
        return 0U;
    }
    if (exponent > 63) {
        return limit;
    }
    const uint64_t magnitude =
        (exponent >= 23) ? (sig << (uint32_t)(exponent - 23)) : (sig >> (uint32_t)(23 - exponent));
    return (magnitude > limit) ? limit : magnitude;
}

static uint64_t magnitude_of(int64_t x)
{
    return (x < 0) ? (0U - (uint64_t)x) : (uint64_t)x;
}

/* Two's complement of a sign and magnitude. */
static int64_t signed_of(uint32_t sign, uint64_t magnitude)
{
    return (int64_t)((sign != 0U) ? (0U - magnitude) : magnitude);
}

/* The ABI passes floats to these in core registers, whatever the rest of the program does. */
#define EK_ABI __attribute__((pcs("aapcs")))

EK_ABI float __aeabi_l2f(int64_t x);
EK_ABI float __aeabi_ul2f(uint64_t x);
EK_ABI int64_t __aeabi_f2lz(float x);
EK_ABI uint64_t __aeabi_f2ulz(float x);

EK_ABI float __aeabi_l2f(int64_t x)
{
    return float_of(from_magnitude((x < 0) ? EK_SIGN : 0U, magnitude_of(x)));
}

EK_ABI float __aeabi_ul2f(uint64_t x)
{
    return float_of(from_magnitude(0U, x));
}

EK_ABI int64_t __aeabi_f2lz(float x)
{
    const uint32_t bits = bits_of(x);
    const uint64_t limit = ((bits & EK_SIGN) != 0U) ? 0x8000000000000000U : 0x7FFFFFFFFFFFFFFFU;
    return signed_of(bits & EK_SIGN, to_magnitude(bits, limit));
}

EK_ABI uint64_t __aeabi_f2ulz(float x)
{
    const uint32_t bits = bits_of(x);
    return ((bits & EK_SIGN) != 0U) ? 0U : to_magnitude(bits, UINT64_MAX);
}

#if !defined(__ARM_FP)
uint64_t ek_divide64(uint64_t n, uint64_t d, uint64_t *remainder);

/* Significand of a finite number with its leading one in bit 23; the exponent falls for denormals. */
static uint32_t unpack(uint32_t bits, int32_t *exponent)
{
    uint32_t sig = bits & 0x7FFFFFU;
    *exponent = (int32_t)((bits >> 23) & 0xFFU);
    if (*exponent != 0) {
        return sig | 0x800000U;
    }
    *exponent = 1;
    while ((sig != 0U) && (sig < 0x800000U)) {
        sig <<= 1;
        (*exponent)--;
    }
    return sig;
}

static uint32_t add(uint32_t a, uint32_t b)
{
    if ((is_nan(a) != 0U) || (is_nan(b) != 0U)) {
        return EK_NAN;
    }
    if ((a & ~EK_SIGN) < (b & ~EK_SIGN)) {
        const uint32_t swap = a;
        a = b;
        b = swap;
    }
    const uint32_t sign = a & EK_SIGN;
    const uint32_t differ = (a ^ b) & EK_SIGN;
    if ((a & ~EK_SIGN) == EK_INFINITY) {
        return ((differ != 0U) && ((b & ~EK_SIGN) == EK_INFINITY)) ? EK_NAN : a;
    }
    int32_t ea = (int32_t)((a >> 23) & 0xFFU);
    int32_t eb = (int32_t)((b >> 23) & 0xFFU);
    const uint32_t ma = (a & 0x7FFFFFU) | ((ea != 0) ? 0x800000U : 0U);
    const uint32_t mb = (b & 0x7FFFFFU) | ((eb != 0) ? 0x800000U : 0U);
    ea = (ea == 0) ? 1 : ea;
    eb = (eb == 0) ? 1 : eb;
    const uint32_t small = shift_sticky(mb << 6, (uint32_t)(ea - eb));
    const uint32_t sum = (differ != 0U) ? ((ma << 6) - small) : ((ma << 6) + small);
    return normalise_pack(((sum == 0U) && (differ != 0U)) ? 0U : sign, ea, sum);
}

static uint32_t multiply(uint32_t a, uint32_t b)
{
    const uint32_t sign = (a ^ b) & EK_SIGN;
    const uint32_t ma = a & ~EK_SIGN;
    const uint32_t mb = b & ~EK_SIGN;
    if ((ma >= EK_INFINITY) || (mb >= EK_INFINITY)) {
        return ((ma > EK_INFINITY) || (mb > EK_INFINITY) || (ma == 0U) || (mb == 0U)) ? EK_NAN
                                                                                      : (sign | EK_INFINITY);
    }
    int32_t ea = 0;
    int32_t eb = 0;
    const uint64_t product = (uint64_t)(unpack(a, &ea) << 7) * (uint64_t)(unpack(b, &eb) << 8);
    const uint32_t sig = (uint32_t)(product >> 32) | (((uint32_t)product != 0U) ? 1U : 0U);
    return normalise_pack(sign, ea + eb - 127, sig);
}

static uint32_t divide(uint32_t a, uint32_t b)
{
    const uint32_t sign = (a ^ b) & EK_SIGN;
    const uint32_t ma = a & ~EK_SIGN;
    const uint32_t mb = b & ~EK_SIGN;
    if ((ma > EK_INFINITY) || (mb > EK_INFINITY) || ((ma == mb) && ((ma == 0U) || (ma == EK_INFINITY)))) {
        return EK_NAN;
    }
    if ((ma == EK_INFINITY) || (mb == 0U)) {
        return sign | EK_INFINITY;
    }
    if ((mb == EK_INFINITY) || (ma == 0U)) {
        return sign;
    }
    int32_t ea = 0;
    int32_t eb = 0;
    const uint64_t numerator = (uint64_t)unpack(a, &ea) << 30;
    uint64_t remainder = 0U;
    const uint32_t quotient = (uint32_t)ek_divide64(numerator, unpack(b, &eb), &remainder); /* 2^29 to 2^31 */
    return normalise_pack(sign, ea - eb + 126, quotient | ((remainder != 0U) ? 1U : 0U));
}

/* -1, 0, 1, or 2 if one is NaN. */
static int32_t compare(uint32_t a, uint32_t b)
{
    if ((is_nan(a) != 0U) || (is_nan(b) != 0U)) {
        return 2;
    }
    const int64_t x = signed_of(a & EK_SIGN, a & ~EK_SIGN);
    const int64_t y = signed_of(b & EK_SIGN, b & ~EK_SIGN);
    return (x < y) ? -1 : ((x > y) ? 1 : 0);
}

EK_ABI float __aeabi_fadd(float a, float b);
EK_ABI float __aeabi_fsub(float a, float b);
EK_ABI float __aeabi_frsub(float a, float b);
EK_ABI float __aeabi_fmul(float a, float b);
EK_ABI float __aeabi_fdiv(float a, float b);
EK_ABI float __aeabi_i2f(int32_t x);
EK_ABI float __aeabi_ui2f(uint32_t x);
EK_ABI int32_t __aeabi_f2iz(float x);
EK_ABI uint32_t __aeabi_f2uiz(float x);
EK_ABI int32_t __aeabi_fcmpeq(float a, float b);
EK_ABI int32_t __aeabi_fcmplt(float a, float b);
EK_ABI int32_t __aeabi_fcmple(float a, float b);
EK_ABI int32_t __aeabi_fcmpge(float a, float b);
EK_ABI int32_t __aeabi_fcmpgt(float a, float b);
EK_ABI int32_t __aeabi_fcmpun(float a, float b);

EK_ABI float __aeabi_fadd(float a, float b)
{
    return float_of(add(bits_of(a), bits_of(b)));
}

EK_ABI float __aeabi_fsub(float a, float b)
{
    return float_of(add(bits_of(a), bits_of(b) ^ EK_SIGN));
}

EK_ABI float __aeabi_frsub(float a, float b)
{
    return float_of(add(bits_of(b), bits_of(a) ^ EK_SIGN));
}

EK_ABI float __aeabi_fmul(float a, float b)
{
    return float_of(multiply(bits_of(a), bits_of(b)));
}

EK_ABI float __aeabi_fdiv(float a, float b)
{
    return float_of(divide(bits_of(a), bits_of(b)));
}

EK_ABI float __aeabi_i2f(int32_t x)
{
    return float_of(from_magnitude((x < 0) ? EK_SIGN : 0U, magnitude_of(x)));
}

EK_ABI float __aeabi_ui2f(uint32_t x)
{
    return float_of(from_magnitude(0U, x));
}

EK_ABI int32_t __aeabi_f2iz(float x)
{
    const uint32_t bits = bits_of(x);
    const uint64_t limit = ((bits & EK_SIGN) != 0U) ? 0x80000000U : 0x7FFFFFFFU;
    return (int32_t)signed_of(bits & EK_SIGN, to_magnitude(bits, limit));
}

EK_ABI uint32_t __aeabi_f2uiz(float x)
{
    const uint32_t bits = bits_of(x);
    return ((bits & EK_SIGN) != 0U) ? 0U : (uint32_t)to_magnitude(bits, UINT32_MAX);
}

EK_ABI int32_t __aeabi_fcmpeq(float a, float b)
{
    return (compare(bits_of(a), bits_of(b)) == 0) ? 1 : 0;
}

EK_ABI int32_t __aeabi_fcmplt(float a, float b)
{
    return (compare(bits_of(a), bits_of(b)) == -1) ? 1 : 0;
}

EK_ABI int32_t __aeabi_fcmple(float a, float b)
{
    const int32_t order = compare(bits_of(a), bits_of(b));
    return ((order == -1) || (order == 0)) ? 1 : 0;
}

EK_ABI int32_t __aeabi_fcmpge(float a, float b)
{
    const int32_t order = compare(bits_of(a), bits_of(b));
    return ((order == 1) || (order == 0)) ? 1 : 0;
}

EK_ABI int32_t __aeabi_fcmpgt(float a, float b)
{
    return (compare(bits_of(a), bits_of(b)) == 1) ? 1 : 0;
}

EK_ABI int32_t __aeabi_fcmpun(float a, float b)
{
    return (compare(bits_of(a), bits_of(b)) == 2) ? 1 : 0;
}
#endif
