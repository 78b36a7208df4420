/* The system control space that every Cortex-M has: reset, cycle counter, caches. Armv7-M and Armv8-M reference
 * manuals (DDI0403, DDI0553). */
#ifndef EK_PORT_SCS_H
#define EK_PORT_SCS_H

#include <stdint.h>

#include "ek/fault.h"
#include "ek/reg.h"

#define EK_AIRCR 0xE000ED0CU
#define EK_DEMCR 0xE000EDFCU
#define EK_DWT_CTRL 0xE0001000U
#define EK_DWT_CYCCNT 0xE0001004U
#define EK_DWT_LAR 0xE0001FB0U

/* Ask the system for a reset; the write keeps the priority grouping at its reset value. */
static inline _Noreturn void ek_scs_reset(void)
{
    __asm volatile("dsb" ::: "memory");
    ek_reg_write(EK_AIRCR, 0x05FA0004U); /* VECTKEY, SYSRESETREQ */
    ek_fault();
}

static inline uint32_t ek_dwt_cycles(void)
{
    return ek_reg_read(EK_DWT_CYCCNT);
}

/* Start the cycle counter; 1 if it is there and advances, which it is not on Armv6-M and does not in QEMU. */
static inline int32_t ek_dwt_start(void)
{
#if defined(__ARM_ARCH_6M__)
    return 0;
#else
    ek_reg_set(EK_DEMCR, 1U << 24);        /* TRCENA */
    ek_reg_write(EK_DWT_LAR, 0xC5ACCE55U); /* the Cortex-M7 locks it; without effect elsewhere */
    if ((ek_reg_read(EK_DWT_CTRL) & (1U << 25)) != 0U) {
        return 0; /* NOCYCCNT */
    }
    ek_reg_write(EK_DWT_CYCCNT, 0U);
    ek_reg_set(EK_DWT_CTRL, 1U); /* CYCCNTENA */
    const uint32_t before = ek_dwt_cycles();
    for (int32_t i = 0; i < 64; i++) {
        if (ek_dwt_cycles() != before) {
            return 1;
        }
    }
    return 0;
#endif
}

#endif
