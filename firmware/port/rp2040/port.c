/* Raspberry Pi Pico: crystal 12 MHz x 125 / 6 / 2 = 125 MHz, UART0 on GP0 and GP1, trigger GP2. RP2040 datasheet.
 * The Cortex-M0+ has no cycle counter, and SysTick wraps after 0.13 s: the 1 MHz timer counts. Registers: RESETS, XOSC,
 * PLL_SYS, CLOCKS, WATCHDOG TICK, TIMER TIMERAWL, IO_BANK0, SIO, UART0, and SSI from the second stage.
 * Timer: the 1 us timer */
#include "../common/scs.h"
#include "ek/port.h"

#define EK_CLOCKS 0x40008000U
#define EK_RESETS 0x4000C000U
#define EK_IO_BANK0 0x40014000U
#define EK_XOSC 0x40024000U
#define EK_PLL_SYS 0x40028000U
#define EK_UART 0x40034000U
#define EK_TIMERAWL 0x40054028U
#define EK_WATCHDOG_TICK 0x4005802CU
#define EK_SIO 0xD0000000U
#define EK_ATOMIC_CLEAR 0x3000U
#define EK_TIMER_HZ 1000000U
#define EK_XOSC_HZ 12000000U
#define EK_TRIGGER_BIT (1U << 2)

/* The boot ROM copies these 256 bytes to RAM, checks their CRC (the last word) and runs them (datasheet 2.8.1.3). They
 * set the flash up for execution in place with command 03h, which every flash chip has, at a quarter of the clock, and
 * jump through the vector table behind them:
 *     ldr r3, =SSI; movs r0, #0; str r0, [r3, #SSIENR]; movs r1, #4; str r1, [r3, #BAUDR]
 *     ldr r1, =0x001F0300; str r1, [r3, #CTRLR0]; str r0, [r3, #CTRLR1]   32-bit frames, EEPROM read
 *     movs r2, #0xF4; ldr r1, =0x03000218; str r1, [r3, r2]               SPI_CTRLR0: 03h, 24 address bits
 *     movs r1, #1; str r1, [r3, #SSIENR]
 *     ldr r0, =0x10000100; ldr r1, =VTOR; str r0, [r1]; ldm r0!, {r1, r2}; mov sp, r1; bx r2 */
__attribute__((section(".boot2"), used)) static const uint32_t ek_second_stage[64] = {
    0x20004B09U, 0x21046098U, 0x49086159U, 0x60586019U,        0x490722F4U, 0x21015099U,
    0x48066099U, 0x60084906U, 0x468DC806U, 0x00004710U,        0x18000000U, 0x001F0300U,
    0x03000218U, 0x10000100U, 0xE000ED08U, [63] = 0x68256B72U,
};

static void leave_reset(uint32_t blocks)
{
    ek_reg_write(EK_RESETS + EK_ATOMIC_CLEAR, blocks);
    ek_reg_wait(EK_RESETS + 0x08U, blocks, blocks);
}

