/* Where everything that must not go on ends. */
#ifndef EK_FAULT_H
#define EK_FAULT_H

_Noreturn void ek_fault(void); /* spins; a debugger or an emulator recognises it by its name */

#endif
