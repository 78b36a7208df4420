#include "ek/messages.h"

#include "ek/bytes.h"
#include "ek/clock.h"
#include "ek/mlperf.h"
#include "ek/model.h"
#include "ek/port.h"
#include "ek/sample.h"
#include "ek/stack.h"
#include "ek/window.h"

#define INFO_FIXED 32U

/* The last reply, kept to be sent again: a RUN or a STEP must not be done twice because its answer was lost.
 * The data of a READ is not copied, it still lies in the arena. */
static uint8_t buffer[INFO_FIXED + (3U * (1U + EK_NAME_MAX))];
static uint32_t reply_type;
static const uint8_t *reply_data;
static uint32_t reply_size;

static uint32_t in_session;
static uint32_t last_sequence;
static uint32_t last_crc; /* of the last request done */

static void reply(const uint8_t *data, uint32_t size)
{
    reply_data = data;
    reply_size = size;
}

static void reply_u32(uint32_t value)
{
    ek_put_u32(buffer, value);
    reply(buffer, 4);
}

static void refuse(uint32_t code, uint32_t detail)
{
    reply_type = EK_REPLY_ERROR;
    buffer[0] = (uint8_t)code;
    ek_put_u32(&buffer[1], detail);
    reply(buffer, 5);
}

/* Append a string to the buffer at offset at; the offset behind it. */
static uint32_t put_string(uint32_t at, const char *text)
{
    uint32_t length = 0;
    while ((text[length] != '\0') && (length < EK_NAME_MAX)) {
        buffer[at + 1U + length] = (uint8_t)text[length];
        length++;
    }
    buffer[at] = (uint8_t)length;
    return at + 1U + length;
}

static void hello(const uint8_t *payload, uint32_t size)
{
    (void)size;
    const uint32_t nonce = ek_get_u32(payload);
    buffer[0] = (uint8_t)EK_PROTOCOL_VERSION;
    buffer[1] = (uint8_t)EK_MLPERF_ENERGY;
    ek_put_u16(&buffer[2], EK_FRAME_REQUEST_MAX);
    ek_put_u16(&buffer[4], EK_FRAME_REPLY_MAX);
    buffer[6] = (uint8_t)ek_model.input_count;
    buffer[7] = (uint8_t)ek_model.output_count;
    ek_put_u32(&buffer[8], nonce);
    ek_put_u32(&buffer[12], ek_model.arena_bytes);
    ek_put_u32(&buffer[16], ek_model.step_count);
    ek_put_u32(&buffer[20], ek_port_cycle_hz());
    ek_put_u32(&buffer[24], ek_clock_overhead());
    ek_put_u32(&buffer[28], EK_SAMPLE_BYTES);
    uint32_t at = put_string(INFO_FIXED, ek_model.name);
    at = put_string(at, ek_model.task);
    at = put_string(at, ek_model.build_id);
    reply(buffer, at);
}

static void describe_io(const uint8_t *payload, uint32_t size)
{
    (void)size;
    const uint32_t count = (payload[0] == 0U) ? ek_model.input_count : ek_model.output_count;
    if ((payload[0] > 1U) || (payload[1] >= count)) {
        refuse(EK_ERROR_RANGE, count);
        return;
    }
    const ek_io *io = (payload[0] == 0U) ? &ek_model.inputs[payload[1]] : &ek_model.outputs[payload[1]];
    ek_put_u32(&buffer[0], io->offset);
    ek_put_u32(&buffer[4], io->bytes);
    ek_put_u32(&buffer[8], io->dtype);
    ek_put_u32(&buffer[12], ek_float_bits(io->scale));
    ek_put_u32(&buffer[16], (uint32_t)io->zero_point);
    reply(buffer, 20);
}

/* 1 if [offset, offset + size) lies in the arena. */
static int32_t in_arena(uint32_t offset, uint32_t size)
{
    return ((offset <= ek_model.arena_bytes) && (size <= ek_model.arena_bytes - offset)) ? 1 : 0;
}

