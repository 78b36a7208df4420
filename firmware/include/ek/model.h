/* What the bench harness needs of a generated model; the generated <model>_info.c defines all of it. */
#ifndef EK_MODEL_H
#define EK_MODEL_H

#include <stdint.h>

/* Element types of model inputs and outputs, numbered as they travel over the link. */
enum { EK_INT8 = 0, EK_UINT8 = 1, EK_INT16 = 2, EK_INT32 = 3, EK_FLOAT32 = 4, EK_INT64 = 5, EK_BOOL = 6 };

/* A model input or output: where in the arena, how large, and how it is quantised (scale 0: not at all). */
typedef struct {
    uint32_t offset;
    uint32_t bytes;
    uint32_t dtype;
    float scale;
    int32_t zero_point;
} ek_io;

typedef struct {
    const char *name;     /* C identifier of the model */
    const char *task;     /* MLPerf Tiny task (kws01, vww01, ad01, ic01, sww01) or the name */
    const char *build_id; /* 16 hex digits over plan, sources and toolchain */
    uint32_t arena_bytes;
    uint32_t step_count;
    uint32_t input_count;
    uint32_t output_count;
    const ek_io *inputs;
    const ek_io *outputs;
} ek_model_info;

extern const ek_model_info ek_model;

uint8_t *ek_model_arena(void);
void ek_model_invoke(void);        /* all steps, nothing between them: what latency and energy are taken of */
void ek_model_step(uint32_t step); /* one step of the plan, for layer-by-layer comparison and timing */

#endif
