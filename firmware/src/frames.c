#include "ek/frames.h"

#include "ek/bytes.h"
#include "ek/crc32.h"
#include "ek/port.h"

/* What is escaped on the line is collected in pieces, so that a port with an expensive write sends few. */
typedef struct {
    uint32_t fill;
    uint8_t bytes[64];
} escaper;

static int32_t take(ek_frame_reader *reader, uint8_t byte);

int32_t ek_frame_push(ek_frame_reader *reader, uint8_t byte)
{
    if (byte == EK_FRAME_START) {
        reader->open = 1;
        reader->escaped = 0;
        reader->dropped = 0;
        reader->fill = 0;
        return EK_FRAME_INSIDE;
    }
    if (reader->open == 0U) {
        return EK_FRAME_OUTSIDE;
    }
    if (byte == (uint8_t)'%') {
        reader->open = 0;
        return EK_FRAME_ABORTED;
    }
    if (byte == EK_FRAME_ESCAPE) {
        reader->escaped = 1;
        return EK_FRAME_INSIDE;
    }
    const uint32_t flip = (reader->escaped != 0U) ? EK_FRAME_FLIP : 0U;
    reader->escaped = 0;
    return (reader->dropped != 0U) ? EK_FRAME_INSIDE : take(reader, (uint8_t)(byte ^ flip));
}

/* Store a byte of the frame and look whether that completes the header or the frame. */
static int32_t take(ek_frame_reader *reader, uint8_t byte)
{
    reader->data[reader->fill] = byte;
    reader->fill++;
    if (reader->fill == EK_FRAME_HEADER) {
        reader->type = reader->data[0];
        reader->sequence = reader->data[1];
        reader->size = ek_get_u16(&reader->data[2]);
        if (reader->size > EK_FRAME_REQUEST_MAX) {
            reader->dropped = 1;
            return EK_FRAME_INSIDE;
        }
    }
    if ((reader->fill < EK_FRAME_HEADER) || (reader->fill < EK_FRAME_HEADER + reader->size + EK_FRAME_CRC)) {
        return EK_FRAME_INSIDE;
    }
    reader->open = 0;
    const uint32_t covered = EK_FRAME_HEADER + reader->size;
    const uint32_t crc = ek_crc32(0, reader->data, covered);
    return (crc == ek_get_u32(&reader->data[covered])) ? EK_FRAME_READY : EK_FRAME_BROKEN;
}

const uint8_t *ek_frame_payload(const ek_frame_reader *reader)
{
    return &reader->data[EK_FRAME_HEADER];
}

static void flush(escaper *out)
{
    ek_port_write(out->bytes, (int32_t)out->fill);
    out->fill = 0;
}

static void put(escaper *out, const uint8_t *data, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = data[i];
        if (out->fill + 2U > sizeof out->bytes) {
            flush(out);
        }
        if ((byte == EK_FRAME_START) || (byte == EK_FRAME_ESCAPE) || (byte == (uint8_t)'%')) {
            out->bytes[out->fill] = EK_FRAME_ESCAPE;
            out->fill++;
            byte = (uint8_t)(byte ^ EK_FRAME_FLIP);
        }
        out->bytes[out->fill] = byte;
        out->fill++;
    }
}

void ek_frame_send(uint32_t type, uint32_t sequence, const uint8_t *payload, uint32_t size)
{
    escaper out;
    uint8_t header[EK_FRAME_HEADER];
    uint8_t check[EK_FRAME_CRC];
    header[0] = (uint8_t)type;
    header[1] = (uint8_t)sequence;
    ek_put_u16(&header[2], size);
    ek_put_u32(check, ek_crc32(ek_crc32(0, header, EK_FRAME_HEADER), payload, size));
    out.bytes[0] = EK_FRAME_START;
    out.fill = 1;
    put(&out, header, EK_FRAME_HEADER);
    put(&out, payload, size);
    put(&out, check, EK_FRAME_CRC);
    flush(&out);
}