static void write_arena(const uint8_t *payload, uint32_t size)
{
    const uint32_t offset = ek_get_u32(payload);
    const uint32_t count = size - 4U;
    if (in_arena(offset, count) == 0) {
        refuse(EK_ERROR_RANGE, ek_model.arena_bytes);
        return;
    }
    __builtin_memcpy(ek_model_arena() + offset, &payload[4], count);
}

static void read_arena(const uint8_t *payload, uint32_t size)
{
    (void)size;
    const uint32_t offset = ek_get_u32(payload);
    const uint32_t count = ek_get_u16(&payload[4]);
    if (count > EK_FRAME_REPLY_MAX) {
        refuse(EK_ERROR_RANGE, EK_FRAME_REPLY_MAX);
    } else if (in_arena(offset, count) == 0) {
        refuse(EK_ERROR_RANGE, ek_model.arena_bytes);
    } else {
        reply(ek_model_arena() + offset, count);
    }
}

static void run(const uint8_t *payload, uint32_t size)
{
    (void)size;
    const uint32_t runs = ek_get_u16(&payload[0]);
    const uint32_t warmups = ek_get_u16(&payload[2]);
    if ((runs == 0U) || (runs > EK_RUNS_MAX) || (warmups > EK_RUNS_MAX)) {
        refuse(EK_ERROR_RANGE, EK_RUNS_MAX);
        return;
    }
    ek_sample_save();
    for (uint32_t i = 0; i < warmups + runs; i++) {
        ek_sample_load();
        const uint32_t begin = ek_port_cycles();
        ek_model_invoke();
        const uint32_t cycles = ek_port_cycles() - begin;
        if (i >= warmups) {
            ek_put_u32(&buffer[4U * (i - warmups)], cycles);
        }
    }
    reply(buffer, 4U * runs);
}

static void step(const uint8_t *payload, uint32_t size)
{
    (void)size;
    const uint32_t index = ek_get_u32(payload);
    if (index >= ek_model.step_count) {
        refuse(EK_ERROR_RANGE, ek_model.step_count);
        return;
    }
    const uint32_t begin = ek_port_cycles();
    ek_model_step(index);
    reply_u32(ek_port_cycles() - begin);
}

