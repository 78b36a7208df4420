/* Depthwise micro-kernels for cores with Helium. Four rows of input are interleaved: a word holds one element of each,
 * and the words of a row's elements follow each other. Four words that a gathered load collects are then a square of
 * four rows by four columns of one channel (or a column of sixteen rows), and four weight vectors, the same one shifted,
 * make two rows by two columns of output (or four rows) of it: 5 instructions for 36 MACs of a 3x3 window. */
#ifndef EK_MVE_DEPTHWISE_H
#define EK_MVE_DEPTHWISE_H

#include "ek/mve.h"

/* A walk over `tiles` neighbouring tiles, each with all channels. The assembly knows the offsets. */
typedef struct {
    const int8_t *weights;   /*  0 */
    const int32_t *records;  /*  4: bias, multiplier, shift of each channel */
    const int32_t *end;      /*  8 */
    int8_t *out;             /* 12: of the first channel; lane addresses are this plus `lanes` */
    int32_t tiles;           /* 16 */
    int32_t out_step;        /* 20: bytes from the end of a tile's channels to the next tile's first */
    int32_t in_step;         /* 24: the same for the input */
    uint32_t mask;           /* 28: lanes that are stored, a bit a byte */
    uint32_t last_mask;      /* 32: and in the last tile */
    int32_t out_zp;          /* 36 */
    int32_t second;          /* 40: bytes from a load to the next */
    const int8_t *corner[4]; /* 44: the words of the first load, less 4 */
    uint32_t lanes[4];       /* 60: offsets of eight (16 bits) or four (32 bits) results */
} ek_mve_walk;

/* One instruction a line. */
/* clang-format off */

#define EK_MVE_WALK_RELU        \
    "vqrdmulh.s32 q0, q0, r2\n" \
    "vqrdmulh.s32 q1, q1, r2\n" \
    "vrshl.s32 q0, r4\n"        \
    "vrshl.s32 q1, r4\n"        \
    "vqmovnb.s32 q0, q0\n"      \
    "vqmovnt.s32 q0, q1\n"
#define EK_MVE_WALK_LINEAR      \
    "vshr.s32 q2, q0, #31\n"    \
    "vshr.s32 q3, q1, #31\n"    \
    "vqrdmlah.s32 q2, q0, r2\n" \
    "vqrdmlah.s32 q3, q1, r2\n" \
    "vrshl.s32 q2, r4\n"        \
    "vrshl.s32 q3, r4\n"        \
    "vqmovnb.s32 q0, q2\n"      \
    "vqmovnt.s32 q0, q3\n"

/* Tiles of two loads, eight results: 34 instructions (36 linear) a channel. r1 weights, r3 records, r5 their end, r7 out,
 * r9 tiles left; q4 zero point, q5 and q6 addresses, q7 lanes. `a`, `b` and `c` are how far the weights of the second,
 * third and fourth result are shifted, plus 16. */
