/* ASCII output and number parsing of the command protocol, without the C library. */
#ifndef EK_TEXT_H
#define EK_TEXT_H

#include <stdint.h>

void ek_text(const char *text);
void ek_text_u32(uint32_t value);
void ek_text_i32(int32_t value);
void ek_text_hex(uint8_t value); /* two digits */

/* As printf's %0.3f, rounded half to even on the exact value; magnitudes of 2^32 and above and infinities print as
 * inf, a NaN as nan. */
void ek_text_fixed3(float value);

/* 1 if the two strings are equal. */
int32_t ek_text_equal(const char *a, const char *b);

/* As atoi: optional sign, digits up to the first other character; saturates at +-(2^31 - 1). */
int32_t ek_text_parse(const char *text);

/* Value of a hexadecimal digit, -1 if it is none. */
int32_t ek_text_hex_digit(char digit);

#endif
