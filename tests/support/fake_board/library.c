/* The same board inside the test's own process: bytes go in and out by function calls, nothing waits. */
#include <stdlib.h>

#include "ek/harness.h"
#include "ek/mlperf.h"
#include "ek/port.h"
#include "ek/stack.h"

#define SENT_BYTES 65536

uint32_t fake_cycles;
/* Every change of the trigger pin: level, time, bytes sent before it. */
#define EDGES 64
uint32_t fake_edges[EDGES][3];
int32_t fake_edge_count;
int32_t fake_sent_count;
uint8_t fake_sent[SENT_BYTES];

void ek_port_init(void)
{
}

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
    (void)data;
    (void)size;
    return 0;
}

/* What the host does not fetch in time is lost. */
void ek_port_write(const uint8_t *data, int32_t size)
{
    for (int32_t i = 0; (i < size) && (fake_sent_count < SENT_BYTES); i++) {
        fake_sent[fake_sent_count] = data[i];
        fake_sent_count++;
    }
}

void ek_port_trigger(int32_t level)
{
    if (fake_edge_count < EDGES) {
        fake_edges[fake_edge_count][0] = (uint32_t)level;
        fake_edges[fake_edge_count][1] = fake_cycles;
        fake_edges[fake_edge_count][2] = (uint32_t)fake_sent_count;
        fake_edge_count++;
    }
}

_Noreturn void ek_port_reset(void)
{
    abort();
}

void ek_stack_repaint(void)
{
}

uint32_t ek_stack_used(void)
{
    return 123;
}

void fake_push(const uint8_t *data, int32_t size)
{
    for (int32_t i = 0; i < size; i++) {
        ek_harness_push(data[i]);
    }
}
