/* Runs every case of one kernel and reports over the port; see kernel_program.py. */
#include <stdint.h>

#include "ek/port.h"

#define MAX_INPUTS 16

/* Rows [begin, end) of an image. */
typedef struct {
    int32_t begin;
    int32_t end;
} span;

typedef struct {
    uint32_t offset;
    int32_t images;
    int32_t rows;
    int32_t ring_rows;
    int32_t row_bytes;
} tensor;

/* Output rows of a step (end -1: all) and the rows of each input that it reads. */
typedef struct {
    int32_t begin;
    int32_t end;
    span in[MAX_INPUTS];
} step_rows;

typedef struct {
    const char *name;
    void (*step)(uint8_t *arena, uint32_t step);
    const uint8_t *data; /* per sample: inputs, then outputs, whole and contiguous */
    const tensor *tensors;
    const step_rows *steps;
    uint32_t step_count;
    uint32_t sample_count;
    uint32_t input_count;
    uint32_t output_count;
    uint32_t scratch;
    uint32_t scratch_bytes;
    uint32_t arena_bytes;
} test_case;

/* CASES HERE */

static uint8_t arena_room[ARENA_BYTES] __attribute__((aligned(64)));
static uint8_t before[ARENA_BYTES];
static uint32_t failures;

static void copy(uint8_t *to, const uint8_t *from, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; ++i) {
        to[i] = from[i];
    }
}

static void print(const char *text)
{
    int32_t length = 0;
    while (text[length] != '\0') {
        length++;
    }
    ek_port_write((const uint8_t *)text, length);
}

static void print_number(int32_t value)
{
    char text[12];
    char *p = text + sizeof(text) - 1;
    uint32_t rest = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
    *p = '\0';
    do {
        *--p = (char)('0' + (int)(rest % 10U));
        rest /= 10U;
    } while (rest != 0U);
    if (value < 0) {
        *--p = '-';
    }
    print(p);
}

static void fail(const test_case *c, uint32_t sample, uint32_t step, const char *what, int32_t where, int32_t found,
    int32_t expected)
{
    if (++failures > 40U) {
        return;
    }
    print("FAIL ");
    print(c->name);
    print(" sample ");
    print_number((int32_t)sample);
    print(" step ");
    print_number((int32_t)step);
    print(": ");
    print(what);
    print(" at ");
    print_number(where);
    print(", found ");
    print_number(found);
    print(", expected ");
    print_number(expected);
    print("\n");
}

/* Bytes that are watched: the case's arena and a margin on both sides. */
static uint32_t room(const test_case *c)
{
    return c->arena_bytes + 64U;
}

static uint32_t whole_bytes(const tensor *t)
{
    return (uint32_t)(t->images * t->rows * t->row_bytes);
}

static uint8_t *row_address(uint8_t *arena, const tensor *t, int32_t image, int32_t row)
{
    return arena + t->offset + (image * t->ring_rows + row % t->ring_rows) * t->row_bytes;
}

static void feed(uint8_t *arena, const tensor *t, const uint8_t *whole, span rows)
{
    for (int32_t image = 0; image < t->images; ++image) {
        for (int32_t row = rows.begin; row < rows.end; ++row) {
            copy(row_address(arena, t, image, row), whole + (image * t->rows + row) * t->row_bytes,
                (uint32_t)t->row_bytes);
        }
    }
}

static int may_write(const test_case *c, uint32_t offset)
{
    if (offset >= c->scratch && offset < c->scratch + c->scratch_bytes) {
        return 1;
    }
    for (uint32_t i = 0; i < c->output_count; ++i) {
        const tensor *t = &c->tensors[c->input_count + i];
        const uint32_t size = (uint32_t)(t->images * t->ring_rows * t->row_bytes);
        if (offset >= t->offset && offset < t->offset + size) {
            return 1;
        }
    }
    return 0;
}

static void check_untouched(const test_case *c, uint32_t sample, uint32_t step, const uint8_t *arena)
{
    for (uint32_t i = 0; i < room(c); ++i) {
        const uint32_t offset = (uint32_t)(arena_room + i - arena);
        if (arena_room[i] != before[i] && (arena_room + i < arena || !may_write(c, offset))) {
            fail(c, sample, step, "wrote outside its output and scratch", (int32_t)offset, arena_room[i], before[i]);
            return;
        }
    }
}

static void check_rows(const test_case *c, uint32_t sample, uint32_t step, uint8_t *arena, const uint8_t *expected)
{
    for (uint32_t i = 0; i < c->output_count; ++i) {
        const tensor *t = &c->tensors[c->input_count + i];
        const int32_t end = c->steps[step].end < 0 ? t->rows : c->steps[step].end;
        for (int32_t image = 0; image < t->images; ++image) {
            for (int32_t row = c->steps[step].begin; row < end; ++row) {
                const uint8_t *found = row_address(arena, t, image, row);
                const uint8_t *wanted = expected + (image * t->rows + row) * t->row_bytes;
                for (int32_t k = 0; k < t->row_bytes; ++k) {
                    if (found[k] != wanted[k]) {
                        fail(c, sample, step, "wrong byte", row * t->row_bytes + k, (int8_t)found[k],
                            (int8_t)wanted[k]);
                        return;
                    }
                }
            }
        }
        expected += whole_bytes(t);
    }
}

static void run_sample(const test_case *c, uint32_t sample, const uint8_t *data)
{
    uint8_t *arena = arena_room + 32;
    for (uint32_t i = 0; i < room(c); ++i) {
        arena_room[i] = (uint8_t)(i * 37U + 11U);
    }
    const uint8_t *expected = data;
    for (uint32_t i = 0; i < c->input_count; ++i) {
        expected += whole_bytes(&c->tensors[i]);
    }
    for (uint32_t step = 0; step < c->step_count; ++step) {
        const uint8_t *whole = data;
        for (uint32_t i = 0; i < c->input_count; ++i) {
            feed(arena, &c->tensors[i], whole, c->steps[step].in[i]);
            whole += whole_bytes(&c->tensors[i]);
        }
        copy(before, arena_room, room(c));
        c->step(arena, step);
        check_untouched(c, sample, step, arena);
        check_rows(c, sample, step, arena, expected);
    }
}

int main(void)
{
    ek_port_init();
    uint8_t go = 0;
    while (ek_port_read(&go, 1) == 0) { /* so that nothing is said before somebody listens */
    }
    for (uint32_t k = 0; k < CASES; ++k) {
        const test_case *c = cases[k];
        uint32_t sample_bytes = 0;
        for (uint32_t i = 0; i < c->input_count + c->output_count; ++i) {
            sample_bytes += whole_bytes(&c->tensors[i]);
        }
        for (uint32_t sample = 0; sample < c->sample_count; ++sample) {
            run_sample(c, sample, c->data + sample * sample_bytes);
        }
    }
    print("DONE ");
    print_number((int32_t)CASES);
    print(" cases, ");
    print_number((int32_t)failures);
    print(" failures\n");
#ifndef EK_TEST_HOST
    for (;;) { /* firmware does not return */
        (void)ek_port_read(&go, 1);
    }
#endif
    return failures == 0U ? 0 : 1;
}
