/* Arm MPS2+ with AN505 (M33), in the secure state it starts in, and edgekit's emulated M33.
 * Registers: UART0, TIMER0, FPGAIO LED0 through their secure aliases; the DWT where it advances.
 * Timer: the cycle counter, or TIMER0 where there is none */
#define EK_UART0 0x50200000U
#define EK_TIMER0 0x50000000U
#define EK_LED 0x50302000U

#include "../common/mps2.h"
