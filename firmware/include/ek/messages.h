/* What the binary frames carry; the host's twin is edgekit/device/link.py. Numbers are little-endian.
 *
 *   request   payload                            reply payload
 *   HELLO     nonce u32                          INFO, below; sets the sequence
 *   IO        output u8, index u8                offset u32, bytes u32, dtype u32, scale f32, zero_point i32
 *   WRITE     offset u32, data                   -                                 into the arena
 *   READ      offset u32, size u16               data                              from the arena
 *   RUN       runs u16, warmups u16              cycles u32 of each run
 *   STEP      step u32                           cycles u32 of it
 *   STACK     -                                  stack bytes u32 of one inference
 *   TRIGGER   level u8                           -
 *   RESET     -                                  -, then the board restarts
 *   STEPS     first u32, count u16               cycles u32 of each step
 *   WINDOW    runs u32, warmups u16              microseconds u32 of the runs, u32 1 if inputs were copied each time
 *
 * INFO: version u8, flags u8 (bit 0: energy mode), request_max u16, reply_max u16, input_count u8, output_count u8,
 * nonce u32, arena_bytes u32, step_count u32, cycle_hz u32, timer_overhead u32 (cycles), sample_bytes u32, then model
 * name, task and build id, each a length u8 and at most 63 characters.
 *
 * A reply's type is the request's with bit 7 set; an ERROR reply has a code u8 and a detail u32 (the limit that was
 * overstepped, or the sequence expected). Replies repeat the request's sequence. Each request carries the sequence
 * of the one before plus 1 (modulo 256); a request that repeats the last frame is answered again but not done again.
 * RUN restores the inputs before every run; they are taken from the arena when it begins. WINDOW does its runs without
 * reading the time between them and holds the trigger pin low meanwhile; idle it is high. */
#ifndef EK_MESSAGES_H
#define EK_MESSAGES_H

#include <stdint.h>

#include "ek/frames.h"

#define EK_PROTOCOL_VERSION 1U
#define EK_RUNS_MAX 32U /* of one RUN; warm-ups and STEPS too */
#define EK_NAME_MAX 63U /* characters of a string in INFO */
#define EK_REPLY_BIT 0x80U
#define EK_REPLY_ERROR 0xFFU

enum {
    EK_HELLO = 1,
    EK_IO = 2,
    EK_WRITE = 3,
    EK_READ = 4,
    EK_RUN = 5,
    EK_STEP = 6,
    EK_STACK = 7,
    EK_TRIGGER = 8,
    EK_RESET = 9,
    EK_STEPS = 10,
    EK_WINDOW = 11
};

enum {
    EK_ERROR_CRC = 1,      /* the frame was damaged: send it again */
    EK_ERROR_TYPE = 2,     /* no such request */
    EK_ERROR_PAYLOAD = 3,  /* the payload's size does not fit the request */
    EK_ERROR_RANGE = 4,    /* offset, size, index or count outside what there is */
    EK_ERROR_SEQUENCE = 5, /* not the sequence that comes next */
    EK_ERROR_SESSION = 6   /* no HELLO since the board started */
};

/* Answer the frame in reader, whose last byte gave code (READY or BROKEN). */
void ek_messages_answer(const ek_frame_reader *reader, int32_t code);

#endif
