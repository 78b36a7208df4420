/* A firmware to test emulated boards with: one-letter commands over the port's seven functions.
 *
 *   e L H data   echo L + 256 H bytes back          i   ek_model_invoke, answers its cycles
 *   x n          do wrong thing number n            r   reset
 *   s            ek_model_step                      anything else: ! */
#include <stdint.h>

#include "ek/port.h"

void ek_model_invoke(void);
void ek_model_step(uint32_t step);
void demo_invoke(uint8_t *arena);
void demo_layer_00(uint8_t *arena);
void demo_layer_01(uint8_t *arena);
void shared_kernel(uint8_t *arena, int32_t n);
int main(void);

static uint8_t arena[64];
static uint8_t echo[65536];
extern const uint32_t table[256];
const uint32_t table[256] = {1, 2, 3};
volatile uint32_t sink;
volatile float number = 1.0F;

__attribute__((noinline)) void shared_kernel(uint8_t *a, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        a[i & 63] = (uint8_t)(a[(i + 1) & 63] * 3U + table[(i * 5) & 255]);
        __asm volatile("" ::: "memory");
    }
}

__attribute__((noinline)) void demo_layer_00(uint8_t *a)
{
    shared_kernel(a, 1000);
    a[0]++;
}

__attribute__((noinline)) void demo_layer_01(uint8_t *a)
{
    shared_kernel(a, 20000);
    a[0]--;
}

__attribute__((noinline)) void demo_invoke(uint8_t *a)
{
    demo_layer_00(a);
    demo_layer_01(a);
    demo_layer_00(a);
    a[1]++;
}

__attribute__((noinline)) void ek_model_invoke(void)
{
    demo_invoke(arena);
}

__attribute__((noinline)) void ek_model_step(uint32_t step)
{
    if (step == 0U) {
        demo_layer_00(arena);
    } else {
        demo_layer_01(arena);
    }
}

__attribute__((noinline)) static uint32_t deep(uint32_t n)
{
    volatile uint32_t frame[16];
    frame[n & 15U] = n;
    return n == 0U ? 0U : deep(n - 1U) + frame[n & 15U];
}

#if defined(__arm__)
__attribute__((noinline)) static void wrong(uint8_t which)
{
    switch (which) {
    case '0':
        sink = *(volatile uint32_t *)0x60000000U;
        break;
    case '1':
        *(volatile uint32_t *)(uintptr_t)&table[0] = 1U;
        break;
    case '2':
        __asm volatile("udf #0");
        break;
    case '3':
        sink = deep(100000U);
        break;
    case '4':
        __asm volatile("ldr r0, =0x20000801\n ldr r0, [r0]" ::: "r0");
        break;
    case '5':
        __asm volatile("ldr r0, =0x20000801\n ldm r0!, {r1, r2}" ::: "r0", "r1", "r2");
        break;
    case '6':
        ((void (*)(void))0x70000001U)();
        break;
    case '7':
        *(volatile uint32_t *)0xE000ED88U = 0U;
        __asm volatile("" ::: "memory");
        break;
#if defined(__ARM_FP)
    case '8':
        number = number * 2.0F;
        break;
#endif
#if !defined(__ARM_ARCH_6M__)
    case 'a': /* not executed, as the condition does not hold */
        __asm volatile(
            "ldr r0, =0x20000801\n cmp r0, r0\n itt ne\n ldmne r0, {r1, r2}\n ldrdne r1, r2, [r0]" ::
                : "r0", "r1", "r2", "cc");
        break;
    case 'b':
        __asm volatile("ldr r0, =0x20000801\n cmp r0, r0\n ite ne\n movne r1, #0\n ldmeq r0, {r1, r2}" ::
                           : "r0", "r1", "r2", "cc");
        break;
#endif
    case '9':
        sink = *(volatile uint32_t *)0x40028800U;
        break;
    default:
        break;
    }
}
#else
__attribute__((noinline)) static void wrong(uint8_t which)
{
    if (which == '0') {
        sink = *(volatile uint32_t *)0x60000000U;
    } else if (which == '2') {
        __builtin_trap();
    } else if (which == '3') {
        sink = deep(100000000U);
    }
}
#endif

static uint8_t next(void)
{
    uint8_t byte;
    while (ek_port_read(&byte, 1) == 0) {
    }
    return byte;
}

static void send_word(uint32_t word)
{
    const uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
                              (uint8_t)(word >> 24)};
    ek_port_write(bytes, 4);
}

static void answer(uint8_t command)
{
    if (command == 'e') {
        const int32_t low = next();
        const int32_t size = low + 256 * next();
        for (int32_t at = 0; at < size;) {
            at += ek_port_read(&echo[at], size - at);
        }
        ek_port_write(echo, size);
    } else if (command == 'i') {
        const uint32_t before = ek_port_cycles();
        ek_model_invoke();
        send_word(ek_port_cycles() - before);
    } else if (command == 's') {
        ek_model_step(1U);
        send_word(1U);
    } else if (command == 'h') {
        send_word(ek_port_cycle_hz());
    } else if (command == 'x') {
        wrong(next());
        send_word(0U);
    } else if (command == 'p') {
        ek_port_trigger(1);
        const uint32_t before = ek_port_cycles();
        ek_port_trigger(0);
        ek_port_trigger(0);
        ek_model_invoke();
        ek_port_trigger(1);
        send_word(ek_port_cycles() - before);
    } else if (command == 'r') {
        ek_port_reset();
    } else {
        ek_port_write((const uint8_t *)"!", 1);
    }
}

int main(void)
{
    ek_port_init();
    ek_port_write((const uint8_t *)"hello", 5);
    for (;;) {
        answer(next());
    }
}
