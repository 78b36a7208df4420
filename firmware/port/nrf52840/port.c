/* nRF52840-DK: 64 MHz, UART0 on P0.06 and P0.08 to the J-Link, trigger P1.08. nRF52840 product specification; the
 * UART without EasyDMA. Registers: CLOCK TASKS_HFCLKSTART EVENTS_HFCLKSTARTED, UART0, NVMC ICACHECNF, P0, P1, DWT.
 * Timer: the DWT cycle counter */
#include "../common/scs.h"
#include "ek/port.h"

#define EK_CLOCK 0x40000000U
#define EK_UART 0x40002000U
#define EK_ICACHECNF 0x4001E540U
#define EK_P0 0x50000000U
#define EK_P1 0x50000300U
#define EK_RXDRDY (EK_UART + 0x108U)
#define EK_TXDRDY (EK_UART + 0x11CU)
#define EK_TRIGGER_BIT (1U << 8)

/* BAUDRATE is baud * 2^32 / 16 MHz, of which the hardware wants the low 12 bits rounded off. */
#define EK_BAUDRATE ((uint32_t)(((((uint64_t)EK_BAUD << 32) / 16000000U) + 0x800U) & 0xFFFFF000U))

void ek_port_init(void)
{
    ek_reg_write(EK_CLOCK, 1U); /* the crystal: the internal oscillator is too coarse for some hosts' UARTs */
    ek_reg_wait(EK_CLOCK + 0x100U, 1U, 1U);
    ek_reg_write(EK_ICACHECNF, 1U);
    ek_reg_write(EK_P0 + 0x508U, 1U << 6); /* idle high before the pin drives */
    ek_reg_write(EK_P0 + 0x518U, 1U << 6);
    ek_reg_write(EK_P1 + 0x518U, EK_TRIGGER_BIT);
    ek_reg_write(EK_UART + 0x50CU, 6U); /* PSELTXD */
    ek_reg_write(EK_UART + 0x514U, 8U); /* PSELRXD */
    ek_reg_write(EK_UART + 0x524U, EK_BAUDRATE);
    ek_reg_write(EK_UART + 0x56CU, 0U); /* 8N1, no flow control */
    ek_reg_write(EK_UART + 0x500U, 4U);
    ek_reg_write(EK_RXDRDY, 0U);
    ek_reg_write(EK_UART, 1U);         /* STARTRX */
    ek_reg_write(EK_UART + 0x08U, 1U); /* STARTTX */
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
    int32_t count = 0;
    while ((count < size) && (ek_reg_read(EK_RXDRDY) != 0U)) {
        ek_reg_write(EK_RXDRDY,
                     0U); /* before the read, which lets the next byte of the FIFO raise it again */
        data[count] = (uint8_t)ek_reg_read(EK_UART + 0x518U);
        count++;
    }
    return count;
}

void ek_port_write(const uint8_t *data, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        ek_reg_write(EK_TXDRDY, 0U);
        ek_reg_write(EK_UART + 0x51CU, data[i]);
        while (ek_reg_read(EK_TXDRDY) == 0U) {
        }
    }
}

void ek_port_trigger(int32_t level)
{
    ek_reg_write(EK_P1 + ((level != 0) ? 0x508U : 0x50CU), EK_TRIGGER_BIT);
}

_Noreturn void ek_port_reset(void)
{
    ek_scs_reset();
}
