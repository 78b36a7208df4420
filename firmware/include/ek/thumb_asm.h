/* The micro-kernels of ek/thumb.h in Thumb-1 assembly; ek/thumb.h includes this file. */
#ifndef EK_THUMB_ASM_H
#define EK_THUMB_ASM_H

/* One instruction a line, which the formatter would not keep. */
/* clang-format off */

/* A run: r0 tile, r1 weights, r8 and r9 (U, H) of the first pair, r10 and r11 of the second. 29 instructions, 58 bytes,
 * for 16 MACs. */
#define EK_THUMB_RUN_OF_4(at0, at1, at2, at3) \
    "ldm r0!, {r3, r4, r5, r6, r7}\n" \
    "ldrb r2, [r1, #" #at0 "]\n" \
    "muls r5, r2, r5\n" \
    "adds r3, r3, r5\n" \
    "muls r6, r2, r6\n" \
    "adds r4, r4, r6\n" \
    "ldrb r2, [r1, #" #at1 "]\n" \
    "muls r7, r2, r7\n" \
    "adds r3, r3, r7\n" \
    "ldm r0!, {r5, r6, r7}\n" \
    "muls r5, r2, r5\n" \
    "adds r4, r4, r5\n" \
    "ldrb r2, [r1, #" #at2 "]\n" \
    "muls r6, r2, r6\n" \
    "adds r3, r3, r6\n" \
    "muls r7, r2, r7\n" \
    "adds r4, r4, r7\n" \
    "ldm r0!, {r5, r6}\n" \
    "ldrb r2, [r1, #" #at3 "]\n" \
    "muls r5, r2, r5\n" \
    "adds r3, r3, r5\n" \
    "muls r6, r2, r6\n" \
    "adds r4, r4, r6\n" \
    "add r8, r3\n" \
    "asrs r3, r3, #16\n" \
    "add r9, r3\n" \
    "add r10, r4\n" \
    "asrs r4, r4, #16\n" \
    "add r11, r4\n"

/* (U, H) become the two pixels' accumulators; r5 is the bias. */
#define EK_THUMB_SPLIT(u, h) \
    "mov r2, " h "\n" \
    "lsls r2, r2, #16\n" \
    "mov r3, " u "\n" \
    "subs r3, r3, r2\n" \
    "adds r3, r3, r5\n" \
    "mov " u ", r3\n" \
    "add " h ", r5\n"

/* An accumulator in r1 to the byte at r0: r3, r4, r5 bits of the multiplier, r6 shift, r12 rounding. */
#define EK_THUMB_PRODUCT \
    "movs r2, r1\n" \
    "muls r2, r3, r2\n" \
    "asrs r2, r2, #11\n" \
    "movs r7, r1\n" \
    "muls r7, r4, r7\n" \
    "adds r2, r2, r7\n" \
    "asrs r2, r2, #11\n"
#define EK_THUMB_STORE(label) \
    "asrs r1, r1, r6\n" \
    "cmp r1, #255\n" \
    "bhi 7" label "f\n" \
    "6" label ": subs r1, #128\n" \
    "strb r1, [r0]\n"
#define EK_THUMB_RELU(label, acc) \
    "mov r1, " acc "\n" \
    "movs r2, r1\n" \
    "bmi 8" label "f\n" \
    "lsrs r2, r1, #20\n" \
    "bne 7" label "f\n" \
    EK_THUMB_PRODUCT \
    "muls r1, r5, r1\n" \
    "adds r1, r1, r2\n" \
    "add r1, r12\n" \
    EK_THUMB_STORE(label)
#define EK_THUMB_LINEAR(label, acc) \
    "mov r1, " acc "\n" \
    "asrs r7, r1, #20\n" \
    "adds r7, #1\n" \
    "cmp r7, #1\n" \
    "bhi 7" label "f\n" \
    EK_THUMB_PRODUCT \
    "asrs r7, r1, #31\n" \
    "lsls r7, r7, #9\n" \
    "adds r2, r2, r7\n" \
    "muls r1, r5, r1\n" \
    "adds r1, r1, r2\n" \
    "add r1, r12\n" \
    EK_THUMB_STORE(label)

