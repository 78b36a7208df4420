/* Raspberry Pi Pico 2: crystal 12 MHz x 125 / 5 / 2 = 150 MHz, UART0 on GP0 and GP1, trigger GP2. RP2350 datasheet, and
 * the pico-sdk's register headers. It runs on core 0, in Secure state, in which the boot ROM starts it, and leaves the
 * flash as the boot ROM set it up: a third of the clock in the fastest mode that worked (datasheet 5.2.7). Registers:
 * RESETS, XOSC, PLL_SYS, CLOCKS, PSM WDSEL, WATCHDOG, IO_BANK0, PADS_BANK0, SIO, UART0, DWT.
 * Timer: the DWT cycle counter */
#include "../common/rp2.h"
#include "../common/scs.h"
#include "ek/port.h"

#define EK_CLOCKS 0x40010000U
#define EK_PSM_WDSEL 0x40018008U
#define EK_RESETS 0x40020000U
#define EK_IO_BANK0 0x40028000U
#define EK_PADS_BANK0 0x40038000U
#define EK_XOSC 0x40048000U
#define EK_PLL_SYS 0x40050000U
#define EK_UART 0x40070000U
#define EK_WATCHDOG 0x400D8000U
#define EK_SIO 0xD0000000U
#define EK_TRIGGER_BIT (1U << 2)
#define EK_DIVIDE_BY_1 (1U << 16)

/* What a pad is; isolation (bit 8), which it has from reset on, ends with it. Erratum RP2350-E9: a pull-down is too
 * weak for an input's leakage, a pull-up is not. */
#define EK_PAD_OUTPUT 0x12U               /* 4 mA, Schmitt trigger */
#define EK_PAD_INPUT (0x12U | 0x40U | 8U) /* input enable, pull-up */

/* The IMAGE_DEF that the boot ROM looks for in the first 4 KB: the smallest for an Arm program in Secure state (datasheet
 * 5.9.5.1). Without an item that says otherwise the vector table is the beginning of the image. */
__attribute__((section(".image_block"), used)) static const uint32_t ek_image_block[5] = {
    0xFFFFDED3U, /* start of a block */
    0x10210142U, /* IMAGE_TYPE, 1 word: executable, Secure, Arm, RP2350 */
    0x000001FFU, /* LAST: 1 word of items before it */
    0x00000000U, /* the next block of the loop is this one */
    0xAB123579U, /* end of the block */
};

/* Function and pad of a pin; the pad last, because isolation holds what the pin was until then. */
static void pin_init(uint32_t pin, uint32_t function, uint32_t pad)
{
    ek_reg_write(EK_IO_BANK0 + (8U * pin) + 4U, function);
    ek_reg_write(EK_PADS_BANK0 + (4U * pin) + 4U, pad);
}

void ek_port_init(void)
{
    const ek_rp2_clocks clocks = {EK_RESETS, EK_XOSC, EK_PLL_SYS, EK_CLOCKS};
    /* The boot ROM of revision A3 leaves dividers behind (datasheet, hardware revision history). */
    ek_rp2_crystal_start(&clocks);
    ek_reg_write(EK_CLOCKS + 0x34U, EK_DIVIDE_BY_1);                   /* CLK_REF_DIV */
    ek_reg_write(EK_CLOCKS + 0x40U, EK_DIVIDE_BY_1);                   /* CLK_SYS_DIV */
    ek_reg_write(EK_CLOCKS + 0x4CU, EK_DIVIDE_BY_1);                   /* CLK_PERI_DIV */
    ek_rp2_leave_reset(EK_RESETS, (1U << 6) | (1U << 9) | (1U << 14)); /* IO_BANK0, PADS_BANK0, PLL_SYS */
    ek_rp2_pll_start(&clocks, EK_CLOCK_HZ / (EK_RP2_XOSC_HZ / 10U), 5U, 2U);
    ek_rp2_leave_reset(EK_RESETS, 1U << 26); /* UART0 */
    ek_rp2_uart_init(EK_UART);
    pin_init(0U, EK_RP2_UART_FUNCTION, EK_PAD_OUTPUT);
    pin_init(1U, EK_RP2_UART_FUNCTION, EK_PAD_INPUT);
    ek_reg_write(EK_SIO + 0x38U, EK_TRIGGER_BIT); /* GPIO_OE_SET */
    pin_init(2U, EK_RP2_SIO_FUNCTION, EK_PAD_OUTPUT);
    if (ek_dwt_start() == 0) {
        ek_fault();
    }
}

uint32_t ek_port_cycles(void)
{
    return ek_dwt_cycles();
}

uint32_t ek_port_cycle_hz(void)
{
    return EK_CLOCK_HZ;
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
    ek_reg_write(EK_SIO + ((level != 0) ? 0x18U : 0x20U), EK_TRIGGER_BIT); /* GPIO_OUT_SET, GPIO_OUT_CLR */
}

/* The watchdog resets all but the oscillators, as the pico-sdk has it do: a reset asked for in AIRCR is the core's alone,
 * and would start the boot ROM with the rest of the chip as this firmware left it. */
_Noreturn void ek_port_reset(void)
{
    ek_reg_write(EK_PSM_WDSEL, 0x01FFFFF3U);                 /* all but XOSC and ROSC */
    ek_reg_write(EK_WATCHDOG + 0x1CU, 0U);                   /* SCRATCH4: no magic number, an ordinary boot */
    ek_reg_write(EK_WATCHDOG + EK_RP2_ATOMIC_SET, 1U << 31); /* CTRL: TRIGGER */
    ek_fault();
}
