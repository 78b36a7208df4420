/* STM32F4 on NUCLEO-F446RE: 180 MHz, USART2 on PA2 and PA3 to the ST-LINK, trigger PA8. RM0390.
 * Registers: PWR CR CSR, RCC CR PLLCFGR CFGR AHB1ENR APB1ENR, FLASH ACR, GPIOA, USART2, DWT.
 * Timer: the DWT cycle counter */
#include "../common/scs.h"
#include "../common/stm32.h"
#include "../common/stm32f4f7.h"
#include "ek/port.h"

#define EK_UART 0x40004400U
#define EK_TRIGGER_GPIO 0x40020000U
#define EK_TRIGGER_PIN 8U

void ek_port_init(void)
{
    ek_clock_f4f7(EK_CLOCK_HZ, 5U | (1U << 8) | (1U << 9) | (1U << 10)); /* prefetch, both caches */
    ek_reg_set(EK_RCC + 0x30U, 1U);                                      /* AHB1ENR: GPIOA */
    ek_reg_set(EK_RCC + 0x40U, 1U << 17);                                /* APB1ENR: USART2 */
    ek_gpio_alternate(EK_TRIGGER_GPIO, 2U, 7U);
    ek_gpio_alternate(EK_TRIGGER_GPIO, 3U, 7U);
    ek_usart_v1_init(EK_UART, ((EK_CLOCK_HZ / 4U) + (EK_BAUD / 2U)) / EK_BAUD); /* APB1 */
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
    return ek_usart_v1_read(EK_UART, data, size);
}

void ek_port_write(const uint8_t *data, int32_t size)
{
    ek_usart_v1_write(EK_UART, data, size);
}

void ek_port_trigger(int32_t level)
{
    ek_gpio_write(EK_TRIGGER_GPIO, EK_TRIGGER_PIN, level);
}

_Noreturn void ek_port_reset(void)
{
    ek_scs_reset();
}