static void steps(const uint8_t *payload, uint32_t size)
{
    (void)size;
    const uint32_t first = ek_get_u32(payload);
    const uint32_t count = ek_get_u16(&payload[4]);
    if ((count == 0U) || (count > EK_RUNS_MAX)) {
        refuse(EK_ERROR_RANGE, EK_RUNS_MAX);
        return;
    }
    if ((first > ek_model.step_count) || (count > ek_model.step_count - first)) {
        refuse(EK_ERROR_RANGE, ek_model.step_count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t begin = ek_port_cycles();
        ek_model_step(first + i);
        ek_put_u32(&buffer[4U * i], ek_port_cycles() - begin);
    }
    reply(buffer, 4U * count);
}

/* The line is silent while the pin is low: this request's last byte has come, the reply is sent afterwards. */
static void window(const uint8_t *payload, uint32_t size)
{
    (void)size;
    const uint32_t runs = ek_get_u32(payload);
    const uint32_t warmups = ek_get_u16(&payload[4]);
    if ((runs == 0U) || (runs > EK_WINDOW_MAX)) {
        refuse(EK_ERROR_RANGE, EK_WINDOW_MAX);
        return;
    }
    if (warmups > EK_RUNS_MAX) {
        refuse(EK_ERROR_RANGE, EK_RUNS_MAX);
        return;
    }
    ek_port_trigger(1);
    ek_sample_save();
    const int32_t reload = ek_window_warm_up(warmups);
    const uint32_t begin = ek_clock_us();
    ek_port_trigger(0);
    ek_window_run(runs, reload);
    ek_port_trigger(1);
    ek_put_u32(buffer, ek_clock_us() - begin);
    ek_put_u32(&buffer[4], (uint32_t)reload);
    reply(buffer, 8);
}

static void stack(const uint8_t *payload, uint32_t size)
{
    (void)payload;
    (void)size;
    ek_stack_repaint();
    ek_model_invoke();
    reply_u32(ek_stack_used());
}

static void trigger(const uint8_t *payload, uint32_t size)
{
    (void)size;
    ek_port_trigger((payload[0] != 0U) ? 1 : 0);
}

/* The restart itself comes after the answer, in ek_messages_answer. */
static void nothing(const uint8_t *payload, uint32_t size)
{
    (void)payload;
    (void)size;
}

typedef struct {
    uint16_t least; /* payload bytes */
    uint16_t most;
    void (*run)(const uint8_t *payload, uint32_t size);
} request;

/* Indexed by request type. */
static const request requests[] = {
    [EK_HELLO] = {4, 4, hello},
    [EK_IO] = {2, 2, describe_io},
    [EK_WRITE] = {4, EK_FRAME_REQUEST_MAX, write_arena},
    [EK_READ] = {6, 6, read_arena},
    [EK_RUN] = {4, 4, run},
    [EK_STEP] = {4, 4, step},
    [EK_STACK] = {0, 0, stack},
    [EK_TRIGGER] = {1, 1, trigger},
    [EK_RESET] = {0, 0, nothing},
    [EK_STEPS] = {6, 6, steps},
    [EK_WINDOW] = {6, 6, window},
};

static void send_reply(void)
{
    ek_frame_send(reply_type, last_sequence, reply_data, reply_size);
}

/* Do a request whose frame, sequence and session are in order. */
static void perform(uint32_t type, const uint8_t *payload, uint32_t size)
{
    reply_type = type | EK_REPLY_BIT;
    reply(buffer, 0);
    if ((type == 0U) || (type >= sizeof requests / sizeof requests[0])) {
        refuse(EK_ERROR_TYPE, EK_WINDOW);
    } else if ((size < requests[type].least) || (size > requests[type].most)) {
        refuse(EK_ERROR_PAYLOAD, requests[type].most);
    } else {
        requests[type].run(payload, size);
    }
    send_reply();
}

/* An error that leaves the session, and the reply kept for repetition, as they are. */
static void send_error(uint32_t sequence, uint32_t code, uint32_t detail)
{
    uint8_t payload[5];
    payload[0] = (uint8_t)code;
    ek_put_u32(&payload[1], detail);
    ek_frame_send(EK_REPLY_ERROR, sequence, payload, sizeof payload);
}

void ek_messages_answer(const ek_frame_reader *reader, int32_t code)
{
    const uint8_t *payload = ek_frame_payload(reader);
    if (code == EK_FRAME_BROKEN) {
        send_error(reader->sequence, EK_ERROR_CRC, 0);
        return;
    }
    const uint32_t crc = ek_get_u32(&payload[reader->size]);
    const uint32_t expected = (last_sequence + 1U) & 0xFFU;
    if ((in_session != 0U) && (reader->sequence == last_sequence) && (crc == last_crc)) {
        send_reply();
        return;
    }
    if ((reader->type != EK_HELLO) && (in_session == 0U)) {
        send_error(reader->sequence, EK_ERROR_SESSION, 0);
        return;
    }
    if ((reader->type != EK_HELLO) && (reader->sequence != expected)) {
        send_error(reader->sequence, EK_ERROR_SEQUENCE, expected);
        return;
    }
    in_session = 1;
    last_sequence = reader->sequence;
    last_crc = crc;
    perform(reader->type, payload, reader->size);
    if ((reader->type == EK_RESET) && (reply_type != EK_REPLY_ERROR)) {
        ek_port_reset();
    }
}
