/* Runs networks step by step, holds what every layer wrote against sums of the right bytes; see network_image.py. */
#include <stdint.h>

#include "ek/port.h"

typedef struct {
    uint32_t offset;
    uint32_t bytes;
} span;

/* What lies in the arena after a step: outputs of the layer that has just ended. */
typedef struct {
    uint32_t count;
    const span *spans;
} written;

typedef struct {
    const char *name;
    void (*step)(uint8_t *arena, uint32_t step);
    uint32_t arena_bytes;
    uint32_t samples;
    written inputs;
    uint32_t steps;
    const written *after; /* of each step, then the network's outputs */
    const uint8_t *data;  /* inputs of all samples */
    const uint32_t *sums; /* FNV-1a of each span after each step, of all samples */
} network;

/* NETWORKS HERE */

#define GUARD 64U

static uint8_t room[ARENA_BYTES + 2U * GUARD] __attribute__((aligned(64)));
static uint32_t failures;

static uint32_t sum_of(const uint8_t *bytes, uint32_t count)
{
    uint32_t sum = 2166136261U;
    for (uint32_t i = 0; i < count; ++i) {
        sum = (sum ^ bytes[i]) * 16777619U;
    }
    return sum;
}

static void print(const char *text)
{
    int32_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    ek_port_write((const uint8_t *)text, length);
}

static void print_number(uint32_t value)
{
    char text[12];
    char *p = text + sizeof(text) - 1;
    *p = '\0';
    do {
        *--p = (char)('0' + (int)(value % 10U));
        value /= 10U;
    } while (value != 0U);
    print(p);
}

static void fail(const network *n, uint32_t sample, uint32_t step, const char *what)
{
    failures++;
    print("FAIL ");
    print(n->name);
    print(" sample ");
    print_number(sample);
    print(" step ");
    print_number(step);
    print(what);
}

static int outside(const network *n)
{
    for (uint32_t i = 0; i < GUARD; ++i) {
        if (room[i] != 0xA5U || room[GUARD + n->arena_bytes + i] != 0xA5U) {
            return 1;
        }
    }
    return 0;
}

/* Run one sample; the first thing that is wrong ends it. */
static void run(const network *n, uint32_t sample, const uint8_t *data, const uint32_t *sums)
{
    uint8_t *arena = room + GUARD;
    for (uint32_t i = 0; i < sizeof(room); ++i) {
        room[i] = 0xA5U;
    }
    for (uint32_t i = 0; i < n->inputs.count; ++i) {
        const span s = n->inputs.spans[i];
        for (uint32_t k = 0; k < s.bytes; ++k) {
            arena[s.offset + k] = *data++;
        }
    }
    for (uint32_t step = 0; step <= n->steps; ++step) {
        if (step < n->steps) {
            n->step(arena, step);
        }
        for (uint32_t i = 0; i < n->after[step].count; ++i) {
            const span s = n->after[step].spans[i];
            if (sum_of(arena + s.offset, s.bytes) != *sums++) {
                fail(n, sample, step, ": wrong bytes\n");
                return;
            }
        }
        if (outside(n) != 0) {
            fail(n, sample, step, ": wrote outside the arena\n");
            return;
        }
    }
}

int main(void)
{
    ek_port_init();
    uint8_t go = 0;
    while (ek_port_read(&go, 1) == 0) { /* so that nothing is said before somebody listens */
    }
    for (uint32_t k = 0; k < NETWORKS; ++k) {
        const network *n = &networks[k];
        uint32_t bytes = 0;
        uint32_t spans = 0;
        for (uint32_t i = 0; i < n->inputs.count; ++i) {
            bytes += n->inputs.spans[i].bytes;
        }
        for (uint32_t step = 0; step <= n->steps; ++step) {
            spans += n->after[step].count;
        }
        for (uint32_t sample = 0; sample < n->samples; ++sample) {
            run(n, sample, n->data + sample * bytes, n->sums + sample * spans);
        }
    }
    print("DONE ");
    print_number(NETWORKS);
    print(" networks, ");
    print_number(failures);
    print(" failures\n");
    for (;;) { /* firmware does not return */
        (void)ek_port_read(&go, 1);
    }
}
