/* Micro-kernels for cores with Helium (MVE: Cortex-M55, M85).
 *
 * Input zero points are in the biases. Outputs are requantised four at a time, the lanes being four pixels, so that bias,
 * multiplier and shift are scalars. VQRDMULH is gemmlowp's doubling high multiply on all operands: its truncating
 * division after a nudge of 1 - 2^30 rounds negative ties up just as the instruction does. VRSHL rounds half up where
 * TensorFlow Lite rounds half away from zero; that differs for negative values only, which ReLU clamps, so that
 * linear layers alone take one from them first: VQRDMLAH adds acc >> 31 to the product in the same instruction. (A
 * product that rounds to zero of a negative acc becomes -1, which any shift of at least one rounds to zero again.) */
#ifndef EK_MVE_H
#define EK_MVE_H

#include <arm_mve.h>
#include <stdint.h>

#include "ek/attributes.h"
#include "ek/requantize.h"

#define EK_MVE_STATIC static __attribute__((unused, noinline))
#define EK_MVE_NAKED static __attribute__((unused, noinline, naked))
#define EK_MVE_REGISTER __attribute__((unused)) /* a parameter that only the assembly reads */

/* What stays the same over a layer; the assembly knows the order. Per pair of channels the stream holds, for each
 * sixteen taps, sixteen weights of either channel, then bias, multiplier and shift of both. Two pairs make four
 * neighbouring channels: 0 and 2, then 1 and 3. */
typedef struct {
    const int8_t *stream;
    const int8_t *stream_end;
    int32_t out_zp;
    int32_t chunks; /* of sixteen taps */
} ek_mve_layer;

/* Four pixels on their way through a layer. The tile holds sixteen taps of pixel 0, of pixel 1, 2, 3, then the next
 * sixteen; taps past the last may hold anything, for their weights are zero. */
typedef struct {
    int8_t *to[4]; /* where the results of each pixel go */
    int32_t filled;
} ek_mve_group;

/* One instruction a line. */
/* clang-format off */

/* Sixteen taps of four pixels by two channels: 14 instructions, 56 bytes. r0 r2 r4 r6 first channel, r8 r10 r12 lr
 * second; r1 tile, r3 stream. */
#define EK_MVE_CHUNK(mac)              \
    "vldrw.u32 q0, [r3], #32\n"        \
    "vldrw.u32 q2, [r1], #64\n"        \
    mac " r0, q0, q2\n"                \
    "vldrw.u32 q1, [r3, #-16]\n"       \
    mac " r8, q1, q2\n"                \
    "vldrw.u32 q3, [r1, #-48]\n"       \
    mac " r2, q0, q3\n"                \
    "vldrw.u32 q2, [r1, #-32]\n"       \
    mac " r10, q1, q3\n"               \
    "vldrw.u32 q3, [r1, #-16]\n"       \
    mac " r4, q0, q2\n"                \
    mac " r12, q1, q2\n"               \
    mac " r6, q0, q3\n"                \
    mac " lr, q1, q3\n"
#define EK_MVE_FIRST EK_MVE_CHUNK("vmladav.s8")
#define EK_MVE_NEXT EK_MVE_CHUNK("vmladava.s8")

/* q0 and q1, four sums each, to two 16-bit results a pixel in `result`. */
#define EK_MVE_SUMS                        \
    "vmov q0[2], q0[0], r0, r4\n"          \
    "vmov q0[3], q0[1], r2, r6\n"          \
    "vmov q1[2], q1[0], r8, r12\n"         \
    "vmov q1[3], q1[1], r10, lr\n"         \
    "ldm r3!, {r0, r2, r4, r6, r8, r10}\n" \
    "vadd.i32 q0, q0, r0\n"                \
    "vadd.i32 q1, q1, r6\n"
#define EK_MVE_RELU(result)                \
    EK_MVE_SUMS                            \
    "vqrdmulh.s32 q0, q0, r2\n"            \
    "vqrdmulh.s32 q1, q1, r8\n"            \
    "vrshl.s32 q0, r4\n"                   \
    "vrshl.s32 q1, r10\n"                  \
    "vqmovnb.s32 " result ", q0\n"         \
    "vqmovnt.s32 " result ", q1\n"         \
    "vqadd.s16 " result ", " result ", q7\n"
