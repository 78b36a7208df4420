/* One sample, kept beside the arena because an inference may write over its inputs. */
#ifndef EK_SAMPLE_H
#define EK_SAMPLE_H

#include <stdint.h>

/* Bytes of RAM for it: all inputs as the model takes them, and for ad01, whose host sends float32, four times
 * as much beside them. The build sets it to the model's own need. */
#ifndef EK_SAMPLE_BYTES
#define EK_SAMPLE_BYTES 32768
#endif

/* Most bytes a `db load` may bring; 0 if EK_SAMPLE_BYTES is too small for this model. */
uint32_t ek_sample_capacity(void);

/* Start collecting size bytes, at most the capacity, in the form the host sends them. */
void ek_sample_begin(uint32_t size);

/* 1 while bytes are missing. */
int32_t ek_sample_wants(void);

/* Take the next byte, if one is missing. */
void ek_sample_put(uint8_t byte);

/* What was announced last, and byte i of it as the host sent it; bytes not yet sent keep their old value. */
uint32_t ek_sample_size(void);
uint8_t ek_sample_byte(uint32_t i);

/* Element i of a float32 sample. */
float ek_sample_float(uint32_t i);

/* 1 if the model's task sends float32 inputs. */
int32_t ek_sample_is_float(void);

/* Bring the sample into the model's own form (a float32 sample is quantised). */
void ek_sample_prepare(void);

/* Copy the prepared sample into the model's inputs. */
void ek_sample_load(void);

/* 1 if the model's inputs still are the prepared sample. */
int32_t ek_sample_intact(void);

/* Make what lies in the model's inputs the prepared sample; a sample from the host is forgotten. */
void ek_sample_save(void);

#endif
