/* The bench harness: what makes a model on a board answer its serial line. */
#ifndef EK_HARNESS_H
#define EK_HARNESS_H

#include <stdint.h>

/* Take a byte from the line: a frame is collected and answered, anything else is an ASCII command. */
void ek_harness_push(uint8_t byte);

#endif
