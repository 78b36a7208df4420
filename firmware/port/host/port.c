/* This computer: standard input and output are the link, a monotonic clock counts cycles of 10 ns.
 * Timer: CLOCK_MONOTONIC */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ek/port.h"

#define EK_HZ 100000000U /* 32 bits of 10 ns wrap after 43 s, as on a microcontroller */

void ek_port_init(void)
{
}

uint32_t ek_port_cycles(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint32_t)now.tv_sec * EK_HZ) + ((uint32_t)now.tv_nsec / 10U);
}

uint32_t ek_port_cycle_hz(void)
{
    return EK_HZ;
}

int32_t ek_port_read(uint8_t *data, int32_t size)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (poll(&input, 1, 1) <= 0) { /* a millisecond's sleep, so that an idle link does not burn a core */
        return 0;
    }
    const ssize_t count = read(STDIN_FILENO, data, (size_t)size);
    if (count <= 0) {
        exit(0); /* the other end is gone */
    }
    return (int32_t)count;
}

void ek_port_write(const uint8_t *data, int32_t size)
{
    int32_t sent = 0;
    while (sent < size) {
        const ssize_t count = write(STDOUT_FILENO, &data[sent], (size_t)(size - sent));
        if (count <= 0) {
            exit(0);
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
    exit(0);
}