#define EK_MVE_WALK_8(name, a, b, c, requantize)                 \
    EK_MVE_NAKED void name(EK_MVE_REGISTER const ek_mve_walk *w) \
    {                                                            \
        __asm__ volatile("push {r0, r4-r11, lr}\n"               \
                         "vpush {d8-d15}\n"                      \
                         "ldr r5, [r0, #8]\n"                    \
                         "ldr r7, [r0, #12]\n"                   \
                         "ldr r9, [r0, #16]\n"                   \
                         "ldr r2, [r0, #36]\n"                   \
                         "ldr r4, [r0, #40]\n"                   \
                         "vdup.16 q4, r2\n"                      \
                         "vldrw.u32 q6, [r0, #44]\n"             \
                         "vldrw.u32 q7, [r0, #60]\n"             \
                         "vadd.i32 q5, q6, r4\n"                 \
                         "1: ldr r0, [sp, #64]\n"                \
                         "ldrd r2, r4, [r0, #28]\n"              \
                         "ldrd r1, r3, [r0]\n"                   \
                         "cmp r9, #1\n"                          \
                         "it eq\n"                               \
                         "moveq r2, r4\n"                        \
                         "vmsr p0, r2\n"                         \
                         "2: vldrw.u32 q0, [q6, #4]!\n"          \
                         "vldrb.u8 q2, [r1], #16\n"              \
                         "vmladav.s8 r0, q0, q2\n"               \
                         "vldrw.u32 q1, [q5, #4]!\n"             \
                         "vmladav.s8 r8, q1, q2\n"               \
                         "vldrb.u8 q3, [r1, #-" a "]\n"          \
                         "vmladav.s8 r2, q0, q3\n"               \
                         "vldrb.u8 q2, [r1, #-" b "]\n"          \
                         "vmladav.s8 r10, q1, q3\n"              \
                         "vmladav.s8 r4, q0, q2\n"               \
                         "vldrb.u8 q3, [r1, #-" c "]\n"          \
                         "vmladav.s8 r12, q1, q2\n"              \
                         "vmladav.s8 r6, q0, q3\n"               \
                         "vmladav.s8 lr, q1, q3\n"               \
                         "vmov q0[2], q0[0], r0, r4\n"           \
                         "vmov q0[3], q0[1], r2, r6\n"           \
                         "vmov q1[2], q1[0], r8, r12\n"          \
                         "vmov q1[3], q1[1], r10, lr\n"          \
                         "ldm r3!, {r0, r2, r4}\n"               \
                         "vadd.i32 q0, q0, r0\n"                 \
                         "vadd.i32 q1, q1, r0\n"                 \
                         requantize                              \
                         "vqadd.s16 q0, q0, q4\n"                \
                         "vqmovnb.s16 q0, q0\n"                  \
                         "vpst\n"                                \
                         "vstrbt.16 q0, [r7, q7]\n"              \
                         "adds r7, r7, #1\n"                     \
                         "cmp r3, r5\n"                          \
                         "bne 2b\n"                              \
                         "ldr r0, [sp, #64]\n"                   \
                         "ldrd r2, r4, [r0, #20]\n"              \
                         "add r7, r7, r2\n"                      \
                         "vadd.i32 q5, q5, r4\n"                 \
                         "vadd.i32 q6, q6, r4\n"                 \
                         "subs r9, r9, #1\n"                     \
                         "bne 1b\n"                              \
                         "vpop {d8-d15}\n"                       \
                         "pop {r0, r4-r11, pc}\n");              \
    }

EK_MVE_WALK_8(ek_mve_squares_relu, "20", "17", "21", EK_MVE_WALK_RELU)
EK_MVE_WALK_8(ek_mve_squares_linear, "20", "17", "21", EK_MVE_WALK_LINEAR)
EK_MVE_WALK_8(ek_mve_columns_relu, "17", "18", "19", EK_MVE_WALK_RELU)
EK_MVE_WALK_8(ek_mve_columns_linear, "17", "18", "19", EK_MVE_WALK_LINEAR)

#define EK_MVE_WALK_4_RELU      \
    "vqrdmulh.s32 q0, q0, r2\n" \
    "vrshl.s32 q0, r4\n"        \
    "vqmovnb.s32 q0, q0\n"
#define EK_MVE_WALK_4_LINEAR    \
    "vshr.s32 q1, q0, #31\n"    \
    "vqrdmlah.s32 q1, q0, r2\n" \
    "vrshl.s32 q1, r4\n"        \
    "vqmovnb.s32 q0, q1\n"

