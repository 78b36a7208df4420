/* What the RP2040 and the RP2350 of the Raspberry Pi Picos share: XOSC, PLL, CLOCKS and UART have the same registers at
 * other addresses. RP2040 datasheet 2.15 to 2.18, 4.2; RP2350 datasheet 7.5, 8.1, 8.2, 8.6, 12.1. */
#ifndef EK_PORT_RP2_H
#define EK_PORT_RP2_H

#include <stdint.h>

#include "ek/reg.h"

#define EK_RP2_ATOMIC_SET 0x2000U /* aliases of every register but those of SIO */
#define EK_RP2_ATOMIC_CLEAR 0x3000U
#define EK_RP2_XOSC_HZ 12000000U /* the crystal of both boards */
#define EK_RP2_UART_FUNCTION 2U
#define EK_RP2_SIO_FUNCTION 5U

typedef struct {
    uint32_t resets;
    uint32_t xosc;
    uint32_t pll;
    uint32_t clocks;
} ek_rp2_clocks;

static inline void ek_rp2_leave_reset(uint32_t resets, uint32_t blocks)
{
    ek_reg_write(resets + EK_RP2_ATOMIC_CLEAR, blocks);
    ek_reg_wait(resets + 0x08U, blocks, blocks);
}

/* The crystal, and the clock of the system off the PLL, if a boot loader left it there. */
static inline void ek_rp2_crystal_start(const ek_rp2_clocks *at)
{
    ek_reg_write(at->xosc + 0x0CU, 47U);             /* STARTUP: 1 ms in units of 256 periods */
    ek_reg_write(at->xosc, 0xAA0U | (0xFABU << 12)); /* CTRL: 1 to 15 MHz, enable */
    ek_reg_wait(at->xosc + 0x04U, 1U << 31, 1U << 31);
    ek_reg_write(at->clocks + 0x30U, 2U); /* CLK_REF: crystal */
    ek_reg_wait(at->clocks + 0x38U, 1U << 2, 1U << 2);
    ek_reg_clear(at->clocks + 0x3CU, 1U); /* CLK_SYS: from CLK_REF */
    ek_reg_wait(at->clocks + 0x44U, 1U, 1U);
}

/* CLK_SYS and CLK_PERI from PLL_SYS: 12 MHz x multiplier / first / second. PLL_SYS is out of reset. */
static inline void ek_rp2_pll_start(const ek_rp2_clocks *at, uint32_t multiplier, uint32_t first,
                                    uint32_t second)
{
    ek_reg_write(at->pll, 1U);                                  /* CS: REFDIV */
    ek_reg_write(at->pll + 0x08U, multiplier);                  /* FBDIV_INT */
    ek_reg_write(at->pll + EK_RP2_ATOMIC_CLEAR + 0x04U, 0x21U); /* PWR: PLL and VCO on */
    ek_reg_wait(at->pll, 1U << 31, 1U << 31);
    ek_reg_write(at->pll + 0x0CU, (first << 16) | (second << 12)); /* PRIM */
    ek_reg_write(at->pll + EK_RP2_ATOMIC_CLEAR + 0x04U, 8U);       /* PWR: post dividers on */
    ek_reg_write(at->clocks + 0x3CU, 0U); /* CLK_SYS: PLL_SYS chosen among the auxiliary sources, */
    ek_reg_write(at->clocks + 0x3CU, 1U); /* and then the auxiliary source */
    ek_reg_wait(at->clocks + 0x44U, 2U, 2U);
    ek_reg_write(at->clocks + 0x48U, 1U << 11); /* CLK_PERI: from CLK_SYS */
}

/* A UART that is out of reset and runs from CLK_PERI, which is CLK_SYS. */
static inline void ek_rp2_uart_init(uint32_t uart)
{
    const uint32_t divider = ((8U * EK_CLOCK_HZ / EK_BAUD) + 1U) / 2U; /* in 64ths of 16 samples */
    ek_reg_write(uart + 0x24U, divider >> 6);
    ek_reg_write(uart + 0x28U, divider & 63U);
    ek_reg_write(uart + 0x2CU, (3U << 5) | (1U << 4)); /* LCR_H: 8 bits, FIFOs; takes the dividers over */
    ek_reg_write(uart + 0x30U, (1U << 9) | (1U << 8) | 1U); /* CR: receive, transmit, on */
}

static inline int32_t ek_rp2_uart_read(uint32_t uart, uint8_t *data, int32_t size)
{
    int32_t count = 0;
    while ((count < size) && ((ek_reg_read(uart + 0x18U) & (1U << 4)) == 0U)) { /* FR: RXFE */
        data[count] = (uint8_t)ek_reg_read(uart);
        count++;
    }
    return count;
}

static inline void ek_rp2_uart_write(uint32_t uart, const uint8_t *data, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        while ((ek_reg_read(uart + 0x18U) & (1U << 5)) != 0U) { /* FR: TXFF */
        }
        ek_reg_write(uart, data[i]);
    }
    while ((ek_reg_read(uart + 0x18U) & (1U << 3)) != 0U) { /* FR: BUSY */
    }
}

#endif
