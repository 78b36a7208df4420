#include "ek/text.h"

#include "ek/bytes.h"
#include "ek/port.h"

void ek_text(const char *text)
{
    int32_t size = 0;
    while (text[size] != '\0') {
        size++;
    }
    ek_port_write((const uint8_t *)text, size);
}

void ek_text_u32(uint32_t value)
{
    uint8_t digits[10];
    uint32_t first = sizeof digits;
    do {
        first--;
        digits[first] = (uint8_t)('0' + (value % 10U));
        value /= 10U;
    } while (value != 0U);
    ek_port_write(&digits[first], (int32_t)(sizeof digits - first));
}

void ek_text_i32(int32_t value)
{
    if (value < 0) {
        ek_text("-");
        ek_text_u32(0U - (uint32_t)value);
    } else {
        ek_text_u32((uint32_t)value);
    }
}

void ek_text_hex(uint8_t value)
{
    static const char digits[17] = "0123456789abcdef";
    const uint8_t pair[2] = {(uint8_t)digits[value >> 4], (uint8_t)digits[value & 15U]};
    ek_port_write(pair, 2);
}

/* A positive number below 2^32 as thousandths: whole part and three digits. */
static void print_fixed3(uint32_t whole, uint32_t thousandths)
{
    if (thousandths == 1000U) {
        whole++;
        thousandths = 0;
    }
    const uint8_t digits[4] = {'.', (uint8_t)('0' + (thousandths / 100U)),
                               (uint8_t)('0' + ((thousandths / 10U) % 10U)),
                               (uint8_t)('0' + (thousandths % 10U))};
    ek_text_u32(whole);
    ek_port_write(digits, 4);
}

void ek_text_fixed3(float value)
{
    const uint32_t bits = ek_float_bits(value);
    const int32_t exponent = (int32_t)((bits >> 23) & 0xFFU) - 150; /* value = mantissa * 2^exponent */
    const uint32_t fraction = bits & 0x7FFFFFU;
    const uint32_t mantissa = fraction | 0x800000U;
    if ((exponent == 105) && (fraction != 0U)) {
        ek_text("nan");
        return;
    }
    if ((bits >> 31) != 0U) {
        ek_text("-");
    }
    if (exponent > 8) {
        ek_text("inf");
    } else if (exponent >= 0) {
        print_fixed3(mantissa << (uint32_t)exponent, 0);
    } else if (exponent < -39) { /* below 2^-16: rounds to zero, as subnormals do */
        print_fixed3(0, 0);
    } else {
        const uint32_t shift = (uint32_t)(-exponent);
        const uint64_t scaled = (uint64_t)mantissa * 1000U; /* 34 bits */
        const uint64_t unit = 1ULL << shift;
        const uint64_t rest = scaled & (unit - 1U);
        uint32_t total = (uint32_t)(scaled >> shift); /* below 1000 * 2^23 at shift 1: 33 bits, see below */
        uint32_t whole = (shift < 24U) ? (mantissa >> shift) : 0U;
        total -= whole * 1000U; /* modulo 2^32, so the bit lost above does not matter */
        const uint64_t half = unit >> 1;
        if ((rest > half) || ((rest == half) && ((total & 1U) != 0U))) {
            total++;
        }
        print_fixed3(whole, total);
    }
}

int32_t ek_text_equal(const char *a, const char *b)
{
    uint32_t i = 0;
    while ((a[i] == b[i]) && (a[i] != '\0')) {
        i++;
    }
    return (a[i] == b[i]) ? 1 : 0;
}

int32_t ek_text_parse(const char *text)
{
    const int32_t negative = (text[0] == '-') ? 1 : 0;
    uint32_t i = ((text[0] == '-') || (text[0] == '+')) ? 1U : 0U;
    uint32_t value = 0;
    while ((text[i] >= '0') && (text[i] <= '9')) {
        const uint32_t digit = (uint32_t)(text[i] - '0');
        value = (value > (0x7FFFFFFFU - digit) / 10U) ? 0x7FFFFFFFU : ((value * 10U) + digit);
        i++;
    }
    return (negative != 0) ? -(int32_t)value : (int32_t)value;
}

int32_t ek_text_hex_digit(char digit)
{
    int32_t value = -1;
    if ((digit >= '0') && (digit <= '9')) {
        value = digit - '0';
    } else if ((digit >= 'a') && (digit <= 'f')) {
        value = digit - 'a' + 10;
    } else if ((digit >= 'A') && (digit <= 'F')) {
        value = digit - 'A' + 10;
    }
    return value;
}
