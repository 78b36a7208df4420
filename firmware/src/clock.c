#include "ek/clock.h"

#include "ek/port.h"

static uint32_t started;
static uint32_t last_cycles;
static uint32_t rest_cycles; /* less than a millisecond, not yet in elapsed_us */
static uint32_t elapsed_us;

uint32_t ek_clock_us(void)
{
    const uint32_t khz = ek_port_cycle_hz() / 1000U; /* no part runs at a fraction of a kilohertz */
    const uint32_t now = ek_port_cycles();
    if (started == 0U) {
        started = 1;
        last_cycles = now;
    }
    const uint32_t delta = now - last_cycles;
    last_cycles = now;
    elapsed_us += (delta / khz) * 1000U;
    rest_cycles += delta % khz;
    if (rest_cycles >= khz) {
        rest_cycles -= khz;
        elapsed_us += 1000U;
    }
    return elapsed_us + ((rest_cycles * 1000U) / khz); /* khz is below 4,000,000 */
}

uint32_t ek_clock_overhead(void)
{
    uint32_t least = 0xFFFFFFFFU;
    for (int32_t i = 0; i < 8; i++) {
        const uint32_t begin = ek_port_cycles();
        const uint32_t end = ek_port_cycles();
        least = (end - begin < least) ? (end - begin) : least;
    }
    return least;
}
