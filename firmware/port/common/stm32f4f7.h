/* Clock tree that F4 and F7 share: HSI 16 MHz / 8 = 2 MHz into the PLL, over-drive for the highest clocks, APB1 at a
 * quarter and APB2 at half of the core's clock. RM0390 6 and 5, RM0385 5 and 4. The internal oscillator is exact to
 * 1 %, which a UART tolerates, and needs nothing on the board. */
#ifndef EK_PORT_STM32F4F7_H
#define EK_PORT_STM32F4F7_H

#include <stdint.h>

#include "ek/reg.h"

#define EK_RCC 0x40023800U
#define EK_PWR 0x40007000U
#define EK_FLASH_ACR 0x40023C00U

/* Run at clock_hz; acr holds the wait states in bits 3:0 and the family's prefetch and cache bits. */
static inline void ek_clock_f4f7(uint32_t clock_hz, uint32_t acr)
{
    const uint32_t n = clock_hz / 1000000U; /* 2 MHz * n / 2 */
    ek_reg_set(EK_RCC + 0x40U, 1U << 28);   /* APB1ENR: PWR */
    ek_reg_field(EK_RCC + 0x04U, (0x3FU) | (0x1FFU << 6) | (3U << 16) | (1U << 22),
                 8U | (n << 6));  /* PLLCFGR: M, N, P = 2 */
    ek_reg_set(EK_RCC, 1U << 24); /* CR: PLLON */
    ek_reg_wait(EK_RCC, 1U << 25, 1U << 25);
    ek_reg_set(EK_PWR, 1U << 16); /* ODEN */
    ek_reg_wait(EK_PWR + 0x04U, 1U << 16, 1U << 16);
    ek_reg_set(EK_PWR, 1U << 17); /* ODSWEN */
    ek_reg_wait(EK_PWR + 0x04U, 1U << 17, 1U << 17);
    ek_reg_write(EK_FLASH_ACR, acr);
    ek_reg_wait(EK_FLASH_ACR, 0xFU, acr & 0xFU);
    ek_reg_field(EK_RCC + 0x08U, (7U << 10) | (7U << 13),
                 (5U << 10) | (4U << 13)); /* CFGR: PPRE1 /4, PPRE2 /2 */
    ek_reg_field(EK_RCC + 0x08U, 3U, 2U);
    ek_reg_wait(EK_RCC + 0x08U, 3U << 2, 2U << 2);
}

#endif