#define EK_MVE_LINEAR(result)              \
    EK_MVE_SUMS                            \
    "vshr.s32 q2, q0, #31\n"               \
    "vshr.s32 q3, q1, #31\n"               \
    "vqrdmlah.s32 q2, q0, r2\n"            \
    "vqrdmlah.s32 q3, q1, r8\n"            \
    "vrshl.s32 q2, r4\n"                   \
    "vrshl.s32 q3, r10\n"                  \
    "vqmovnb.s32 " result ", q2\n"         \
    "vqmovnt.s32 " result ", q3\n"         \
    "vqadd.s16 " result ", " result ", q7\n"

/* A tile by all channels of a layer. The first sixteen taps start the sums; the others run in a loop of four times
 * sixteen that is entered where their number demands. r5 end of stream, r7 where the loop of the first pair is
 * entered, r9 end of tile, r11 tile; q6 addresses, q7 zero point; on the stack where the second loop is entered. */
#define EK_MVE_BLOCK(name, requantize)                                                              \
    EK_MVE_NAKED void name(EK_MVE_REGISTER const ek_mve_layer *layer, EK_MVE_REGISTER const int8_t *tile, \
                           EK_MVE_REGISTER int8_t *const *to)                                       \
    {                                                                                               \
        __asm__ volatile("push {r4-r11, lr}\n"                                                      \
                         "vpush {d8-d15}\n"                                                         \
                         "sub sp, sp, #8\n"                                                         \
                         "vldrw.u32 q6, [r2]\n"                                                     \
                         "movs r4, #4\n"                                                            \
                         "vsub.i32 q6, q6, r4\n"                                                    \
                         "ldm r0, {r3, r5, r6, r8}\n"                                               \
                         "vdup.16 q7, r6\n"                                                         \
                         "mov r11, r1\n"                                                            \
                         "add r9, r1, r8, lsl #6\n"                                                 \
                         "adr.w r7, 3f\n"                                                           \
                         "adr.w r10, 5f\n"                                                          \
                         "subs r8, r8, #1\n"                                                        \
                         "beq 1f\n"                                                                 \
                         "subs r8, r8, #1\n"                                                        \
                         "and r8, r8, #3\n"                                                         \
                         "adds r8, r8, #1\n"                                                        \
                         "movs r4, #56\n"                                                           \
                         "mul r8, r8, r4\n"                                                         \
                         "adr.w r7, 2f\n"                                                           \
                         "adr.w r10, 4f\n"                                                          \
                         "subs r7, r7, r8\n"                                                        \
                         "sub r10, r10, r8\n"                                                       \
                         "1: orr r7, r7, #1\n"                                                      \
                         "orr r10, r10, #1\n"                                                       \
                         "str r10, [sp]\n"                                                          \
                         "6: mov r1, r11\n"                                                         \
                         EK_MVE_FIRST                                                               \
                         "bx r7\n"                                                                  \
                         "7:\n"                                                                     \
                         EK_MVE_NEXT EK_MVE_NEXT EK_MVE_NEXT EK_MVE_NEXT                            \
                         "2: cmp r1, r9\n"                                                          \
                         "bne 7b\n"                                                                 \
                         "3:\n"                                                                     \
                         requantize("q4")                                                           \
                         "mov r1, r11\n"                                                            \
                         EK_MVE_FIRST                                                               \
                         "ldr pc, [sp]\n"                                                           \
                         "8:\n"                                                                     \
                         EK_MVE_NEXT EK_MVE_NEXT EK_MVE_NEXT EK_MVE_NEXT                            \
                         "4: cmp r1, r9\n"                                                          \
                         "bne 8b\n"                                                                 \
                         "5:\n"                                                                     \
                         requantize("q5")                                                           \
                         "vqmovnb.s16 q4, q4\n"                                                     \
                         "vqmovnt.s16 q4, q5\n"                                                     \
                         "vstrw.32 q4, [q6, #4]!\n"                                                 \
                         "cmp r3, r5\n"                                                             \
                         "bne.w 6b\n"                                                               \
                         "add sp, sp, #8\n"                                                         \
                         "vpop {d8-d15}\n"                                                          \
                         "pop {r4-r11, pc}\n");                                                     \
    }

EK_MVE_BLOCK(ek_mve_block_relu, EK_MVE_RELU)
EK_MVE_BLOCK(ek_mve_block_linear, EK_MVE_LINEAR)

