#include "ek/harness.h"

#include "ek/frames.h"
#include "ek/messages.h"
#include "ek/mlperf.h"

static ek_frame_reader reader;

void ek_harness_push(uint8_t byte)
{
    const int32_t code = ek_frame_push(&reader, byte);
    switch (code) {
    case EK_FRAME_OUTSIDE:
        ek_mlperf_push(byte);
        break;
    case EK_FRAME_ABORTED:
        ek_mlperf_garbled();
        break;
    case EK_FRAME_INSIDE:
        ek_mlperf_drop();
        break;
    default:
        ek_messages_answer(&reader, code);
        break;
    }
}
