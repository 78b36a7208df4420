/* The ASCII protocol of the MLPerf Tiny / EEMBC runner. Performance mode; with EK_ENERGY_MODE defined the
 * timestamps are falling edges of the trigger pin. */
#ifndef EK_MLPERF_H
#define EK_MLPERF_H

#include <stdint.h>

#ifdef EK_ENERGY_MODE
#define EK_MLPERF_ENERGY 1
#else
#define EK_MLPERF_ENERGY 0
#endif

/* What `name%` answers; the build sets it to the board's name. */
#ifndef EK_BOARD_NAME
#define EK_BOARD_NAME "edgekit"
#endif

/* The lines that a runner expects to have been sent before it opens the port. */
void ek_mlperf_banner(void);

/* Take a byte that belongs to no frame; runs the command when it is '%'. */
void ek_mlperf_push(uint8_t byte);

/* Forget an unfinished command: a frame began. */
void ek_mlperf_drop(void);

/* A frame was ended by '%': its command is lost, yet whoever sent it waits for an answer. */
void ek_mlperf_garbled(void);

#endif