/* Layers of up to sixteen taps keep the pixels in registers: 10 instructions a pair of channels instead of 14. */
#define EK_MVE_FROM_REGISTERS         \
    "vldrw.u32 q0, [r3], #32\n"       \
    "vmladav.s8 r0, q0, q2\n"         \
    "vldrw.u32 q1, [r3, #-16]\n"      \
    "vmladav.s8 r8, q1, q2\n"         \
    "vmladav.s8 r2, q0, q3\n"         \
    "vmladav.s8 r10, q1, q3\n"        \
    "vmladav.s8 r4, q0, q4\n"         \
    "vmladav.s8 r12, q1, q4\n"        \
    "vmladav.s8 r6, q0, q5\n"         \
    "vmladav.s8 lr, q1, q5\n"         \
    EK_MVE_SUMS                       \
    "vqrdmulh.s32 q0, q0, r2\n"       \
    "vqrdmulh.s32 q1, q1, r8\n"       \
    "vrshl.s32 q0, r4\n"              \
    "vrshl.s32 q1, r10\n"

/* ek_mve_block_relu for layers of one chunk. r5 end of stream, r7 zero point; q2 to q5 pixels, q6 addresses. */
EK_MVE_NAKED void ek_mve_block_relu_16(EK_MVE_REGISTER const ek_mve_layer *layer, EK_MVE_REGISTER const int8_t *tile,
                                       EK_MVE_REGISTER int8_t *const *to)
{
    __asm__ volatile("push {r4-r11, lr}\n"
                     "vpush {d8-d15}\n"
                     "vldrw.u32 q6, [r2]\n"
                     "movs r4, #4\n"
                     "vsub.i32 q6, q6, r4\n"
                     "ldm r0, {r3, r5, r7}\n"
                     "vldrw.u32 q2, [r1]\n"
                     "vldrw.u32 q3, [r1, #16]\n"
                     "vldrw.u32 q4, [r1, #32]\n"
                     "vldrw.u32 q5, [r1, #48]\n"
                     "1:\n"
                     EK_MVE_FROM_REGISTERS
                     "vqmovnb.s32 q7, q0\n"
                     "vqmovnt.s32 q7, q1\n"
                     "vqadd.s16 q7, q7, r7\n"
                     "vqmovnb.s16 q7, q7\n"
                     EK_MVE_FROM_REGISTERS
                     "vqmovnb.s32 q0, q0\n"
                     "vqmovnt.s32 q0, q1\n"
                     "vqadd.s16 q0, q0, r7\n"
                     "vqmovnt.s16 q7, q0\n"
                     "vstrw.32 q7, [q6, #4]!\n"
                     "cmp r3, r5\n"
                     "bne 1b\n"
                     "vpop {d8-d15}\n"
                     "pop {r4-r11, pc}\n");
}

/* Sixteen features by eight outputs: 17 instructions, 68 bytes. r0 r2 ... r12 lr outputs; r1 features, r3 stream. */
#define EK_MVE_FEATURES(mac)           \
    "vldrw.u32 q0, [r1], #16\n"        \
    "vldrw.u32 q1, [r3], #128\n"       \
    "vldrw.u32 q2, [r3, #-112]\n"      \
    mac " r0, q0, q1\n"                \
    "vldrw.u32 q3, [r3, #-96]\n"       \
    mac " r2, q0, q2\n"                \
    "vldrw.u32 q1, [r3, #-80]\n"       \
    mac " r4, q0, q3\n"                \
    "vldrw.u32 q2, [r3, #-64]\n"       \
    mac " r6, q0, q1\n"                \
    "vldrw.u32 q3, [r3, #-48]\n"       \
    mac " r8, q0, q2\n"                \
    "vldrw.u32 q1, [r3, #-32]\n"       \
    mac " r10, q0, q3\n"               \
    "vldrw.u32 q2, [r3, #-16]\n"       \
    mac " r12, q0, q1\n"               \
    mac " lr, q0, q2\n"
#define EK_MVE_NEXT_FEATURES EK_MVE_FEATURES("vmladava.s8")

/* A row of features by all outputs of a layer, eight a turn. r5 end of the features, r7 where results go, r9 outputs
 * left, r11 features; q7 zero point; on the stack where the loop is entered. */
