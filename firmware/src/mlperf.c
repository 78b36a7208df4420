#include "ek/mlperf.h"

#include "ek/bytes.h"
#include "ek/clock.h"
#include "ek/model.h"
#include "ek/port.h"
#include "ek/sample.h"
#include "ek/text.h"
#include "ek/window.h"

/* The runner's own limit for a command, with its end. */
#define COMMAND_BYTES 80U

#define INFERENCES_MAX ((int32_t)EK_WINDOW_MAX)

static char command[COMMAND_BYTES];
static uint32_t fill;
static uint32_t overlong;
static uint32_t cursor; /* where the next token begins */

static const char *const help_lines =
    "name            name of the board\r\n"
    "profile         protocol version and model\r\n"
    "timestamp       time in microseconds, or an edge on the trigger pin\r\n"
    "db load N       announce N bytes of input\r\n"
    "db HH..         the next bytes, hexadecimal\r\n"
    "db print        the input as received\r\n"
    "infer N W       N inferences after W warm-ups\r\n"
    "results         results of the last inference\r\n";

/* The next word of the command; NULL at its end. */
static char *next_token(void)
{
    while (command[cursor] == ' ') {
        cursor++;
    }
    if (command[cursor] == '\0') {
        return (char *)0;
    }
    char *token = &command[cursor];
    while ((command[cursor] != ' ') && (command[cursor] != '\0')) {
        cursor++;
    }
    if (command[cursor] == ' ') {
        command[cursor] = '\0';
        cursor++;
    }
    return token;
}

static void timestamp(void)
{
    const uint32_t now = ek_clock_us();
    if (EK_MLPERF_ENERGY != 0) {
        ek_port_trigger(0);
        const uint32_t begin = ek_port_cycles();
        const uint32_t width = (ek_port_cycle_hz() / 500000U) + 1U; /* 2 us: meters want 1 at least */
        while (ek_port_cycles() - begin < width) {
        }
        ek_port_trigger(1);
    } else {
        ek_text("m-lap-us-");
        ek_text_u32(now);
        ek_text("\r\n");
    }
}

/* Element i of a tensor as a real number. */
static float element(const ek_io *tensor, uint32_t i)
{
    const uint8_t *base = ek_model_arena() + tensor->offset;
    int32_t level = 0;
    switch (tensor->dtype) {
    case EK_INT8:
        level = (int32_t)((base[i] ^ 0x80U)) - 128;
        break;
    case EK_INT16:
        level = (int32_t)(ek_get_u16(&base[2U * i]) ^ 0x8000U) - 32768;
        break;
    case EK_INT32:
        level = (int32_t)ek_get_u32(&base[4U * i]);
        break;
    case EK_FLOAT32:
        return ek_bits_float(ek_get_u32(&base[4U * i]));
    case EK_INT64:
        level = (int32_t)ek_get_u32(&base[8U * i]);
        break;
    default:
        level = base[i];
        break;
    }
    return (tensor->scale != 0.0F) ? (float)(level - tensor->zero_point) * tensor->scale : (float)level;
}

static uint32_t element_count(const ek_io *tensor)
{
    uint32_t size = 1;
    switch (tensor->dtype) {
    case EK_INT16:
        size = 2;
        break;
    case EK_INT32:
    case EK_FLOAT32:
        size = 4;
        break;
    case EK_INT64:
        size = 8;
        break;
    default:
        break;
    }
    return tensor->bytes / size;
}

/* An autoencoder's single result: how far its output is from the float input. */
static float mean_squared_error(const ek_io *output, uint32_t count)
{
    float sum = 0.0F;
    for (uint32_t i = 0; i < count; i++) {
        const float difference = element(output, i) - ek_sample_float(i);
        sum += difference * difference;
    }
    return sum / (float)count;
}

static void results(void)
{
    const ek_io *output = &ek_model.outputs[0];
    const uint32_t count = element_count(output);
    ek_text("m-results-[");
    if ((ek_sample_is_float() != 0) && (ek_sample_capacity() != 0U) && (count == ek_model.inputs[0].bytes)) {
        ek_text_fixed3(mean_squared_error(output, count));
    } else {
        for (uint32_t i = 0; i < count; i++) {
            ek_text((i == 0U) ? "" : ",");
            ek_text_fixed3(element(output, i));
        }
    }
    ek_text("]\r\n");
}

/* The inputs are copied again only if the model writes over them; that time then counts. */
static void infer(int32_t runs, int32_t warmups)
{
    ek_sample_prepare();
    ek_text("m-warmup-start-");
    ek_text_i32(warmups);
    ek_text("\r\n");
    const int32_t reload = ek_window_warm_up((uint32_t)warmups);
    ek_text("m-warmup-done\r\nm-infer-start-");
    ek_text_i32(runs);
    ek_text("\r\n");
    timestamp();
    ek_window_run((uint32_t)runs, reload);
    timestamp();
    ek_text("m-infer-done\r\n");
    results();
}

