/* CRC-32 of IEEE 802.3, the one of zlib and PNG. */
#ifndef EK_CRC32_H
#define EK_CRC32_H

#include <stdint.h>

/* Continue crc (0 to begin with) over size bytes. */
uint32_t ek_crc32(uint32_t crc, const uint8_t *data, uint32_t size);

#endif
