/* Elements and runs of elements in rows: loads, stores, copies and fills, word by word where the addresses allow
 * it, never a library call for a few bytes. */
#ifndef EK_ELEMENTS_H
#define EK_ELEMENTS_H

#include <stdint.h>

/* Whether the core reads and writes words at any address; a test may say so beforehand. */
#if !defined(EK_ANY_ALIGNMENT)
#if defined(__ARM_ARCH) && !defined(__ARM_FEATURE_UNALIGNED)
#define EK_ANY_ALIGNMENT 0
#else
#define EK_ANY_ALIGNMENT 1
#endif
#endif
#if EK_ANY_ALIGNMENT
#define EK_WORD(p) (p)
#else
#define EK_WORD(p) __builtin_assume_aligned((p), 4)
#endif

/* Loads and stores of elements that are aligned to their size. The builtin becomes one instruction; a cast
 * pointer would break the aliasing rules. */
static inline int32_t ek_load_s8(const int8_t *from)
{
    return *from;
}

static inline int32_t ek_load_s16(const int8_t *from)
{
    int16_t value;
    __builtin_memcpy(&value, __builtin_assume_aligned(from, 2), sizeof(value));
    return value;
}

static inline int32_t ek_load_s32(const int8_t *from)
{
    int32_t value;
    __builtin_memcpy(&value, __builtin_assume_aligned(from, 4), sizeof(value));
    return value;
}

static inline float ek_load_float(const int8_t *from)
{
    float value;
    __builtin_memcpy(&value, __builtin_assume_aligned(from, 4), sizeof(value));
    return value;
}

static inline void ek_store_s8(int8_t *to, int32_t value)
{
    *to = (int8_t)value;
}

static inline void ek_store_s16(int8_t *to, int32_t value)
{
    const int16_t narrow = (int16_t)value;
    __builtin_memcpy(__builtin_assume_aligned(to, 2), &narrow, sizeof(narrow));
}

static inline void ek_store_s32(int8_t *to, int32_t value)
{
    __builtin_memcpy(__builtin_assume_aligned(to, 4), &value, sizeof(value));
}

static inline void ek_store_float(int8_t *to, float value)
{
    __builtin_memcpy(__builtin_assume_aligned(to, 4), &value, sizeof(value));
}

/* A word at an address the core can read it from: any, or a multiple of four. */
static inline uint32_t ek_load_word(const int8_t *from)
{
    uint32_t word;
    __builtin_memcpy(&word, EK_WORD(from), sizeof(word));
    return word;
}

static inline void ek_store_word(int8_t *to, uint32_t word)
{
    __builtin_memcpy(EK_WORD(to), &word, sizeof(word));
}

/* Copy bytes that do not overlap; any alignment, any count. */
static inline void ek_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    int32_t i = 0;
    if (EK_ANY_ALIGNMENT || ((((uintptr_t)to | (uintptr_t)from) & 3U) == 0U)) {
        for (; i + 16 <= bytes; i += 16) {
            const uint32_t w0 = ek_load_word(from + i);
            const uint32_t w1 = ek_load_word(from + i + 4);
            const uint32_t w2 = ek_load_word(from + i + 8);
            const uint32_t w3 = ek_load_word(from + i + 12);
            ek_store_word(to + i, w0);
            ek_store_word(to + i + 4, w1);
            ek_store_word(to + i + 8, w2);
            ek_store_word(to + i + 12, w3);
        }
        for (; i + 4 <= bytes; i += 4) {
            ek_store_word(to + i, ek_load_word(from + i));
        }
    }
    for (; i < bytes; i++) {
        to[i] = from[i];
    }
}

/* Fill with a value of one, two or four bytes, given repeated to a little-endian word; the address and the
 * count are multiples of the value's size. One copy of it serves a whole image: fills are short or rare. */
static __attribute__((noinline, unused)) void ek_fill(int8_t *to, int32_t pattern, int32_t bytes)
{
    const uint32_t word = (uint32_t)pattern;
    int32_t i = 0;
    for (; (i < bytes) && (((uintptr_t)(to + i) & 3U) != 0U); i++) {
        to[i] = (int8_t)(uint8_t)(word >> (8U * ((uintptr_t)(to + i) & 3U)));
    }
    for (; i + 4 <= bytes; i += 4) {
        ek_store_word(to + i, word);
    }
    for (uint32_t shift = 0; i < bytes; i++) {
        to[i] = (int8_t)(uint8_t)(word >> shift);
        shift += 8U;
    }
}

#endif
