/* Raspberry Pi Pico: crystal 12 MHz x 125 / 6 / 2 = 125 MHz, UART0 on GP0 and GP1, trigger GP2. RP2040 datasheet.
 * The Cortex-M0+ has no cycle counter, and SysTick wraps after 0.13 s: the 1 MHz timer counts. Registers: RESETS, XOSC,
 * PLL_SYS, CLOCKS, WATCHDOG TICK, TIMER TIMERAWL, IO_BANK0, SIO, UART0, and SSI from the second stage.
 * Timer: the 1 us timer */
#include "../common/rp2.h"
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
#define EK_TIMER_HZ 1000000U
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

void ek_port_init(void)
{
    const ek_rp2_clocks clocks = {EK_RESETS, EK_XOSC, EK_PLL_SYS, EK_CLOCKS};
    ek_rp2_crystal_start(&clocks);
    ek_rp2_leave_reset(EK_RESETS, (1U << 5) | (1U << 8) | (1U << 12) |
                                      (1U << 21)); /* IO_BANK0, PADS_BANK0, PLL_SYS, TIMER */
    ek_rp2_pll_start(&clocks, EK_CLOCK_HZ / (EK_RP2_XOSC_HZ / 12U), 6U, 2U);
    ek_reg_write(EK_WATCHDOG_TICK, (EK_RP2_XOSC_HZ / EK_TIMER_HZ) | (1U << 9));
    ek_rp2_leave_reset(EK_RESETS, 1U << 22); /* UART0 */
    ek_rp2_uart_init(EK_UART);
    ek_reg_write(EK_IO_BANK0 + 0x04U, EK_RP2_UART_FUNCTION); /* GP0 */
    ek_reg_write(EK_IO_BANK0 + 0x0CU, EK_RP2_UART_FUNCTION); /* GP1 */
    ek_reg_write(EK_IO_BANK0 + 0x14U, EK_RP2_SIO_FUNCTION);  /* GP2 */
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
    return ek_rp2_uart_read(EK_UART, data, size);
}

void ek_port_write(const uint8_t *data, int32_t size)
{
    ek_rp2_uart_write(EK_UART, data, size);
}

void ek_port_trigger(int32_t level)
{
    ek_reg_write(EK_SIO + ((level != 0) ? 0x14U : 0x18U), EK_TRIGGER_BIT);
}

_Noreturn void ek_port_reset(void)
{
    ek_scs_reset();
}