static void clock_init(void)
{
    ek_reg_write(EK_XOSC + 0x0CU, 47U);             /* STARTUP: 1 ms in units of 256 periods */
    ek_reg_write(EK_XOSC, 0xAA0U | (0xFABU << 12)); /* CTRL: 1 to 15 MHz, enable */
    ek_reg_wait(EK_XOSC + 0x04U, 1U << 31, 1U << 31);
    ek_reg_write(EK_CLOCKS + 0x30U, 2U); /* CLK_REF: crystal */
    ek_reg_wait(EK_CLOCKS + 0x38U, 1U << 2, 1U << 2);
    ek_reg_clear(EK_CLOCKS + 0x3CU, 1U); /* CLK_SYS: off the PLL, if a boot loader left it there */
    ek_reg_wait(EK_CLOCKS + 0x44U, 1U, 1U);
    leave_reset((1U << 5) | (1U << 8) | (1U << 12) | (1U << 21)); /* IO_BANK0, PADS_BANK0, PLL_SYS, TIMER */
    ek_reg_write(EK_PLL_SYS, 1U);                                 /* CS: REFDIV */
    /* FBDIV: 12 MHz times it, then / 6 / 2. */
    ek_reg_write(EK_PLL_SYS + 0x08U, EK_CLOCK_HZ / (EK_XOSC_HZ / 12U));
    ek_reg_write(EK_PLL_SYS + EK_ATOMIC_CLEAR + 0x04U, 0x21U); /* PWR: PLL and VCO on */
    ek_reg_wait(EK_PLL_SYS, 1U << 31, 1U << 31);
    ek_reg_write(EK_PLL_SYS + 0x0CU, (6U << 16) | (2U << 12)); /* PRIM: / 6 / 2 */
    ek_reg_write(EK_PLL_SYS + EK_ATOMIC_CLEAR + 0x04U, 8U);    /* PWR: post dividers on */
    ek_reg_write(EK_CLOCKS + 0x3CU, 1U); /* CLK_SYS: auxiliary source, which is PLL_SYS */
    ek_reg_wait(EK_CLOCKS + 0x44U, 2U, 2U);
    ek_reg_write(EK_CLOCKS + 0x48U, 1U << 11); /* CLK_PERI: from CLK_SYS */
    ek_reg_write(EK_WATCHDOG_TICK, (EK_XOSC_HZ / EK_TIMER_HZ) | (1U << 9));
}

static void uart_init(void)
{
    const uint32_t divider = ((8U * EK_CLOCK_HZ / EK_BAUD) + 1U) / 2U; /* in 64ths of 16 samples */
    leave_reset(1U << 22);
    ek_reg_write(EK_UART + 0x24U, divider >> 6);
    ek_reg_write(EK_UART + 0x28U, divider & 63U);
    ek_reg_write(EK_UART + 0x2CU, (3U << 5) | (1U << 4)); /* LCR_H: 8 bits, FIFOs; takes the dividers over */
    ek_reg_write(EK_UART + 0x30U, (1U << 9) | (1U << 8) | 1U); /* CR: receive, transmit, on */
    ek_reg_write(EK_IO_BANK0 + 0x04U, 2U);                     /* GP0: UART */
    ek_reg_write(EK_IO_BANK0 + 0x0CU, 2U);                     /* GP1: UART */
}

void ek_port_init(void)
{
    clock_init();
    uart_init();
    ek_reg_write(EK_IO_BANK0 + 0x14U, 5U); /* GP2: SIO */
    ek_reg_write(EK_SIO + 0x24U, EK_TRIGGER_BIT);
}

uint32_t ek_port_cycles(void)
{
    return ek_reg_read(EK_TIMERAWL);
}

uint32_t ek_port_cycle_hz(void)
{
    return EK_TIMER_HZ;
}

int32_t ek_port_read(uint8_t *data, int32_t size)
{
    int32_t count = 0;
    while ((count < size) && ((ek_reg_read(EK_UART + 0x18U) & (1U << 4)) == 0U)) { /* FR: RXFE */
        data[count] = (uint8_t)ek_reg_read(EK_UART);
        count++;
    }
    return count;
}

void ek_port_write(const uint8_t *data, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        while ((ek_reg_read(EK_UART + 0x18U) & (1U << 5)) != 0U) { /* FR: TXFF */
        }
        ek_reg_write(EK_UART, data[i]);
    }
    while ((ek_reg_read(EK_UART + 0x18U) & (1U << 3)) != 0U) { /* FR: BUSY */
    }
}

void ek_port_trigger(int32_t level)
{
    ek_reg_write(EK_SIO + ((level != 0) ? 0x14U : 0x18U), EK_TRIGGER_BIT);
}

_Noreturn void ek_port_reset(void)
{
    ek_scs_reset();
}
