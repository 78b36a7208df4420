/* STM32F7 on NUCLEO-F746ZG: 216 MHz, USART3 on PD8 and PD9 to the ST-LINK, trigger PF13. RM0385.
 * Registers: PWR CR1 CSR1, RCC CR PLLCFGR CFGR AHB1ENR APB1ENR, FLASH ACR, GPIOD, GPIOF, USART3, caches, DWT.
 * Timer: the DWT cycle counter */
#include "../common/cache_m7.h"
#include "../common/scs.h"
#include "../common/stm32.h"
#include "../common/stm32f4f7.h"
#include "ek/port.h"

#define EK_UART 0x40004800U
#define EK_TRIGGER_GPIO 0x40021400U
#define EK_TRIGGER_PIN 13U
#define EK_GPIOD 0x40020C00U

void ek_port_init(void)
{
    ek_clock_f4f7(EK_CLOCK_HZ, 7U | (1U << 8) | (1U << 9)); /* prefetch, accelerator */
    ek_cache_enable();
    ek_reg_set(EK_RCC + 0x30U, (1U << 3) | (1U << 5)); /* AHB1ENR: GPIOD, GPIOF */
    ek_reg_set(EK_RCC + 0x40U, 1U << 18);              /* APB1ENR: USART3 */
    ek_gpio_alternate(EK_GPIOD, 8U, 7U);
    ek_gpio_alternate(EK_GPIOD, 9U, 7U);
    ek_usart_init(EK_UART, ((EK_CLOCK_HZ / 4U) + (EK_BAUD / 2U)) / EK_BAUD); /* APB1 */
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
