/* UART, timer and LED of Arm's MPS2 and MPS3 FPGA images. Cortex-M System Design Kit (DDI0479), AN385, AN505. */
#ifndef EK_PORT_CMSDK_H
#define EK_PORT_CMSDK_H

#include <stdint.h>

#include "ek/reg.h"

static inline void ek_cmsdk_uart_init(uint32_t base, uint32_t clock_hz, uint32_t baud)
{
    ek_reg_write(base + 0x10U, clock_hz / baud); /* BAUDDIV, at least 16 */
    ek_reg_write(base + 0x08U, 3U);              /* CTRL: transmit and receive */
}

static inline int32_t ek_cmsdk_uart_read(uint32_t base, uint8_t *data, int32_t size)
{
    int32_t count = 0;
    while ((count < size) && ((ek_reg_read(base + 0x04U) & 2U) != 0U)) { /* STATE: receive buffer full */
        data[count] = (uint8_t)ek_reg_read(base);
        count++;
    }
    return count;
}

static inline void ek_cmsdk_uart_write(uint32_t base, const uint8_t *data, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        while ((ek_reg_read(base + 0x04U) & 1U) != 0U) { /* STATE: transmit buffer full */
        }
        ek_reg_write(base, data[i]);
    }
}

/* A 32-bit counter at the system clock; it counts down, so the reader negates it. */
static inline void ek_cmsdk_timer_init(uint32_t base)
{
    ek_reg_write(base + 0x08U, 0xFFFFFFFFU); /* RELOAD */
    ek_reg_write(base + 0x04U, 0xFFFFFFFFU); /* VALUE */
    ek_reg_write(base, 1U);                  /* CTRL: enable */
}

static inline uint32_t ek_cmsdk_timer_cycles(uint32_t base)
{
    return 0xFFFFFFFFU - ek_reg_read(base + 0x04U);
}

#endif
