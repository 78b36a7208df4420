/* The micro-kernels of ek/thumb_depthwise.h in Thumb-1 assembly; it includes this file. */
#ifndef EK_THUMB_DEPTHWISE_ASM_H
#define EK_THUMB_DEPTHWISE_ASM_H

/* One instruction a line, which the formatter would not keep. */
/* clang-format off */

/* `count` elements, at least one, that lie `pitch` bytes apart into words: r0 words, r1 element, r2 pitch, r3 count. */
EK_THUMB_NAKED void ek_thumb_column(EK_THUMB_REGISTER uint32_t *words, EK_THUMB_REGISTER const int8_t *element,
                                    EK_THUMB_REGISTER int32_t pitch, EK_THUMB_REGISTER int32_t count)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4, r5, r6, r7, lr}\n"
        "movs r4, #0\n"
        "subs r3, #3\n"
        "bls 2f\n"
        "1: ldrsb r5, [r1, r4]\n"
        "adds r1, r1, r2\n"
        "ldrsb r6, [r1, r4]\n"
        "adds r1, r1, r2\n"
        "ldrsb r7, [r1, r4]\n"
        "adds r1, r1, r2\n"
        "stm r0!, {r5, r6, r7}\n"
        "subs r3, #3\n"
        "bhi 1b\n"
        "2: adds r3, #3\n"
        "beq 4f\n"
        "3: ldrsb r5, [r1, r4]\n"
        "adds r1, r1, r2\n"
        "stm r0!, {r5}\n"
        "subs r3, #1\n"
        "bne 3b\n"
        "4: pop {r4, r5, r6, r7, pc}\n");
}

/* A tap of four outputs: r0 plane, r1 table, r8 to r11 the sums. 11 instructions for 4 MACs. */
#define EK_THUMB_TAP \
    "ldm r1!, {r2, r7}\n" \
    "adds r2, r2, r0\n" \
    "ldm r2!, {r3, r4, r5, r6}\n" \
    "muls r3, r7, r3\n" \
    "add r8, r3\n" \
    "muls r4, r7, r4\n" \
    "add r9, r4\n" \
    "muls r5, r7, r5\n" \
    "add r10, r5\n" \
    "muls r6, r7, r6\n" \
    "add r11, r6\n"

/* Blocks of four outputs of a channel: r0 last output of the first block, r1 plane, r2 channel, r3 blocks. Stack: 0 out,
 * 4 plane, 8 channel, 12 blocks, 16 pitches, 28 next, 32 bias, 36 table. */
#define EK_THUMB_BLOCKS(name, output, fix) \
    EK_THUMB_NAKED void name(EK_THUMB_REGISTER int8_t *last, EK_THUMB_REGISTER const uint32_t *plane, \
                             EK_THUMB_REGISTER const ek_thumb_channel *channel, \
                             EK_THUMB_REGISTER int32_t blocks) \
    { \
        __asm__ volatile( \
            ".syntax unified\n" \
            "push {r4, r5, r6, r7, lr}\n" \
            "mov r4, r8\n" \
            "mov r5, r9\n" \
            "mov r6, r10\n" \
            "mov r7, r11\n" \
            "push {r4, r5, r6, r7}\n" \
            "sub sp, #40\n" \
            "mov r4, sp\n" \
            "stm r4!, {r0, r1, r2, r3}\n" \
            "adds r2, #20\n" \
            "ldm r2!, {r3, r5, r6, r7}\n" \
            "stm r4!, {r3, r5, r6, r7}\n" \
            "ldm r2!, {r3, r5, r6}\n" \
            "stm r4!, {r3, r5}\n" \
            "mov lr, r6\n" \
            "mov r0, r1\n" \
            "1: ldr r1, [sp, #36]\n" \
            "ldr r2, [sp, #32]\n" \
            "mov r8, r2\n" \
            "mov r9, r2\n" \
            "mov r10, r2\n" \
            "mov r11, r2\n" \
            "2:\n" \
            EK_THUMB_TAP \
            EK_THUMB_TAP \
            EK_THUMB_TAP \
            "cmp r1, lr\n" \
            "bne 2b\n" \
            "adds r0, #16\n" \
            "str r0, [sp, #4]\n" \
            "ldr r7, [sp, #8]\n" \
            "ldm r7!, {r2, r3, r4, r5, r6}\n" \
            "mov r12, r2\n" \
            "ldr r0, [sp, #0]\n" \
            output("0", "r11") \
            "90:\n" \
            EK_THUMB_NEXT(16) \
            output("1", "r10") \
            "91:\n" \
            EK_THUMB_NEXT(20) \
            output("2", "r9") \
            "92:\n" \
            EK_THUMB_NEXT(24) \
            output("3", "r8") \
            "93:\n" \
            EK_THUMB_NEXT(28) \
            "str r0, [sp, #0]\n" \
            "ldr r0, [sp, #4]\n" \
            "ldr r3, [sp, #12]\n" \
            "subs r3, #1\n" \
            "str r3, [sp, #12]\n" \
            "beq 5f\n" \
            "b 1b\n" \
            "5: add sp, #40\n" \
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

EK_THUMB_BLOCKS(ek_thumb_blocks_relu, EK_THUMB_RELU, EK_THUMB_FIX_RELU)
EK_THUMB_BLOCKS(ek_thumb_blocks_linear, EK_THUMB_LINEAR, EK_THUMB_FIX_LINEAR)

/* clang-format on */

#endif
