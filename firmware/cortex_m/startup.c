/* Vector table and reset of every Cortex-M. Nothing here reports: a fault spins in ek_fault. */
#include <stdint.h>

#include "ek/fault.h"
#include "ek/reg.h"
#include "ek/stack.h"

/* From link.ld. */
extern uint32_t __stack_top[];
extern uint32_t __data_start[];
extern uint32_t __data_end[];
extern const uint32_t __data_load[];
extern uint32_t __bss_start[];
extern uint32_t __bss_end[];

int main(void);
_Noreturn void Reset_Handler(void);

typedef struct {
    uint32_t *stack_top;
    void (*handlers[15])(void); /* the exceptions of the core; ports use no interrupts */
} ek_vectors;

__attribute__((section(".vectors"), used)) const ek_vectors __vectors = {
    __stack_top,
    {Reset_Handler, ek_fault, ek_fault, ek_fault, ek_fault, ek_fault, ek_fault, ek_fault, ek_fault, ek_fault,
     ek_fault, ek_fault, ek_fault, ek_fault, ek_fault},
};

#define EK_VTOR 0xE000ED08U
#define EK_CCR 0xE000ED14U
#define EK_CPACR 0xE000ED88U
#define EK_CCR_LOB (1U << 19)           /* Armv8.1-M: the loop cache of low-overhead loops */
#define EK_CPACR_CP10_CP11 (0xFU << 20) /* FPU and MVE, full access */

__attribute__((noinline)) _Noreturn void ek_fault(void)
{
    for (;;) {
        __asm volatile("nop");
    }
}

/* Copies and clears word by word through volatile, so that no loop becomes a call of a function whose data is not
 * there yet. */
__attribute__((noinline)) static _Noreturn void start(void)
{
    ek_stack_repaint();
    const volatile uint32_t *from = __data_load;
    for (volatile uint32_t *to = __data_start; to < __data_end; to++) {
        *to = *from;
        from++;
    }
    for (volatile uint32_t *to = __bss_start; to < __bss_end; to++) {
        *to = 0U;
    }
    (void)main();
    ek_fault();
}

_Noreturn void Reset_Handler(void)
{
    ek_reg_write(EK_VTOR, (uint32_t)(uintptr_t)&__vectors);
#if defined(__ARM_FP)
    ek_reg_set(EK_CPACR, EK_CPACR_CP10_CP11);
    __asm volatile("dsb\n\tisb" ::: "memory");
#endif
#if defined(__ARM_FEATURE_MVE)
    ek_reg_set(EK_CCR, EK_CCR_LOB);
    __asm volatile("isb" ::: "memory");
#endif
    start(); /* a function of its own, so that no FPU register is saved before the FPU is on */
}