EK_MVE_NAKED void ek_mve_row(EK_MVE_REGISTER const ek_mve_layer *layer, EK_MVE_REGISTER const int8_t *features,
                             EK_MVE_REGISTER int8_t *out, EK_MVE_REGISTER int32_t outputs)
{
    __asm__ volatile("push {r4-r11, lr}\n"
                     "vpush {d14-d15}\n"
                     "sub sp, sp, #8\n"
                     "mov r9, r3\n"
                     "mov r7, r2\n"
                     "mov r11, r1\n"
                     "ldm r0, {r3, r5, r6, r8}\n"
                     "vdup.16 q7, r6\n"
                     "add r5, r1, r8, lsl #4\n"
                     "adr.w r10, 3f\n"
                     "subs r8, r8, #1\n"
                     "beq 1f\n"
                     "subs r8, r8, #1\n"
                     "and r8, r8, #3\n"
                     "adds r8, r8, #1\n"
                     "movs r4, #68\n"
                     "mul r8, r8, r4\n"
                     "adr.w r10, 2f\n"
                     "sub r10, r10, r8\n"
                     "1: orr r10, r10, #1\n"
                     "str r10, [sp]\n"
                     "6: mov r1, r11\n"
                     EK_MVE_FEATURES("vmladav.s8")
                     "ldr pc, [sp]\n"
                     "7:\n"
                     EK_MVE_NEXT_FEATURES EK_MVE_NEXT_FEATURES EK_MVE_NEXT_FEATURES EK_MVE_NEXT_FEATURES
                     "2: cmp r1, r5\n"
                     "bne.w 7b\n"
                     "3: vmov q0[2], q0[0], r0, r8\n"
                     "vmov q0[3], q0[1], r4, r12\n"
                     "vmov q1[2], q1[0], r2, r10\n"
                     "vmov q1[3], q1[1], r6, lr\n"
                     "vldrw.u32 q2, [r3], #96\n"
                     "vadd.i32 q0, q0, q2\n"
                     "vldrw.u32 q3, [r3, #-80]\n"
                     "vadd.i32 q1, q1, q3\n"
                     "vldrw.u32 q2, [r3, #-64]\n"
                     "vqrdmulh.s32 q0, q0, q2\n"
                     "vldrw.u32 q3, [r3, #-48]\n"
                     "vqrdmulh.s32 q1, q1, q3\n"
                     "vshr.s32 q2, q0, #31\n"
                     "vadd.i32 q0, q0, q2\n"
                     "vldrw.u32 q2, [r3, #-32]\n"
                     "vshr.s32 q3, q1, #31\n"
                     "vadd.i32 q1, q1, q3\n"
                     "vldrw.u32 q3, [r3, #-16]\n"
                     "vrshl.s32 q0, q0, q2\n"
                     "vrshl.s32 q1, q1, q3\n"
                     "vqmovnb.s32 q0, q0\n"
                     "vqmovnt.s32 q0, q1\n"
                     "vqadd.s16 q0, q0, q7\n"
                     "vqmovnb.s16 q0, q0\n"
                     "vctp.16 r9\n"
                     "vpst\n"
                     "vstrbt.16 q0, [r7], #8\n"
                     "subs r9, r9, #8\n"
                     "bgt.w 6b\n"
                     "add sp, sp, #8\n"
                     "vpop {d14-d15}\n"
                     "pop {r4-r11, pc}\n");
}
/* clang-format on */

static inline ek_mve_layer ek_mve_layer_of(const int8_t *stream, int32_t taps, int32_t channels,
                                           int32_t out_zp)
{
    const int32_t chunks = (taps + 15) / 16;
    const ek_mve_layer layer = {stream, stream + channels / 2 * (32 * chunks + 24), out_zp, chunks};
    return layer;
}

EK_INLINE void ek_mve_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    for (; bytes > 0; bytes -= 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)bytes);
        vstrbq_p_s8(to, vldrbq_z_s8(from, lanes), lanes);
        to += 16;
        from += 16;
    }
}

EK_INLINE void ek_mve_set(int8_t *to, int32_t value, int32_t bytes)
{
    const int8x16_t all = vdupq_n_s8((int8_t)value);
    for (; bytes > 0; bytes -= 16) {
        vstrbq_p_s8(to, all, vctp8q((uint32_t)bytes));
        to += 16;
    }
}

/* A pixel of `taps` to its slot of a tile, reading nothing else. */
EK_INLINE void ek_mve_fill_pixel(int8_t *slot, const int8_t *pixel, int32_t taps)
{
    for (; taps >= 16; taps -= 16) {
        vstrbq_s8(slot, vldrbq_s8(pixel));
        slot += 64;
        pixel += 16;
    }
    if (taps > 0) {
        vstrbq_s8(slot, vldrbq_z_s8(pixel, vctp8q((uint32_t)taps)));
    }
}

