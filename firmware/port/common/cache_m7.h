/* Caches of the Cortex-M7, off after reset. Cortex-M7 technical reference manual (DDI0489), Armv7-M reference
 * manual (DDI0403) B3.2. Ports use no DMA, so nothing needs cleaning later. */
#ifndef EK_PORT_CACHE_M7_H
#define EK_PORT_CACHE_M7_H

#include <stdint.h>

#include "ek/reg.h"

#define EK_SCB_CCR 0xE000ED14U
#define EK_SCB_CCSIDR 0xE000ED80U
#define EK_SCB_CSSELR 0xE000ED84U
#define EK_SCB_ICIALLU 0xE000EF50U
#define EK_SCB_DCISW 0xE000EF60U

static inline void ek_cache_enable(void)
{
    __asm volatile("dsb\n\tisb" ::: "memory");
    ek_reg_write(EK_SCB_ICIALLU, 0U);
    __asm volatile("dsb\n\tisb" ::: "memory");
    ek_reg_set(EK_SCB_CCR, 1U << 17);

    ek_reg_write(EK_SCB_CSSELR, 0U); /* level 1, data */
    __asm volatile("dsb" ::: "memory");
    const uint32_t geometry = ek_reg_read(EK_SCB_CCSIDR);
    const uint32_t sets = (geometry >> 13) & 0x7FFFU; /* less one */
    const uint32_t ways = (geometry >> 3) & 0x3FFU;   /* less one */
    for (uint32_t set = 0U; set <= sets; set++) {
        for (uint32_t way = 0U; way <= ways; way++) {
            ek_reg_write(EK_SCB_DCISW, (set << 5) | (way << 30)); /* lines of 32 bytes, four ways */
        }
    }
    __asm volatile("dsb" ::: "memory");
    ek_reg_set(EK_SCB_CCR, 1U << 16);
    __asm volatile("dsb\n\tisb" ::: "memory");
}

#endif
