/* Tensors as rings of rows: how every kernel sees its inputs and its output. */
#ifndef EK_ROWS_H
#define EK_ROWS_H

#include <stdint.h>

/* A spatial tensor in the arena. Row y lies at base + (y mod rows) * pitch; a tensor held whole has as many
 * ring rows as it has rows, so that the wrap never happens. pitch is in bytes. */
typedef struct {
    int8_t *base;
    int32_t rows;
    int32_t pitch;
} ek_rows;

/* Address of row y >= 0. */
static inline int8_t *ek_row(ek_rows t, int32_t y)
{
    while (y >= t.rows) {
        y -= t.rows;
    }
    return t.base + y * t.pitch;
}

#endif
