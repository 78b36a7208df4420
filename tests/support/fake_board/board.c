/* A board in a process: its serial line is standard input and output, its trigger pin standard error. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "ek/port.h"
#include "ek/stack.h"

uint32_t fake_cycles;

void ek_port_init(void)
{
}

/* Each reading takes seven cycles of a clock of one megahertz. */
uint32_t ek_port_cycles(void)
{
    fake_cycles += 7U;
    return fake_cycles;
}

uint32_t ek_port_cycle_hz(void)
{
    return 1000000U;
}

int32_t ek_port_read(uint8_t *data, int32_t size)
{
    const ssize_t count = read(0, data, (size_t)size);
    if (count <= 0) {
        exit(0);
    }
    return (int32_t)count;
}

void ek_port_write(const uint8_t *data, int32_t size)
{
    int32_t done = 0;
    while (done < size) {
        const ssize_t count = write(1, data + done, (size_t)(size - done));
        if (count < 0) {
            exit(1);
        }
        done += (int32_t)count;
    }
}

void ek_port_trigger(int32_t level)
{
    const char edge[2] = {(level != 0) ? '1' : '0', '\n'};
    if (write(2, edge, 2) != 2) {
        exit(1);
    }
}

_Noreturn void ek_port_reset(void)
{
    exit(42);
}

void ek_stack_repaint(void)
{
}

uint32_t ek_stack_used(void)
{
    return 123;
}
