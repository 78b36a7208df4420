/* Time from the port's 32-bit cycle counter. */
#ifndef EK_CLOCK_H
#define EK_CLOCK_H

#include <stdint.h>

/* Microseconds since the first call, modulo 2^32; call at least once in each period of the counter. */
uint32_t ek_clock_us(void);

/* Cycles that two readings of the counter with nothing between them differ by (the least of several). */
uint32_t ek_clock_overhead(void);

#endif