/* What lies outside a byte becomes its lowest or its highest value. */
#define EK_THUMB_SATURATE(label) \
    "7" label ": asrs r1, r1, #31\n" \
    "mvns r1, r1\n" \
    "b 6" label "b\n"
#define EK_THUMB_FIX_RELU(label) \
    "8" label ": movs r1, #128\n" \
    "strb r1, [r0]\n" \
    "b 9" label "b\n" \
    EK_THUMB_SATURATE(label)

#define EK_THUMB_NEXT(offset) \
    "ldr r2, [sp, #" #offset "]\n" \
    "adds r0, r0, r2\n"
#define EK_THUMB_FIX_LINEAR(label) EK_THUMB_SATURATE(label)

/* Four pixels by all channels: r0 out, r1 stream, r2 tile, r3 layer. The runs of a channel are entered so that their
 * number becomes a multiple of four. Stack: 0 out, 4 tile, 8 where the runs are entered, 12 bytes of weights before
 * that, 16 the start of U, 20 zero, 24 end of the stream, 28 pitches, 40 end of the tile. */
#define EK_THUMB_BLOCK(name, output, fix) \
    EK_THUMB_NAKED void name(EK_THUMB_REGISTER int8_t *out, EK_THUMB_REGISTER const uint32_t *stream, \
                             EK_THUMB_REGISTER const uint32_t *tile, \
                             EK_THUMB_REGISTER const ek_thumb_layer *layer) \
    { \
        __asm__ volatile( \
            ".syntax unified\n" \
            "push {r4, r5, r6, r7, lr}\n" \
            "mov r4, r8\n" \
            "mov r5, r9\n" \
            "mov r6, r10\n" \
            "mov r7, r11\n" \
            "push {r4, r5, r6, r7}\n" \
            "sub sp, #44\n" \
            "str r0, [sp, #0]\n" \
            "str r2, [sp, #4]\n" \
            "ldm r3!, {r4, r5, r6, r7}\n" \
            "str r4, [sp, #28]\n" \
            "str r5, [sp, #32]\n" \
            "str r6, [sp, #36]\n" \
            "str r7, [sp, #24]\n" \
            "ldm r3!, {r4, r5}\n" \
            "str r5, [sp, #20]\n" \
            "lsls r5, r4, #15\n" \
            "rsbs r5, r5, #0\n" \
            "str r5, [sp, #16]\n" \
            "movs r5, #40\n" \
            "muls r5, r4, r5\n" \
            "adds r5, r5, r2\n" \
            "str r5, [sp, #40]\n" \
            "rsbs r5, r4, #0\n" \
            "movs r6, #3\n" \
            "ands r5, r6\n" \
            "lsls r6, r5, #2\n" \
            "str r6, [sp, #12]\n" \
            "movs r6, #58\n" \
            "muls r6, r5, r6\n" \
            "adr r7, 2f\n" \
            "adds r7, r7, r6\n" \
            "str r7, [sp, #8]\n" \
            "1: ldr r3, [sp, #16]\n" \
            "movs r2, #0\n" \
            "mov r8, r3\n" \
            "mov r9, r2\n" \
            "mov r10, r3\n" \
            "mov r11, r2\n" \
            "ldr r2, [sp, #40]\n" \
            "mov r12, r2\n" \
            "ldr r0, [sp, #4]\n" \
            "ldr r2, [sp, #12]\n" \
            "subs r1, r1, r2\n" \
            "ldr r2, [sp, #8]\n" \
            "mov pc, r2\n" \
            ".balign 4\n" \
            "2:\n" \
            EK_THUMB_RUN_OF_4(0, 1, 2, 3) \
            EK_THUMB_RUN_OF_4(4, 5, 6, 7) \
            EK_THUMB_RUN_OF_4(8, 9, 10, 11) \
            EK_THUMB_RUN_OF_4(12, 13, 14, 15) \
            "adds r1, #16\n" \
            "cmp r0, r12\n" \
            "bne 2b\n" \
            "ldm r1!, {r6, r7}\n" \
            "cmp r7, #0\n" \
            "bpl 3f\n" \
            "4: ldm r1!, {r2}\n" \
            "sxtb r3, r2\n" \
            "lsls r0, r2, #1\n" \
            "lsrs r0, r0, #9\n" \
            "ldr r4, [sp, #4]\n" \
            "adds r0, r0, r4\n" \
            "ldm r0!, {r4, r5}\n" \
            "muls r4, r3, r4\n" \
            "muls r5, r3, r5\n" \
            "add r8, r4\n" \
            "add r10, r5\n" \
            "movs r0, #1\n" \
            "lsls r0, r0, #15\n" \
            "adds r4, r4, r0\n" \
            "asrs r4, r4, #16\n" \
            "add r9, r4\n" \
            "adds r5, r5, r0\n" \
            "asrs r5, r5, #16\n" \
            "add r11, r5\n" \
            "cmp r2, #0\n" \
            "bmi 4b\n" \
            "3: asrs r5, r6, #8\n" \
            EK_THUMB_SPLIT("r8", "r9") \
            EK_THUMB_SPLIT("r10", "r11") \
            "uxtb r6, r6\n" \
            "ldr r5, [sp, #20]\n" \
            "lsls r5, r6\n" \
            "adds r5, #255\n" \
            "adds r5, #1\n" \
            "mov r12, r5\n" \
            "adds r6, #9\n" \
            "lsls r7, r7, #1\n" \
            "lsrs r5, r7, #23\n" \
            "lsls r4, r7, #9\n" \
            "lsrs r4, r4, #21\n" \
            "lsls r3, r7, #20\n" \
            "lsrs r3, r3, #21\n" \
            "mov lr, r1\n" \
            "ldr r0, [sp, #0]\n" \
            output("0", "r8") \
            "90:\n" \
            EK_THUMB_NEXT(28) \
            output("1", "r9") \
            "91:\n" \
            EK_THUMB_NEXT(32) \
            output("2", "r10") \
            "92:\n" \
            EK_THUMB_NEXT(36) \
            output("3", "r11") \
            "93: ldr r0, [sp, #0]\n" \
            "adds r0, #1\n" \
            "str r0, [sp, #0]\n" \
            "mov r1, lr\n" \
            "ldr r2, [sp, #24]\n" \
            "cmp r1, r2\n" \
            "beq 5f\n" \
            "b 1b\n" \
            "5: add sp, #44\n" \
            "pop {r4, r5, r6, r7}\n" \
            "mov r8, r4\n" \
            "mov r9, r5\n" \
            "mov r10, r6\n" \
            "mov r11, r7\n" \
            "pop {r4, r5, r6, r7, pc}\n" \
            fix("0") \
            fix("1") \
            fix("2") \
            fix("3") \
            ".balign 4\n"); \
    }

