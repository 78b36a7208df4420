/* Linux on AArch64 and x86-64: standard input and output are the link, a monotonic clock counts cycles of 10 ns.
 * Without a C library: the program is static, starts on any kernel, and builds in a second. System calls: read,
 * write, ppoll, clock_gettime, exit_group.
 * Timer: CLOCK_MONOTONIC */
#include <stddef.h>
#include <stdint.h>

#include "ek/fault.h"
#include "ek/port.h"

#define EK_HZ 100000000U /* 32 bits of 10 ns wrap after 43 s, as on a microcontroller */

#if defined(__aarch64__)
#define EK_SYS_READ 63
#define EK_SYS_WRITE 64
#define EK_SYS_PPOLL 73
#define EK_SYS_EXIT_GROUP 94
#define EK_SYS_CLOCK_GETTIME 113
#elif defined(__x86_64__)
#define EK_SYS_READ 0
#define EK_SYS_WRITE 1
#define EK_SYS_PPOLL 271
#define EK_SYS_EXIT_GROUP 231
#define EK_SYS_CLOCK_GETTIME 228
#else
#error "port linux knows AArch64 and x86-64"
#endif
#define EK_CLOCK_MONOTONIC_RAW 4

typedef struct {
    int64_t seconds;
    int64_t nanoseconds;
} ek_timespec;

typedef struct {
    int32_t fd;
    int16_t events;
    int16_t revents;
} ek_pollfd;

int main(void);
void ek_start(void);

#if defined(__aarch64__)
static int64_t system_call(int64_t number, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)
{
    register int64_t x8 __asm("x8") = number;
    register int64_t x0 __asm("x0") = a;
    register int64_t x1 __asm("x1") = b;
    register int64_t x2 __asm("x2") = c;
    register int64_t x3 __asm("x3") = d;
    register int64_t x4 __asm("x4") = e;
    __asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory", "cc");
    return x0;
}

/* The kernel enters with an aligned stack and nothing to return to. */
__asm(".global _start\n"
      ".type _start, %function\n"
      "_start:\n"
      "    mov x29, #0\n"
      "    mov x30, #0\n"
      "    b ek_start\n");
#define EK_TRAP "brk #0"
#else
static int64_t system_call(int64_t number, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e)
{
    register int64_t r10 __asm("r10") = d;
    register int64_t r8 __asm("r8") = e;
    int64_t result = number;
    __asm volatile("syscall"
                   : "+a"(result)
                   : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory", "cc");
    return result;
}

__asm(".global _start\n"
      ".type _start, @function\n"
      "_start:\n"
      "    xor %ebp, %ebp\n"
      "    call ek_start\n");
#define EK_TRAP "int3"
#endif

static int64_t address_of(const void *pointer)
{
    return (int64_t)(uintptr_t)pointer;
}

static _Noreturn void leave(int64_t status)
{
    (void)system_call(EK_SYS_EXIT_GROUP, status, 0, 0, 0, 0);
    ek_fault();
}

__attribute__((used)) void ek_start(void)
{
    leave(main());
}

_Noreturn void ek_fault(void)
{
    for (;;) {
        __asm volatile(EK_TRAP); /* the kernel ends the program with SIGTRAP */
    }
}

void ek_port_init(void)
{
}

uint32_t ek_port_cycles(void)
{
    ek_timespec now = {0, 0};
    (void)system_call(EK_SYS_CLOCK_GETTIME, EK_CLOCK_MONOTONIC_RAW, address_of(&now), 0, 0, 0);
    return ((uint32_t)now.seconds * EK_HZ) + ((uint32_t)now.nanoseconds / 10U);
}

uint32_t ek_port_cycle_hz(void)
{
    return EK_HZ;
}

int32_t ek_port_read(uint8_t *data, int32_t size)
{
    ek_pollfd input = {0, 1, 0};               /* POLLIN */
    const ek_timespec patience = {0, 1000000}; /* so that an idle link does not burn a core */
    if (system_call(EK_SYS_PPOLL, address_of(&input), 1, address_of(&patience), 0, 0) <= 0) {
        return 0;
    }
    const int64_t count = system_call(EK_SYS_READ, 0, address_of(data), size, 0, 0);
    if (count <= 0) {
        leave(0); /* the other end is gone */
    }
    return (int32_t)count;
}

void ek_port_write(const uint8_t *data, int32_t size)
{
    int32_t sent = 0;
    while (sent < size) {
        const int64_t count = system_call(EK_SYS_WRITE, 1, address_of(&data[sent]), size - sent, 0, 0);
        if (count <= 0) {
            leave(0);
        }
        sent += (int32_t)count;
    }
}

void ek_port_trigger(int32_t level)
{
    (void)level;
}

_Noreturn void ek_port_reset(void)
{
    leave(0);
}
