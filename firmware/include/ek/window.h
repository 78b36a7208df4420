/* Inferences one after another with nothing between them: what latency and energy are taken of. No text, no frame and
 * no timer of a layer lies in the window, in the very image that was verified; a second image would be another program
 * with other addresses, hence other flash wait states. */
#ifndef EK_WINDOW_H
#define EK_WINDOW_H

#include <stdint.h>

/* More inferences than any window needs; a typing error must not occupy the board for days. */
#define EK_WINDOW_MAX 1000000U

/* Do warmups inferences of the sample and put it into the inputs again; 1 if the model writes over its inputs (or
 * nobody knows), so that they must be copied before each inference. */
int32_t ek_window_warm_up(uint32_t warmups);

/* Do runs inferences; copy the inputs before each but the first if reload is not 0. */
void ek_window_run(uint32_t runs, int32_t reload);

#endif
