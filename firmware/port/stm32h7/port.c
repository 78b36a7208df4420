/* STM32H7 on NUCLEO-H743ZI2 (revision V): HSI 64 MHz / 8 x 120 / 2 = 480 MHz, USART3 on PD8 and PD9 to the
 * ST-LINK, trigger PG12. RM0433. Registers: PWR CR3 CSR1 D3CR, SYSCFG PWRCR, RCC CR CFGR D1CFGR D2CFGR D3CFGR
 * PLLCKSELR PLLCFGR PLL1DIVR AHB4ENR APB1LENR APB4ENR, FLASH ACR, GPIOD, GPIOG, USART3, caches, DWT.
 * Timer: the DWT cycle counter */
#include "../common/cache_m7.h"
#include "../common/scs.h"
#include "../common/stm32.h"
#include "ek/port.h"

#define EK_UART 0x40004800U
#define EK_TRIGGER_GPIO 0x58021800U
#define EK_TRIGGER_PIN 12U
#define EK_GPIOD 0x58020C00U
#define EK_PWR 0x58024800U
#define EK_RCC 0x58024400U
#define EK_SYSCFG_PWRCR 0x5800042CU
#define EK_FLASH_ACR 0x52002000U

/* Voltage scale 0, which 480 MHz needs, is scale 1 with over-drive. RM0433 6.6.2. */
static void ek_voltage_init(void)
{
    ek_reg_field(EK_PWR + 0x0CU, 7U,
                 2U); /* CR3: the board feeds the core from the LDO; written once after power-on */
    ek_reg_wait(EK_PWR + 0x04U, 1U << 13, 1U << 13);  /* CSR1: ACTVOSRDY */
    ek_reg_field(EK_PWR + 0x18U, 3U << 14, 3U << 14); /* D3CR: scale 1 */
    ek_reg_wait(EK_PWR + 0x18U, 1U << 13, 1U << 13);
    ek_reg_set(EK_RCC + 0xF4U, 1U << 1); /* APB4ENR: SYSCFG */
    ek_reg_set(EK_SYSCFG_PWRCR, 1U);     /* ODEN */
    ek_reg_wait(EK_PWR + 0x18U, 1U << 13, 1U << 13);
}

static void ek_clock_init(void)
{
    ek_reg_write(EK_FLASH_ACR, 4U | (2U << 4)); /* AXI at 240 MHz: wait states, programming delay */
    ek_reg_wait(EK_FLASH_ACR, 0xFU, 4U);
    ek_reg_field(EK_RCC + 0x28U, 3U | (0x3FU << 4), 8U << 4);          /* PLLCKSELR: HSI, M = 8 */
    ek_reg_field(EK_RCC + 0x2CU, (3U << 2) | (1U << 1) | 1U, 3U << 2); /* PLLCFGR: 8 to 16 MHz in, wide VCO */
    ek_reg_set(EK_RCC + 0x2CU, 1U << 16);                              /* P on */
    ek_reg_write(EK_RCC + 0x30U,
                 119U | (1U << 9) | (1U << 16) | (1U << 24)); /* PLL1DIVR: N = 120, P = Q = R = 2 */
    ek_reg_set(EK_RCC, 1U << 24);
    ek_reg_wait(EK_RCC, 1U << 25, 1U << 25);
    ek_reg_write(EK_RCC + 0x18U, 8U | (4U << 4));        /* D1CFGR: AXI and AHB / 2, APB3 / 2 */
    ek_reg_write(EK_RCC + 0x1CU, (4U << 4) | (4U << 8)); /* D2CFGR: APB1, APB2 / 2 */
    ek_reg_write(EK_RCC + 0x20U, 4U << 4);               /* D3CFGR: APB4 / 2 */
    ek_reg_field(EK_RCC + 0x10U, 7U, 3U);
    ek_reg_wait(EK_RCC + 0x10U, 7U << 3, 3U << 3);
}

void ek_port_init(void)
{
    ek_voltage_init();
    ek_clock_init();
    ek_cache_enable();
    ek_reg_set(EK_RCC + 0xE0U, (1U << 3) | (1U << 6)); /* AHB4ENR: GPIOD, GPIOG */
    ek_reg_set(EK_RCC + 0xE8U, 1U << 18);              /* APB1LENR: USART3, which takes PCLK1 */
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
