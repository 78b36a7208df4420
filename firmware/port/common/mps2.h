/* The port of the MPS2 images. The port.c that includes this gives EK_UART0, EK_TIMER0 and EK_LED, which is all in
 * which the images differ. QEMU's CYCCNT reads 0: then TIMER0, which runs at the same clock, counts cycles. */
#ifndef EK_PORT_MPS2_H
#define EK_PORT_MPS2_H

#include "../common/cmsdk.h"
#include "../common/scs.h"
#include "ek/port.h"

static int32_t ek_has_dwt;

void ek_port_init(void)
{
    ek_cmsdk_uart_init(EK_UART0, EK_CLOCK_HZ, EK_BAUD);
    ek_has_dwt = ek_dwt_start();
    if (ek_has_dwt == 0) {
        ek_cmsdk_timer_init(EK_TIMER0);
    }
}

uint32_t ek_port_cycles(void)
{
    return (ek_has_dwt != 0) ? ek_dwt_cycles() : ek_cmsdk_timer_cycles(EK_TIMER0);
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

#endif
