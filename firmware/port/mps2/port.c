/* Arm MPS2 with AN385 (M3), AN386 (M4) or AN500 (M7), and edgekit's emulated boards.
 * Registers: UART0, TIMER0, FPGAIO LED0; the DWT where it advances.
 * Timer: the cycle counter, or TIMER0 where there is none */
#define EK_UART0 0x40004000U
#define EK_TIMER0 0x40000000U
#define EK_LED 0x40028000U

#include "../common/mps2.h"
