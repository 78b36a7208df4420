#include "ek/sample.h"

#include "ek/bytes.h"
#include "ek/model.h"
#include "ek/text.h"

/* All inputs of the model one after another, in its own form; a float32 sample follows, 4-byte aligned. Image
 * tasks send unsigned pixels; they are stored minus 128, which is the top bit flipped. */
static _Alignas(4) uint8_t store[EK_SAMPLE_BYTES];
static uint32_t announced;
static uint32_t received;

static uint32_t input_bytes(void)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < ek_model.input_count; i++) {
        total += ek_model.inputs[i].bytes;
    }
    return total;
}

static int32_t is_task(const char *task)
{
    return ek_text_equal(ek_model.task, task);
}

int32_t ek_sample_is_float(void)
{
    return ((is_task("ad01") != 0) && (ek_model.inputs[0].dtype == EK_INT8)) ? 1 : 0;
}

static uint8_t pixel_flip(void)
{
    const int32_t pixels = ((is_task("vww01") != 0) || (is_task("ic01") != 0)) ? 1 : 0;
    return ((pixels != 0) && (ek_model.inputs[0].dtype == EK_INT8)) ? 0x80U : 0U;
}

/* Where the bytes from the host begin. */
static uint32_t host_offset(void)
{
    return (ek_sample_is_float() != 0) ? ((input_bytes() + 3U) & ~3U) : 0U;
}

uint32_t ek_sample_capacity(void)
{
    const uint32_t offset = host_offset();
    const uint32_t size = (ek_sample_is_float() != 0) ? 4U * ek_model.inputs[0].bytes : input_bytes();
    return ((offset > sizeof store) || (size > sizeof store - offset)) ? 0U : size;
}

void ek_sample_begin(uint32_t size)
{
    announced = size;
    received = 0;
}

int32_t ek_sample_wants(void)
{
    return (received < announced) ? 1 : 0;
}

void ek_sample_put(uint8_t byte)
{
    if (received < announced) {
        store[host_offset() + received] = (uint8_t)(byte ^ pixel_flip());
        received++;
    }
}

uint32_t ek_sample_size(void)
{
    return announced;
}

uint8_t ek_sample_byte(uint32_t i)
{
    return (uint8_t)(store[host_offset() + i] ^ pixel_flip());
}

float ek_sample_float(uint32_t i)
{
    return ek_bits_float(ek_get_u32(&store[host_offset() + (4U * i)]));
}

/* round(x) + zero_point limited to int8; half away from zero, as the reference's round(). A NaN becomes -128. */
static uint8_t quantise(float x, int32_t zero_point)
{
    int32_t level = -128;
    if (x >= 512.0F) {
        level = 127;
    } else if (x > -512.0F) {
        const int32_t whole = (int32_t)x;
        const float rest = x - (float)whole;
        const int32_t away = (rest >= 0.5F) ? 1 : ((rest <= -0.5F) ? -1 : 0);
        level = whole + away + zero_point;
        level = (level < -128) ? -128 : ((level > 127) ? 127 : level);
    }
    return (uint8_t)((uint32_t)level & 0xFFU);
}

void ek_sample_prepare(void)
{
    if ((ek_sample_is_float() != 0) && (announced != 0U)) {
        const ek_io *input = &ek_model.inputs[0];
        for (uint32_t i = 0; i < input->bytes; i++) {
            store[i] = quantise(ek_sample_float(i) / input->scale, input->zero_point);
        }
    }
}

/* 1 if the store has room for the model's inputs. */
static int32_t has_room(void)
{
    return (input_bytes() <= sizeof store) ? 1 : 0;
}

void ek_sample_load(void)
{
    uint32_t at = 0;
    for (uint32_t i = 0; (i < ek_model.input_count) && (has_room() != 0); i++) {
        const ek_io *input = &ek_model.inputs[i];
        __builtin_memcpy(ek_model_arena() + input->offset, &store[at], input->bytes);
        at += input->bytes;
    }
}

void ek_sample_save(void)
{
    uint32_t at = 0;
    for (uint32_t i = 0; (i < ek_model.input_count) && (has_room() != 0); i++) {
        const ek_io *input = &ek_model.inputs[i];
        __builtin_memcpy(&store[at], ek_model_arena() + input->offset, input->bytes);
        at += input->bytes;
    }
    announced = 0;
    received = 0;
}

int32_t ek_sample_intact(void)
{
    uint32_t at = 0;
    for (uint32_t i = 0; (i < ek_model.input_count) && (has_room() != 0); i++) {
        const uint8_t *bytes = ek_model_arena() + ek_model.inputs[i].offset;
        for (uint32_t j = 0; j < ek_model.inputs[i].bytes; j++) {
            if (bytes[j] != store[at + j]) {
                return 0;
            }
        }
        at += ek_model.inputs[i].bytes;
    }
    return 1;
}
