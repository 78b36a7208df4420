/* High-water mark of the stack; firmware/cortex_m/stack.c, firmware/hosted/stack.c. */
#ifndef EK_STACK_H
#define EK_STACK_H

#include <stdint.h>

/* What an untouched word of the stack holds. */
#define EK_STACK_PAINT 0xC5C5C5C5U

/* Fill what lies below the caller's frame with a pattern. */
void ek_stack_repaint(void);

/* Bytes below the frame that repainted which were written to since; 0 where a port cannot tell. */
uint32_t ek_stack_used(void);

#endif
