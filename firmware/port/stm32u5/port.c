/* STM32U5 on NUCLEO-U575ZI-Q: MSIS 4 MHz x 80 / 2 = 160 MHz, USART1 on PA9 and PA10 to the ST-LINK, trigger PF13.
 * RM0456. Registers: PWR VOSR, RCC CR CFGR1 PLL1CFGR PLL1DIVR AHB2ENR1 AHB3ENR APB2ENR, FLASH ACR, ICACHE CR, GPIOA,
 * GPIOF, USART1, DWT.
 * Timer: the DWT cycle counter */
#include "../common/scs.h"
#include "../common/stm32.h"
#include "ek/port.h"

#define EK_UART 0x40013800U
#define EK_TRIGGER_GPIO 0x42021400U
#define EK_TRIGGER_PIN 13U
#define EK_GPIOA 0x42020000U
#define EK_PWR_VOSR 0x4602080CU
#define EK_RCC 0x46020C00U
#define EK_FLASH_ACR 0x40022000U
#define EK_ICACHE_CR 0x40030400U

static void ek_clock_init(void)
{
    ek_reg_set(EK_RCC + 0x94U, 1U << 2);          /* AHB3ENR: PWR */
    ek_reg_set(EK_PWR_VOSR, 3U << 16);            /* range 1 */
    ek_reg_wait(EK_PWR_VOSR, 1U << 15, 1U << 15); /* VOSRDY */
    ek_reg_write(EK_FLASH_ACR, 4U | (1U << 8));   /* wait states, prefetch */
    ek_reg_wait(EK_FLASH_ACR, 0xFU, 4U);
    ek_reg_write(EK_RCC + 0x28U,
                 1U | (2U << 2) | (1U << 18)); /* PLL1CFGR: MSIS, 4 to 8 MHz in, M = 1, R on */
    ek_reg_set(EK_PWR_VOSR, 1U << 18);         /* BOOSTEN: needs its clock, chosen just before */
    ek_reg_wait(EK_PWR_VOSR, 1U << 14, 1U << 14);
    ek_reg_write(EK_RCC + 0x34U,
                 79U | (1U << 9) | (1U << 16) | (1U << 24)); /* PLL1DIVR: N = 80, P = Q = R = 2 */
    ek_reg_set(EK_RCC, 1U << 24);
    ek_reg_wait(EK_RCC, 1U << 25, 1U << 25);
    ek_reg_field(EK_RCC + 0x1CU, 3U, 3U);
    ek_reg_wait(EK_RCC + 0x1CU, 3U << 2, 3U << 2);
    ek_reg_set(EK_ICACHE_CR, 1U);
}

void ek_port_init(void)
{
    ek_clock_init();
    ek_reg_set(EK_RCC + 0x8CU, 1U | (1U << 5)); /* AHB2ENR1: GPIOA, GPIOF */
    ek_reg_set(EK_RCC + 0xA4U, 1U << 14);       /* APB2ENR: USART1, which takes PCLK2 */
    ek_gpio_alternate(EK_GPIOA, 9U, 7U);
    ek_gpio_alternate(EK_GPIOA, 10U, 7U);
    ek_usart_init(EK_UART, (EK_CLOCK_HZ + (EK_BAUD / 2U)) / EK_BAUD);
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
