/* The image for the bench: one polling loop, so that nothing but the model runs while it is timed. */
#include "ek/clock.h"
#include "ek/harness.h"
#include "ek/mlperf.h"
#include "ek/port.h"

int main(void)
{
    uint8_t bytes[64];
    ek_port_init();
    ek_mlperf_banner();
    for (;;) {
        const int32_t count = ek_port_read(bytes, (int32_t)sizeof bytes);
        for (int32_t i = 0; i < count; i++) {
            ek_harness_push(bytes[i]);
        }
        (void)ek_clock_us(); /* keeps the time when the cycle counter wraps */
    }
}