static void infer_command(void)
{
    const char *runs_text = next_token();
    const char *warmups_text = (runs_text != (char *)0) ? next_token() : (char *)0;
    const int32_t runs = (runs_text != (char *)0) ? ek_text_parse(runs_text) : 1;
    const int32_t warmups = (warmups_text != (char *)0) ? ek_text_parse(warmups_text) : 10;
    if (runs <= 0) {
        ek_text("e-[Inference iterations must be >0]\r\n");
    } else if (warmups < 0) {
        ek_text("e-[Inference warmup must be >=0]\r\n");
    } else if ((runs > INFERENCES_MAX) || (warmups > INFERENCES_MAX)) {
        ek_text("e-[Inference iterations and warmup must be <=1000000]\r\n");
    } else {
        infer(runs, warmups);
    }
}

static void db_load(void)
{
    const char *size_text = next_token();
    const int32_t size = (size_text != (char *)0) ? ek_text_parse(size_text) : 0;
    const uint32_t capacity = ek_sample_capacity();
    if (size_text == (char *)0) {
        ek_text("e-[Command 'db load' requires the # of bytes]\r\n");
    } else if (size <= 0) {
        ek_text("e-[Command 'db load' must be >0 bytes]\r\n");
    } else if ((uint32_t)size > capacity) {
        ek_text("e-[Supplied buffer size exceeds maximum of ");
        ek_text_u32(capacity);
        ek_text(" bytes]\r\n");
    } else {
        ek_sample_begin((uint32_t)size);
        ek_text("m-[Expecting ");
        ek_text_i32(size);
        ek_text(" bytes]\r\n");
    }
}

static void db_print(void)
{
    const uint32_t size = ek_sample_size();
    for (uint32_t i = 0; i < size; i++) {
        ek_text(((i % 8U) == 0U) ? "m-buffer-" : "-");
        ek_text_hex(ek_sample_byte(i));
        if (((i % 8U) == 7U) || (i + 1U == size)) {
            ek_text("\r\n");
        }
    }
}

/* Hexadecimal bytes; digits after the last expected byte are disregarded, as the reference does. */
static void db_bytes(const char *digits)
{
    uint32_t count = 0;
    while (digits[count] != '\0') {
        count++;
    }
    if ((count % 2U) != 0U) {
        ek_text("e-[Insufficent number of hex digits]\r\n");
        return;
    }
    if (ek_sample_wants() == 0) {
        ek_text("e-[Command 'db load' must come first]\r\n");
        return;
    }
    for (uint32_t i = 0; i < count; i += 2U) {
        const int32_t high = ek_text_hex_digit(digits[i]);
        const int32_t low = ek_text_hex_digit(digits[i + 1U]);
        if ((high < 0) || (low < 0)) {
            const char pair[3] = {digits[i], digits[i + 1U], '\0'};
            ek_text("e-[Invalid hex digit '");
            ek_text(pair);
            ek_text("']\r\n");
            return;
        }
        ek_sample_put((uint8_t)((high * 16) + low));
        if (ek_sample_wants() == 0) {
            ek_text("m-load-done\r\n");
            return;
        }
    }
}

static void db_command(void)
{
    const char *token = next_token();
    if (token == (char *)0) {
        ek_text("e-[Command 'db' requires a subcommand]\r\n");
    } else if (ek_text_equal(token, "load") != 0) {
        db_load();
    } else if (ek_text_equal(token, "print") != 0) {
        db_print();
    } else {
        db_bytes(token);
    }
}

static void name_command(void)
{
    ek_text("m-name-dut-[" EK_BOARD_NAME "]\r\n");
}

static void profile_command(void)
{
    ek_text("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[");
    ek_text(ek_model.task);
    ek_text("]\r\n");
}

static void help_command(void)
{
    ek_text(help_lines);
}

typedef struct {
    const char *word;
    void (*run)(void);
} entry;

static const entry entries[] = {
    {"name", name_command},   {"profile", profile_command}, {"timestamp", timestamp}, {"db", db_command},
    {"infer", infer_command}, {"results", results},         {"help", help_command},
};

static void run_command(void)
{
    cursor = 0;
    const char *word = next_token();
    for (uint32_t i = 0; (word != (char *)0) && (i < sizeof entries / sizeof entries[0]); i++) {
        if (ek_text_equal(word, entries[i].word) != 0) {
            entries[i].run();
            return;
        }
    }
    ek_text("e-[Unknown command: ");
    ek_text((word != (char *)0) ? word : "");
    ek_text("]\r\n");
}

void ek_mlperf_banner(void)
{
    ek_port_trigger(1); /* idle high: a timestamp is a falling edge */
    ek_text((EK_MLPERF_ENERGY != 0) ? "m-timestamp-mode-energy\r\n" : "m-timestamp-mode-performance\r\n");
    ek_text("m-init-done\r\nm-ready\r\n");
}

void ek_mlperf_drop(void)
{
    fill = 0;
    overlong = 0;
}

void ek_mlperf_garbled(void)
{
    ek_text("e-[Garbled command]\r\nm-ready\r\n");
}

void ek_mlperf_push(uint8_t byte)
{
    if (byte == (uint8_t)'%') {
        command[fill] = '\0';
        if (overlong != 0U) {
            ek_text("e-[Command too long]\r\n");
        } else {
            run_command();
        }
        ek_mlperf_drop();
        ek_text("m-ready\r\n");
    } else if ((byte < (uint8_t)' ') || (byte > (uint8_t)'~')) {
        /* Line noise when the port is opened, and the line ends of a terminal. */
    } else if (fill + 1U < COMMAND_BYTES) {
        command[fill] = (char)byte;
        fill++;
    } else {
        overlong = 1;
    }
}