/* Tiles of four loads, one result each: 24 instructions a channel. q2 zero point, q3 lanes, q4 to q7 addresses. */
#define EK_MVE_WALK_4(name, requantize)                          \
    EK_MVE_NAKED void name(EK_MVE_REGISTER const ek_mve_walk *w) \
    {                                                            \
        __asm__ volatile("push {r0, r4-r11, lr}\n"               \
                         "vpush {d8-d15}\n"                      \
                         "ldr r5, [r0, #8]\n"                    \
                         "ldr r7, [r0, #12]\n"                   \
                         "ldr r9, [r0, #16]\n"                   \
                         "ldr r2, [r0, #36]\n"                   \
                         "ldr r4, [r0, #40]\n"                   \
                         "vdup.16 q2, r2\n"                      \
                         "vldrw.u32 q4, [r0, #44]\n"             \
                         "vldrw.u32 q3, [r0, #60]\n"             \
                         "vadd.i32 q5, q4, r4\n"                 \
                         "vadd.i32 q6, q5, r4\n"                 \
                         "vadd.i32 q7, q6, r4\n"                 \
                         "1: ldr r0, [sp, #64]\n"                \
                         "ldrd r2, r4, [r0, #28]\n"              \
                         "ldrd r1, r3, [r0]\n"                   \
                         "cmp r9, #1\n"                          \
                         "it eq\n"                               \
                         "moveq r2, r4\n"                        \
                         "vmsr p0, r2\n"                         \
                         "2: vldrb.u8 q1, [r1], #16\n"           \
                         "vldrw.u32 q0, [q4, #4]!\n"             \
                         "vmladav.s8 r0, q0, q1\n"               \
                         "vldrw.u32 q0, [q5, #4]!\n"             \
                         "vmladav.s8 r2, q0, q1\n"               \
                         "vldrw.u32 q0, [q6, #4]!\n"             \
                         "vmladav.s8 r4, q0, q1\n"               \
                         "vldrw.u32 q0, [q7, #4]!\n"             \
                         "vmladav.s8 r6, q0, q1\n"               \
                         "vmov q0[2], q0[0], r0, r4\n"           \
                         "vmov q0[3], q0[1], r2, r6\n"           \
                         "ldm r3!, {r0, r2, r4}\n"               \
                         "vadd.i32 q0, q0, r0\n"                 \
                         requantize                              \
                         "vqadd.s16 q0, q0, q2\n"                \
                         "vqmovnb.s16 q0, q0\n"                  \
                         "vpst\n"                                \
                         "vstrbt.32 q0, [r7, q3]\n"              \
                         "adds r7, r7, #1\n"                     \
                         "cmp r3, r5\n"                          \
                         "bne 2b\n"                              \
                         "ldr r0, [sp, #64]\n"                   \
                         "ldrd r2, r4, [r0, #20]\n"              \
                         "add r7, r7, r2\n"                      \
                         "vadd.i32 q4, q4, r4\n"                 \
                         "vadd.i32 q5, q5, r4\n"                 \
                         "vadd.i32 q6, q6, r4\n"                 \
                         "vadd.i32 q7, q7, r4\n"                 \
                         "subs r9, r9, #1\n"                     \
                         "bne 1b\n"                              \
                         "vpop {d8-d15}\n"                       \
                         "pop {r0, r4-r11, pc}\n");              \
    }

EK_MVE_WALK_4(ek_mve_steps_relu, EK_MVE_WALK_4_RELU)
EK_MVE_WALK_4(ek_mve_steps_linear, EK_MVE_WALK_4_LINEAR)
/* clang-format on */

/* Four rows of at least sixteen elements to words of one element of each. */
EK_INLINE void ek_mve_interleave(int8_t *to, const int8_t *const rows[4], int32_t elements)
{
    int8x16x4_t four;
    int32_t i = 0;
    for (; i + 16 <= elements; i += 16) {
        four.val[0] = vldrbq_s8(rows[0] + i);
        four.val[1] = vldrbq_s8(rows[1] + i);
        four.val[2] = vldrbq_s8(rows[2] + i);
        four.val[3] = vldrbq_s8(rows[3] + i);
        vst4q_s8(to + 4 * i, four);
    }
    if (i < elements) {
        i = elements - 16;
        four.val[0] = vldrbq_s8(rows[0] + i);
        four.val[1] = vldrbq_s8(rows[1] + i);
        four.val[2] = vldrbq_s8(rows[2] + i);
        four.val[3] = vldrbq_s8(rows[3] + i);
        vst4q_s8(to + 4 * i, four);
    }
}

/* Lanes of the columns 0, 2, 1, 3 of two rows that are inside the output: two bits each. */
static inline uint32_t ek_mve_square_mask(int32_t columns, int32_t rows)
{
    const uint32_t row = (columns >= 4) ? 0xFFU : (columns == 3) ? 0x3FU : (columns == 2) ? 0x33U : 0x03U;
    return rows == 2 ? row | (row << 8) : row;
}

#endif