EK_THUMB_BLOCK(ek_thumb_block_relu, EK_THUMB_RELU, EK_THUMB_FIX_RELU)
EK_THUMB_BLOCK(ek_thumb_block_linear, EK_THUMB_LINEAR, EK_THUMB_FIX_LINEAR)

/* An element of both pixels: r1 and r2 pixels, r4 index, r7 the sum of words but for the first. */
#define EK_THUMB_FILL(index, offset, sum) \
    "movs r4, #" #index "\n" \
    "ldrsb r5, [r1, r4]\n" \
    "ldrsb r6, [r2, r4]\n" \
    "lsls r6, r6, #16\n" \
    "adds r5, r5, r6\n" \
    "str r5, [r0, #" #offset "]\n" \
    sum

/* Fills one pair's words of a tile: r0 tile, r1 first and r2 second pixel, r3 runs. */
EK_THUMB_NAKED void ek_thumb_fill_pair(EK_THUMB_REGISTER uint32_t *tile, EK_THUMB_REGISTER const int8_t *first,
                                       EK_THUMB_REGISTER const int8_t *second, EK_THUMB_REGISTER int32_t runs)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4, r5, r6, r7, lr}\n"
        "movs r4, #1\n"
        "lsls r4, r4, #15\n"
        "mov r12, r4\n"
        "1:\n"
        EK_THUMB_FILL(0, 8, "movs r7, r5\n")
        EK_THUMB_FILL(1, 16, "adds r7, r7, r5\n")
        EK_THUMB_FILL(2, 24, "adds r7, r7, r5\n")
        EK_THUMB_FILL(3, 32, "adds r7, r7, r5\n")
        "lsls r7, r7, #7\n"
        "mov r4, r12\n"
        "subs r4, r4, r7\n"
        "str r4, [r0, #0]\n"
        "adds r0, #40\n"
        "adds r1, #4\n"
        "adds r2, #4\n"
        "subs r3, #1\n"
        "bne 1b\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

