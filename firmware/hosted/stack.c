/* Linux and the host grow the stack as they like; nothing can be said of it here. */
#include "ek/stack.h"

void ek_stack_repaint(void)
{
}

uint32_t ek_stack_used(void)
{
    return 0U;
}
