/* The seven functions a port gives; firmware/port/<name>/port.c. */
#ifndef EK_PORT_H
#define EK_PORT_H

#include <stdint.h>

void ek_port_init(void);                               /* clocks, serial line, cycle counter */
uint32_t ek_port_cycles(void);                         /* free-running counter, wraps at 2^32 */
uint32_t ek_port_cycle_hz(void);                       /* its frequency */
int32_t ek_port_read(uint8_t *data, int32_t size);     /* bytes read now, 0 if none; never blocks */
void ek_port_write(const uint8_t *data, int32_t size); /* blocks until all is sent */
void ek_port_trigger(int32_t level);                   /* the energy meter's gate pin */
_Noreturn void ek_port_reset(void);                    /* restart the board */

#endif
