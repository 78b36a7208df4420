/* STM32L4+ on NUCLEO-L4R5ZI: MSI 4 MHz x 60 / 2 = 120 MHz, LPUART1 on PG7 and PG8 to the ST-LINK, trigger PF13.
 * RM0432. Registers: PWR CR1 CR2 SR2 CR5, RCC CR CFGR PLLCFGR AHB2ENR APB1ENR1 APB1ENR2, FLASH ACR, GPIOF, GPIOG,
 * LPUART1, DWT.
 * Timer: the DWT cycle counter */
#include "../common/scs.h"
#include "../common/stm32.h"
#include "ek/port.h"

#define EK_UART 0x40008000U
#define EK_TRIGGER_GPIO 0x48001400U
#define EK_TRIGGER_PIN 13U
#define EK_GPIOG 0x48001800U
#define EK_PWR 0x40007000U
#define EK_RCC 0x40021000U
#define EK_FLASH_ACR 0x40022000U

static void ek_clock_init(void)
{
    ek_reg_set(EK_RCC + 0x58U, 1U << 28);      /* APB1ENR1: PWR */
    ek_reg_field(EK_PWR, 3U << 9, 1U << 9);    /* CR1: range 1 */
    ek_reg_wait(EK_PWR + 0x14U, 1U << 10, 0U); /* SR2: VOSF */
    ek_reg_clear(EK_PWR + 0x80U, 1U << 8);     /* CR5: R1MODE off is boost, for more than 80 MHz */
    ek_reg_write(EK_FLASH_ACR,
                 5U | (1U << 8) | (1U << 9) | (1U << 10)); /* wait states, prefetch, both caches */
    ek_reg_wait(EK_FLASH_ACR, 0xFU, 5U);
    ek_reg_write(EK_RCC + 0x0CU, 1U | (60U << 8) | (1U << 24)); /* PLLCFGR: MSI, M = 1, N = 60, R = 2 */
    ek_reg_set(EK_RCC, 1U << 24);
    ek_reg_wait(EK_RCC, 1U << 25, 1U << 25);
    /* RM0432 6.2.9: pass half the clock for a microsecond on the way to more than 80 MHz. */
    ek_reg_field(EK_RCC + 0x08U, 0xFU << 4, 8U << 4);
    ek_reg_field(EK_RCC + 0x08U, 3U, 3U);
    ek_reg_wait(EK_RCC + 0x08U, 3U << 2, 3U << 2);
    for (int32_t i = 0; i < 60; i++) {
        __asm volatile("nop");
    }
    ek_reg_field(EK_RCC + 0x08U, 0xFU << 4, 0U);
}

void ek_port_init(void)
{
    ek_clock_init();
    ek_reg_set(EK_PWR + 0x04U, 1U << 9);               /* CR2: IOSV, PG2 to PG15 have their own supply */
    ek_reg_set(EK_RCC + 0x4CU, (1U << 5) | (1U << 6)); /* AHB2ENR: GPIOF, GPIOG */
    ek_reg_set(EK_RCC + 0x5CU, 1U);                    /* APB1ENR2: LPUART1, which takes PCLK1 */
    ek_gpio_alternate(EK_GPIOG, 7U, 8U);
    ek_gpio_alternate(EK_GPIOG, 8U, 8U);
    /* LPUART: BRR = 256 * clock / baud, without 64-bit arithmetic. */
    ek_usart_init(EK_UART, ((EK_CLOCK_HZ / EK_BAUD) * 256U) + (((EK_CLOCK_HZ % EK_BAUD) * 256U) / EK_BAUD));
    ek_gpio_output(EK_TRIGGER_GPIO, EK_TRIGGER_PIN);
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
    return ek_usart_read(EK_UART, data, size);
}

void ek_port_write(const uint8_t *data, int32_t size)
{
    ek_usart_write(EK_UART, data, size);
}

void ek_port_trigger(int32_t level)
{
    ek_gpio_write(EK_TRIGGER_GPIO, EK_TRIGGER_PIN, level);
}

_Noreturn void ek_port_reset(void)
{
    ek_scs_reset();
}
