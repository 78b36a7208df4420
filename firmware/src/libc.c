/* The memory and string functions that every compiler takes for granted, and their names in the Arm run-time ABI (IHI0043).
 * Compiled with builtins off, so that no loop becomes a call of the function it implements. Words are moved wherever
 * both sides allow: Armv6-M faults on an unaligned word, later cores and AArch64 do not. */
#include <stddef.h>
#include <stdint.h>

#if defined(__ARM_ARCH_6M__)
#define EK_UNALIGNED_OK 0
#else
#define EK_UNALIGNED_OK 1
#endif

/* A word that may lie anywhere and overlay anything. */
typedef struct {
    uint32_t value;
} __attribute__((packed, may_alias)) ek_loose;
typedef uint32_t __attribute__((may_alias)) ek_word;

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);

static uintptr_t misfit(const void *a, const void *b)
{
    return ((uintptr_t)a | (uintptr_t)b) & 3U;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *d = (uint8_t *)to;
    const uint8_t *s = (const uint8_t *)from;
    if (misfit(d, s) == 0U) {
        for (; size >= 16U; size -= 16U) {
            ek_word *dw = (ek_word *)(void *)d;
            const ek_word *sw = (const ek_word *)(const void *)s;
            const uint32_t w0 = sw[0];
            const uint32_t w1 = sw[1];
            const uint32_t w2 = sw[2];
            const uint32_t w3 = sw[3];
            dw[0] = w0;
            dw[1] = w1;
            dw[2] = w2;
            dw[3] = w3;
            d += 16;
            s += 16;
        }
        for (; size >= 4U; size -= 4U) {
            *(ek_word *)(void *)d = *(const ek_word *)(const void *)s;
            d += 4;
            s += 4;
        }
    } else if (EK_UNALIGNED_OK != 0) {
        for (; size >= 4U; size -= 4U) {
            ((ek_loose *)(void *)d)->value = ((const ek_loose *)(const void *)s)->value;
            d += 4;
            s += 4;
        }
    } else {
        /* bytes below */
    }
    for (; size > 0U; size--) {
        *d = *s;
        d++;
        s++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *d = (uint8_t *)to;
    const uint8_t *s = (const uint8_t *)from;
    if (((uintptr_t)d - (uintptr_t)s) >=
        size) { /* to lies before from, or behind its end: forwards is safe */
        /* Not through memcpy, whose restrict a compiler may use when the two overlap. */
        if (misfit(d, s) == 0U) {
            for (; size >= 4U; size -= 4U) {
                *(ek_word *)(void *)d = *(const ek_word *)(const void *)s;
                d += 4;
                s += 4;
            }
        } else if (EK_UNALIGNED_OK != 0) {
            for (; size >= 4U; size -= 4U) {
                ((ek_loose *)(void *)d)->value = ((const ek_loose *)(const void *)s)->value;
                d += 4;
                s += 4;
            }
        } else {
            /* bytes below */
        }
        for (; size > 0U; size--) {
            *d = *s;
            d++;
            s++;
        }
    } else {
        for (; size > 0U; size--) {
            d[size - 1U] = s[size - 1U];
        }
    }
    return to;
}

void *memset(void *to, int value, size_t size)
{
    uint8_t *d = (uint8_t *)to;
    const uint8_t byte = (uint8_t)value;
    const uint32_t word = (uint32_t)byte * 0x01010101U;
    for (; (((uintptr_t)d & 3U) != 0U) && (size > 0U); size--) {
        *d = byte;
        d++;
    }
    for (; size >= 16U; size -= 16U) {
        ek_word *dw = (ek_word *)(void *)d;
        dw[0] = word;
        dw[1] = word;
        dw[2] = word;
        dw[3] = word;
        d += 16;
    }
    for (; size >= 4U; size -= 4U) {
        *(ek_word *)(void *)d = word;
        d += 4;
    }
    for (; size > 0U; size--) {
        *d = byte;
        d++;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = (const uint8_t *)a;
    const uint8_t *y = (const uint8_t *)b;
    int difference = 0;
    for (size_t i = 0U; (i < size) && (difference == 0); i++) {
        difference = (int)x[i] - (int)y[i];
    }
    return difference;
}

size_t strlen(const char *text)
{
    size_t size = 0U;
    while (text[size] != '\0') {
        size++;
    }
    return size;
}

#if defined(__arm__)
/* The ABI's memset takes size before value. */
#define EK_MEMSET(name)                          \
    void name(void *to, size_t size, int value); \
    void name(void *to, size_t size, int value)  \
    {                                            \
        (void)memset(to, value, size);           \
    }
#define EK_MEMCLR(name)               \
    void name(void *to, size_t size); \
    void name(void *to, size_t size)  \
    {                                 \
        (void)memset(to, 0, size);    \
    }
#define EK_MEMCPY(name, move)                           \
    void name(void *to, const void *from, size_t size); \
    void name(void *to, const void *from, size_t size)  \
    {                                                   \
        (void)move(to, from, size);                     \
    }

EK_MEMCPY(__aeabi_memcpy, memcpy)
EK_MEMCPY(__aeabi_memcpy4, memcpy)
EK_MEMCPY(__aeabi_memcpy8, memcpy)
EK_MEMCPY(__aeabi_memmove, memmove)
EK_MEMCPY(__aeabi_memmove4, memmove)
EK_MEMCPY(__aeabi_memmove8, memmove)
EK_MEMSET(__aeabi_memset)
EK_MEMSET(__aeabi_memset4)
EK_MEMSET(__aeabi_memset8)
EK_MEMCLR(__aeabi_memclr)
EK_MEMCLR(__aeabi_memclr4)
EK_MEMCLR(__aeabi_memclr8)
#endif
