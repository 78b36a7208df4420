#include "ek/window.h"

#include "ek/clock.h"
#include "ek/model.h"
#include "ek/sample.h"

int32_t ek_window_warm_up(uint32_t warmups)
{
    ek_sample_load();
    for (uint32_t i = 0; i < warmups; i++) {
        ek_model_invoke();
        (void)ek_clock_us();
    }
    const int32_t reload = ((warmups == 0U) || (ek_sample_intact() == 0)) ? 1 : 0;
    ek_sample_load();
    return reload;
}

void ek_window_run(uint32_t runs, int32_t reload)
{
    for (uint32_t i = 0; i < runs; i++) {
        if ((reload != 0) && (i != 0U)) {
            ek_sample_load();
        }
        ek_model_invoke();
        (void)ek_clock_us(); /* a long window outlasts the cycle counter's period */
    }
}
