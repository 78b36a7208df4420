/* A model of two layers in bands of two rows: hidden = input ^ 0x55 in a ring of two rows, output = hidden + 1
 * over the input. Its plan is in tests/support/fake_board/__init__.py. */
#include "ek/model.h"

#ifndef FAKE_TASK
#define FAKE_TASK "fake"
#endif

#define ROWS 4U
#define ROW_BYTES 2U
#define RING 8U

extern uint32_t fake_cycles;

static uint8_t arena[16];

#ifdef FAKE_FLOATS /* the input's bytes are the outputs, two floats */
#define MIX 0x00U
#define RAISE 0U
static const ek_io output = {0, ROWS *ROW_BYTES, EK_FLOAT32, 0.0F, 0};
#else
#define MIX 0x55U
#define RAISE 1U
static const ek_io output = {0, ROWS *ROW_BYTES, EK_INT8, 0.00390625F, -128};
#endif
static const ek_io input = {0, ROWS *ROW_BYTES, EK_INT8, 0.5F, -3};

const ek_model_info ek_model = {
    .name = "fake",
    .task = FAKE_TASK,
    .build_id = "0123456789abcdef",
    .arena_bytes = sizeof arena,
    .step_count = 4,
    .input_count = 1,
    .output_count = 1,
    .inputs = &input,
    .outputs = &output,
};

uint8_t *ek_model_arena(void)
{
    return arena;
}

void ek_model_step(uint32_t step)
{
    const uint32_t begin = (step < 2U) ? 0U : 2U;
    for (uint32_t oy = begin; oy < begin + 2U; oy++) {
        for (uint32_t oc = 0; oc < ROW_BYTES; oc++) {
            uint8_t *hidden = &arena[RING + ((oy % 2U) * ROW_BYTES) + oc];
            uint8_t *outside = &arena[(oy * ROW_BYTES) + oc];
            if ((step % 2U) == 0U) {
                *hidden = (uint8_t)(*outside ^ MIX);
            } else {
                *outside = (uint8_t)(*hidden + RAISE);
            }
        }
    }
    fake_cycles += 1000U * (step + 1U);
}

void ek_model_invoke(void)
{
    for (uint32_t step = 0; step < 4U; step++) {
        ek_model_step(step);
    }
}
