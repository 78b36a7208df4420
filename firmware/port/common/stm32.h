/* What STM32 families share: GPIO and the USART of two generations. Every family's reference manual. */
#ifndef EK_PORT_STM32_H
#define EK_PORT_STM32_H

#include <stdint.h>

#include "ek/reg.h"

/* Give a pin to its alternate function; the port's clock is on. */
static inline void ek_gpio_alternate(uint32_t gpio, uint32_t pin, uint32_t function)
{
    const uint32_t half = gpio + 0x20U + (4U * (pin / 8U)); /* AFRL or AFRH */
    const uint32_t nibble = 4U * (pin % 8U);
    ek_reg_field(half, 0xFU << nibble, function << nibble);
    ek_reg_field(gpio, 3U << (2U * pin), 2U << (2U * pin)); /* MODER */
}

static inline void ek_gpio_output(uint32_t gpio, uint32_t pin)
{
    ek_reg_field(gpio, 3U << (2U * pin), 1U << (2U * pin));
    ek_reg_field(gpio + 0x08U, 3U << (2U * pin), 2U << (2U * pin)); /* OSPEEDR: the meter times its edge */
}

static inline void ek_gpio_write(uint32_t gpio, uint32_t pin, int32_t level)
{
    ek_reg_write(gpio + 0x18U, (level != 0) ? (1U << pin) : (1U << (pin + 16U))); /* BSRR */
}

/* Status bits that both generations have at the same place. */
#define EK_USART_RXNE (1U << 5)
#define EK_USART_TC (1U << 6)
#define EK_USART_TXE (1U << 7)

/* The USART and LPUART of F7, H7, L4, U5; brr is the divider that BRR takes. */
static inline void ek_usart_init(uint32_t base, uint32_t brr)
{
    ek_reg_write(base + 0x0CU, brr);
    ek_reg_write(base, (1U << 3) | (1U << 2) | 1U); /* CR1: TE, RE, UE */
}

static inline int32_t ek_usart_read(uint32_t base, uint8_t *data, int32_t size)
{
    int32_t count = 0;
    while ((count < size) && ((ek_reg_read(base + 0x1CU) & EK_USART_RXNE) != 0U)) {
        data[count] = (uint8_t)ek_reg_read(base + 0x24U);
        count++;
    }
    if ((ek_reg_read(base + 0x1CU) & (1U << 3)) != 0U) {
        ek_reg_write(base + 0x20U, 1U << 3); /* ICR: an overrun blocks reception until it is cleared */
    }
    return count;
}

static inline void ek_usart_write(uint32_t base, const uint8_t *data, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        while ((ek_reg_read(base + 0x1CU) & EK_USART_TXE) == 0U) {
        }
        ek_reg_write(base + 0x28U, data[i]);
    }
    while ((ek_reg_read(base + 0x1CU) & EK_USART_TC) == 0U) {
    }
}

/* The USART of F4. */
static inline void ek_usart_v1_init(uint32_t base, uint32_t brr)
{
    ek_reg_write(base + 0x08U, brr);
    ek_reg_write(base + 0x0CU, (1U << 13) | (1U << 3) | (1U << 2)); /* CR1: UE, TE, RE */
}

static inline int32_t ek_usart_v1_read(uint32_t base, uint8_t *data, int32_t size)
{
    int32_t count = 0;
    while ((count < size) && ((ek_reg_read(base) & EK_USART_RXNE) != 0U)) {
        data[count] = (uint8_t)ek_reg_read(base + 0x04U); /* reading SR, then DR, clears an overrun too */
        count++;
    }
    return count;
}

static inline void ek_usart_v1_write(uint32_t base, const uint8_t *data, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        while ((ek_reg_read(base) & EK_USART_TXE) == 0U) {
        }
        ek_reg_write(base + 0x04U, data[i]);
    }
    while ((ek_reg_read(base) & EK_USART_TC) == 0U) {
    }
}

#endif