/* Four pixels, `pitch` bytes apart, to a tile. */
EK_INLINE void ek_mve_fill_pixels(int8_t *tile, const int8_t *pixel, int32_t pitch, int32_t taps)
{
    const int8_t *pixel_2 = pixel + 2 * pitch;
    for (; taps >= 16; taps -= 16) {
        vstrbq_s8(tile, vldrbq_s8(pixel));
        vstrbq_s8(tile + 16, vldrbq_s8(pixel + pitch));
        vstrbq_s8(tile + 32, vldrbq_s8(pixel_2));
        vstrbq_s8(tile + 48, vldrbq_s8(pixel_2 + pitch));
        tile += 64;
        pixel += 16;
        pixel_2 += 16;
    }
    if (taps > 0) {
        const mve_pred16_t lanes = vctp8q((uint32_t)taps);
        vstrbq_s8(tile, vldrbq_z_s8(pixel, lanes));
        vstrbq_s8(tile + 16, vldrbq_z_s8(pixel + pitch, lanes));
        vstrbq_s8(tile + 32, vldrbq_z_s8(pixel_2, lanes));
        vstrbq_s8(tile + 48, vldrbq_z_s8(pixel_2 + pitch, lanes));
    }
}

/* The input rows under a window, with their border: a ring of as many rows as the window has. */
typedef struct {
    int8_t *base;
    int8_t *end;
    int32_t pitch;   /* bytes of a row */
    int32_t step;    /* bytes from a pixel to the next: stride times channels */
    int32_t segment; /* bytes of a window's row */
    int32_t chunks;  /* of sixteen taps, of the whole window */
    int8_t *patch;   /* four windows, where their rows are not whole chunks */
} ek_mve_stage;

/* The windows of `pixels` (1 or 4) pixels to slots of a tile; `first` is the first window's row in the ring. Patches
 * are written sixteen bytes at a time: what is too much the next row overwrites. */
EK_INLINE void ek_mve_fill_windows(int8_t *slot, const int8_t *first, int32_t rows, const ek_mve_stage *stage,
                                   int32_t pixels)
{
    const int32_t room = 16 * stage->chunks + 16;
    int8_t *patch = stage->patch;
    for (int32_t fy = 0; fy < rows; fy++) {
        if (stage->segment % 16 != 0) {
            for (int32_t i = 0; i < stage->segment; i += 16) {
                for (int32_t k = 0; k < pixels; k++) {
                    vstrbq_s8(patch + k * room + i, vldrbq_s8(first + k * stage->step + i));
                }
            }
            patch += stage->segment;
        } else if (pixels == 4) {
            ek_mve_fill_pixels(slot, first, stage->step, stage->segment);
            slot += 4 * stage->segment;
        } else {
            ek_mve_fill_pixel(slot, first, stage->segment);
            slot += 4 * stage->segment;
        }
        first += stage->pitch;
        first -= first >= stage->end ? stage->end - stage->base : 0;
    }
    if (stage->segment % 16 != 0) {
        if (pixels == 4) {
            ek_mve_fill_pixels(slot, stage->patch, room, 16 * stage->chunks);
        } else {
            ek_mve_fill_pixel(slot, stage->patch, 16 * stage->chunks);
        }
    }
}

/* How many rows from y on, up to end, follow each other in memory in rings of in_rows and out_rows rows. */
static inline int32_t ek_mve_run(int32_t in_rows, int32_t out_rows, int32_t y, int32_t end)
{
    const int32_t in_left = in_rows - y % in_rows;
    const int32_t out_left = out_rows - y % out_rows;
    const int32_t left = in_left < out_left ? in_left : out_left;
    return left < end - y ? left : end - y;
}

/* Limits what the micro-kernels have limited to int8 only. */
EK_MVE_STATIC void ek_mve_clamp(int8_t *values, int32_t count, int32_t low, int32_t high)
{
    const int8x16_t least = vdupq_n_s8((int8_t)low);
    const int8x16_t most = vdupq_n_s8((int8_t)high);
    if (low == INT8_MIN && high == INT8_MAX) {
        return;
    }
    for (; count > 0; count -= 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)count);
        const int8x16_t all = vldrbq_z_s8(values, lanes);
        vstrbq_p_s8(values, vminq_s8(vmaxq_s8(all, least), most), lanes);
        values += 16;
    }
}

#endif
