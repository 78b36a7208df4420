#include "ek/stack.h"

/* From link.ld. */
extern uint32_t __stack_limit[];
extern uint32_t __stack_top[];

/* Where the stack pointer was when the paint was put on. */
static volatile uint32_t *ek_stack_mark = __stack_top;

/* Word by word through volatile: a call of memset would use the stack that is being painted. */
__attribute__((noinline)) void ek_stack_repaint(void)
{
    volatile uint32_t *here;
    __asm volatile("mov %0, sp" : "=r"(here));
    for (volatile uint32_t *at = __stack_limit; at < here; at++) {
        *at = EK_STACK_PAINT;
    }
    ek_stack_mark = here;
}

uint32_t ek_stack_used(void)
{
    volatile uint32_t *at = __stack_limit;
    while ((at < ek_stack_mark) && (*at == EK_STACK_PAINT)) {
        at++;
    }
    return (uint32_t)(ek_stack_mark - at) * (uint32_t)sizeof(uint32_t);
}
