/* Tensors as rings of rows: how every kernel sees its inputs and its outputs. */
#ifndef EK_ROWS_H
#define EK_ROWS_H

#include <stdint.h>

/* A tensor in the arena (or, as an input, in flash). Row y lies at base + (y mod rows) * pitch; a tensor held
 * whole has as many ring rows as it has rows, so that the wrap never happens. pitch is in bytes. */
typedef struct {
    const int8_t *base;
    int32_t rows;
    int32_t pitch;
} ek_in;

typedef struct {
    int8_t *base;
    int32_t rows;
    int32_t pitch;
} ek_out;

/* y mod rows; a tensor held whole never gets as far as the division. */
static inline int32_t ek_ring_row(int32_t y, int32_t rows)
{
#if defined(__ARM_ARCH_6M__) /* no division */
    while (y >= rows) {
        y -= rows;
    }
    return y;
#else
    return y >= rows ? y % rows : y;
#endif
}

/* Address of row y >= 0 of an input. */
static inline const int8_t *ek_in_row(const ek_in *t, int32_t y)
{
    return t->base + ek_ring_row(y, t->rows) * t->pitch;
}

/* Address of row y >= 0 of an output. */
static inline int8_t *ek_out_row(const ek_out *t, int32_t y)
{
    return t->base + ek_ring_row(y, t->rows) * t->pitch;
}

#endif
