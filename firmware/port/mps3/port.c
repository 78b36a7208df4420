/* Arm MPS3 with AN547 (Corstone-300, M55), in the secure state it starts in.
 * Registers: UART0, the SSE counter's control and status frames, FPGAIO LED0. Corstone SSE-300 reference manual
 * (101773).
 * Timer: the system counter */
#include "../common/cmsdk.h"
#include "../common/scs.h"
#include "ek/port.h"

#define EK_UART0 0x59303000U
#define EK_CNTCR 0x58100000U
#define EK_CNTCV_LOW 0x58101000U
#define EK_LED 0x59302000U

void ek_port_init(void)
{
    ek_cmsdk_uart_init(EK_UART0, EK_CLOCK_HZ, EK_BAUD);
    ek_reg_write(EK_CNTCR, 1U); /* the 64-bit counter of all system timers: enable */
}

uint32_t ek_port_cycles(void)
{
    return ek_reg_read(EK_CNTCV_LOW);
}

uint32_t ek_port_cycle_hz(void)
{
    return EK_CLOCK_HZ;
}

int32_t ek_port_read(uint8_t *data, int32_t size)
{
    return ek_cmsdk_uart_read(EK_UART0, data, size);
}

void ek_port_write(const uint8_t *data, int32_t size)
{
    ek_cmsdk_uart_write(EK_UART0, data, size);
}

void ek_port_trigger(int32_t level)
{
    ek_reg_write(EK_LED, (level != 0) ? 1U : 0U);
}

_Noreturn void ek_port_reset(void)
{
    ek_scs_reset();
}