/* A feature of four outputs: 12 instructions for 4 MACs. */
#define EK_THUMB_FEATURE(x, at0, at1, at2, at3) \
    "ldrb r2, [r1, #" #at0 "]\n" \
    "muls r2, " x ", r2\n" \
    "add r8, r2\n" \
    "ldrb r2, [r1, #" #at1 "]\n" \
    "muls r2, " x ", r2\n" \
    "add r9, r2\n" \
    "ldrb r2, [r1, #" #at2 "]\n" \
    "muls r2, " x ", r2\n" \
    "add r10, r2\n" \
    "ldrb r2, [r1, #" #at3 "]\n" \
    "muls r2, " x ", r2\n" \
    "add r11, r2\n"

/* Adds to four sums the products of a tile of 8 * n words with (weight + 128) of four outputs, byte by byte: r0 sums,
 * r1 weights, r2 tile, r3 its end. */
EK_THUMB_NAKED void ek_thumb_dot(EK_THUMB_REGISTER uint32_t *sums, EK_THUMB_REGISTER const uint32_t *weights,
                                 EK_THUMB_REGISTER const uint32_t *tile,
                                 EK_THUMB_REGISTER const uint32_t *tile_end)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4, r5, r6, r7, lr}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "push {r0, r4, r5, r6, r7}\n"
        "ldm r0!, {r4, r5, r6, r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "mov r12, r3\n"
        "mov r0, r2\n"
        "1:\n"
        "ldm r0!, {r3, r4, r5, r6}\n"
        EK_THUMB_FEATURE("r3", 0, 1, 2, 3)
        EK_THUMB_FEATURE("r4", 4, 5, 6, 7)
        EK_THUMB_FEATURE("r5", 8, 9, 10, 11)
        EK_THUMB_FEATURE("r6", 12, 13, 14, 15)
        "ldm r0!, {r3, r4, r5, r6}\n"
        EK_THUMB_FEATURE("r3", 16, 17, 18, 19)
        EK_THUMB_FEATURE("r4", 20, 21, 22, 23)
        EK_THUMB_FEATURE("r5", 24, 25, 26, 27)
        EK_THUMB_FEATURE("r6", 28, 29, 30, 31)
        "adds r1, #32\n"
        "cmp r0, r12\n"
        "bne 1b\n"
        "pop {r0}\n"
        "mov r4, r8\n"
        "mov r5, r9\n"
        "mov r6, r10\n"
        "mov r7, r11\n"
        "stm r0!, {r4, r5, r6, r7}\n"
        "pop {r4, r5, r6, r7}\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r6\n"
        "mov r11, r7\n"
        "pop {r4, r5, r6, r7, pc}\n");
}

/* clang-format on */

#endif
