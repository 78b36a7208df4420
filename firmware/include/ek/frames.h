/* Binary frames beside the ASCII commands on one serial line; the host's twin is edgekit/device/link.py.
 *
 *   START  type  sequence  size (u16)  payload[size]  crc (u32)       numbers little-endian
 *
 * crc is the CRC-32 of everything between START and itself. After START the bytes START, '%' and ESCAPE are
 * sent as ESCAPE, byte ^ FLIP. So a START on the line always begins a frame and a '%' always ends a command,
 * whatever was lost or garbled before them: neither side needs a time-out to find its place again. START has
 * its top bit set, hence no ASCII command begins with it and no ASCII answer contains it; and two characters where
 * the size belongs make it too long, hence a false START before a command never causes a binary answer. */
#ifndef EK_FRAMES_H
#define EK_FRAMES_H

#include <stdint.h>

#define EK_FRAME_START 0xA5U
#define EK_FRAME_ESCAPE 0xDBU
#define EK_FRAME_FLIP 0x20U
#define EK_FRAME_HEADER 4U
#define EK_FRAME_CRC 4U
#define EK_FRAME_REQUEST_MAX 256U /* payload bytes the device accepts in one frame */
#define EK_FRAME_REPLY_MAX 4096U  /* payload bytes of the longest reply, the data of a READ */

/* What a byte did to the reader. */
enum {
    EK_FRAME_OUTSIDE = 0, /* no frame is open: the byte is text */
    EK_FRAME_INSIDE = 1,  /* taken; in a frame whose size is above EK_FRAME_REQUEST_MAX, taken and dropped */
    EK_FRAME_READY = 2,   /* the last byte of a good frame */
    EK_FRAME_BROKEN = 3,  /* the last byte of a frame with a wrong crc */
    EK_FRAME_ABORTED = 4  /* a bare '%' ended an unfinished frame */
};

typedef struct {
    uint32_t open;    /* a START was seen */
    uint32_t escaped; /* the last byte was ESCAPE */
    uint32_t dropped; /* the frame is too long */
    uint32_t fill;    /* bytes in data */
    uint32_t type;    /* these three are valid after READY and BROKEN */
    uint32_t sequence;
    uint32_t size;
    uint8_t data[EK_FRAME_HEADER + EK_FRAME_REQUEST_MAX + EK_FRAME_CRC];
} ek_frame_reader;

/* Feed one byte from the line; an EK_FRAME_ code. */
int32_t ek_frame_push(ek_frame_reader *reader, uint8_t byte);

/* The payload of the frame that is READY; reader->size bytes, valid until the next push. */
const uint8_t *ek_frame_payload(const ek_frame_reader *reader);

/* Send a frame through ek_port_write. */
void ek_frame_send(uint32_t type, uint32_t sequence, const uint8_t *payload, uint32_t size);

#endif
