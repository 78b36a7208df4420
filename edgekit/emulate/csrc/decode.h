/* What the counters must know of a Thumb instruction: its cost class, the memory it touches, what it does to SP. */
#ifndef EDGEKIT_EMULATE_DECODE_H
#define EDGEKIT_EMULATE_DECODE_H

#include <stdint.h>

enum { OP_PLAIN, OP_LOAD, OP_STORE, OP_MULTIPLE, OP_MULTIPLY_ADD, OP_DIVIDE, OP_FLOAT_DIVIDE };
enum { NO_REGISTER = 255 };

typedef struct {
    uint8_t bytes;     /* 2 or 4 */
    uint8_t kind;      /* OP_*: the cost class */
    uint8_t registers; /* OP_MULTIPLE: how many words are transferred */
    uint8_t target;    /* OP_LOAD: register written (floating-point registers from 32) */
    uint8_t access;    /* bytes of one access, 0: touches no memory */
    uint8_t is_store;
    uint8_t needs_align; /* faults when not aligned to `access`, on every core */
    uint8_t base;        /* address = register base + (register index << shift) + offset */
    uint8_t index;
    uint8_t shift;
    uint8_t is_float; /* needs the floating-point unit */
    uint8_t is_call;
    int32_t offset;
    int32_t stack; /* bytes by which SP falls */
} thumb_op;

static inline uint32_t bits(uint32_t word, uint32_t low, uint32_t count)
{
    return (word >> low) & ((1U << count) - 1U);
}

static inline uint8_t ones(uint32_t word)
{
    uint8_t n = 0;
    for (; word != 0U; word &= word - 1U) {
        n++;
    }
    return n;
}

static inline void touches(thumb_op *op, uint32_t is_load, uint32_t size, uint32_t base, int32_t offset)
{
    op->kind = is_load ? OP_LOAD : OP_STORE;
    op->is_store = !is_load;
    op->access = (uint8_t)size;
    op->base = (uint8_t)base;
    op->offset = offset;
}

static inline void touches_many(thumb_op *op, uint32_t is_load, uint32_t words, uint32_t base, int32_t offset)
{
    touches(op, is_load, 4, base, offset);
    op->kind = OP_MULTIPLE;
    op->registers = (uint8_t)words;
    op->needs_align = 1;
}

static inline void decode_narrow(thumb_op *op, uint32_t h)
{
    /* register-offset forms in the order of their opcode: STR STRH STRB LDRSB LDR LDRH LDRB LDRSH */
    static const uint8_t sizes[8] = {4, 2, 1, 1, 4, 2, 1, 2};
    const uint32_t top = h >> 11;
    op->bytes = 2;
    if (top == 0x09U) {
        touches(op, 1, 4, 15, (int32_t)(bits(h, 0, 8) * 4U));
        op->target = (uint8_t)bits(h, 8, 3);
    } else if ((h >> 12) == 0x5U) {
        const uint32_t form = bits(h, 9, 3);
        touches(op, form >= 3U, sizes[form], bits(h, 3, 3), 0);
        op->index = (uint8_t)bits(h, 6, 3);
        op->target = (uint8_t)bits(h, 0, 3);
    } else if ((h >> 13) == 0x3U) {
        const uint32_t size = bits(h, 12, 1) ? 1U : 4U;
        touches(op, bits(h, 11, 1), size, bits(h, 3, 3), (int32_t)(bits(h, 6, 5) * size));
        op->target = (uint8_t)bits(h, 0, 3);
    } else if ((h >> 12) == 0x8U) {
        touches(op, bits(h, 11, 1), 2, bits(h, 3, 3), (int32_t)(bits(h, 6, 5) * 2U));
        op->target = (uint8_t)bits(h, 0, 3);
    } else if ((h >> 12) == 0x9U) {
        touches(op, bits(h, 11, 1), 4, 13, (int32_t)(bits(h, 0, 8) * 4U));
        op->target = (uint8_t)bits(h, 8, 3);
    } else if ((h >> 9) == 0x5AU) {
        const int32_t words = ones(bits(h, 0, 9));
        touches_many(op, 0, (uint32_t)words, 13, -4 * words);
        op->stack = 4 * words;
    } else if ((h >> 9) == 0x5EU) {
        touches_many(op, 1, ones(bits(h, 0, 9)), 13, 0);
    } else if ((h >> 12) == 0xCU) {
        touches_many(op, bits(h, 11, 1), ones(bits(h, 0, 8)), bits(h, 8, 3), 0);
    } else if ((h >> 7) == 0x161U) {
        op->stack = (int32_t)(bits(h, 0, 7) * 4U);
    } else if ((h & 0xFF87U) == 0x4780U) {
        op->is_call = 1;
    }
}

/* LDM, STM, and the group of LDRD, STRD, exclusives and table branches. */
static inline void decode_multiple(thumb_op *op, uint32_t h1, uint32_t h2)
{
    const uint32_t base = bits(h1, 0, 4);
    const uint32_t is_load = bits(h1, 4, 1);
    const uint32_t write_back = bits(h1, 5, 1);
    const uint32_t before = bits(h1, 8, 1);
    const int32_t words = ones(h2);
    const int32_t distance = (int32_t)(bits(h2, 0, 8) * 4U) * (bits(h1, 7, 1) ? 1 : -1);
    if (!bits(h1, 6, 1)) {
        touches_many(op, is_load, (uint32_t)words, base, before ? -4 * words : 0);
        op->stack = (base == 13U && before && write_back) ? 4 * words : 0;
    } else if (before || write_back) {
        touches_many(op, is_load, 2, base, before ? distance : 0);
        op->stack = (base == 13U && write_back && distance < 0) ? -distance : 0;
    } else if (!bits(h1, 7, 1) && !is_load && bits(h2, 12, 4) == 15U) {
        return; /* TT, test target: no access */
    } else if (!bits(h1, 7, 1)) {
        touches(op, is_load, 4, base, distance < 0 ? -distance : distance);
        op->target = (uint8_t)bits(h2, 12, 4);
        op->needs_align = 1;
    } else if (bits(h2, 5, 3) == 0U) {
        op->access = bits(h2, 4, 1) ? 2 : 1;
        op->base = (uint8_t)base;
        op->index = (uint8_t)bits(h2, 0, 4);
        op->shift = bits(h2, 4, 1) ? 1 : 0;
    } else {
        touches(op, is_load, 1U << bits(h2, 4, 2), base, 0);
        op->target = (uint8_t)bits(h2, 12, 4);
        op->needs_align = 1;
    }
}

static inline void decode_single(thumb_op *op, uint32_t h1, uint32_t h2)
{
    const uint32_t size = 1U << bits(h1, 5, 2);
    const uint32_t base = bits(h1, 0, 4);
    const uint32_t is_load = bits(h1, 4, 1);
    const int32_t imm8 = (int32_t)bits(h2, 0, 8);
    if (is_load && size < 4U && bits(h2, 12, 4) == 15U) {
        return; /* a prefetch hint */
    }
    op->target = (uint8_t)bits(h2, 12, 4);
    if (is_load && base == 15U) {
        touches(op, 1, size, 15, (int32_t)bits(h2, 0, 12) * (bits(h1, 7, 1) ? 1 : -1));
    } else if (bits(h1, 7, 1)) {
        touches(op, is_load, size, base, (int32_t)bits(h2, 0, 12));
    } else if (bits(h2, 11, 1)) {
        const int32_t distance = bits(h2, 9, 1) ? imm8 : -imm8;
        touches(op, is_load, size, base, bits(h2, 10, 1) ? distance : 0);
        op->stack = (base == 13U && bits(h2, 8, 1) && distance < 0) ? -distance : 0;
    } else {
        touches(op, is_load, size, base, 0);
        op->index = (uint8_t)bits(h2, 0, 4);
        op->shift = (uint8_t)bits(h2, 4, 2);
    }
}

static inline void decode_float(thumb_op *op, uint32_t h1, uint32_t h2)
{
    const uint32_t base = bits(h1, 0, 4);
    const uint32_t is_load = bits(h1, 4, 1);
    const uint32_t write_back = bits(h1, 5, 1);
    const uint32_t before = bits(h1, 8, 1);
    const uint32_t up = bits(h1, 7, 1);
    const int32_t length = (int32_t)(bits(h2, 0, 8) * 4U);
    op->is_float = 1;
    if (bits(h1, 9, 1)) { /* arithmetic: VDIV and VSQRT take 14 cycles */
        const uint32_t is_divide = (h1 & 0xFFB0U) == 0xEE80U && !bits(h2, 4, 1);
        const uint32_t is_root = (h1 & 0xFFBFU) == 0xEEB1U && bits(h2, 6, 2) == 3U;
        op->kind = (is_divide || is_root) ? OP_FLOAT_DIVIDE : OP_PLAIN;
    } else if (before && !write_back) {
        touches(op, is_load, 4, base, up ? length : -length);
        op->target = (uint8_t)(32U + bits(h2, 12, 4) * 2U + bits(h1, 6, 1));
        op->needs_align = 1;
    } else if (before != up) {
        touches_many(op, is_load, bits(h2, 0, 8), base, before ? -length : 0);
        op->stack = (base == 13U && before) ? length : 0;
    }
}

static inline void decode_wide(thumb_op *op, uint32_t h1, uint32_t h2)
{
    op->bytes = 4;
    if ((h1 >> 9) == 0x74U) {
        decode_multiple(op, h1, h2);
    } else if ((h1 >> 9) == 0x7CU) {
        decode_single(op, h1, h2);
    } else if (((h1 >> 10) == 0x3BU || (h1 >> 10) == 0x3FU) && bits(h2, 9, 3) == 5U) {
        decode_float(op, h1, h2);
    } else if ((h1 >> 11) == 0x1EU && (h2 >> 14) == 3U && bits(h2, 12, 1)) {
        op->is_call = 1;
    } else if ((h1 >> 4) == 0xFB0U && bits(h2, 5, 3) == 0U) {
        op->kind = (bits(h2, 12, 4) != 15U) ? OP_MULTIPLY_ADD : OP_PLAIN;
    } else if (((h1 >> 4) == 0xFB9U || (h1 >> 4) == 0xFBBU) && bits(h2, 4, 4) == 15U) {
        op->kind = OP_DIVIDE;
    } else if ((h1 & 0xFBEFU) == 0xF1ADU && bits(h2, 8, 4) == 13U) { /* SUB SP,SP,#modified immediate */
        const uint32_t code = (bits(h1, 10, 1) << 4) | (bits(h2, 12, 3) << 1) | bits(h2, 7, 1);
        const uint32_t rotated = (code >= 8U) ? (0x80U | bits(h2, 0, 7)) << (32U - code) : 0U;
        op->stack = (int32_t)((code < 2U) ? bits(h2, 0, 8) : rotated);
    } else if ((h1 & 0xFBFFU) == 0xF2ADU && bits(h2, 8, 4) == 13U) { /* SUBW SP,SP,#imm12 */
        op->stack = (int32_t)((bits(h1, 10, 1) << 11) | (bits(h2, 12, 3) << 8) | bits(h2, 0, 8));
    }
}

/* Decode the instruction whose first halfword is h1; h2 is read only if the instruction is a long one. */
static inline thumb_op decode_thumb(uint32_t h1, uint32_t h2)
{
    thumb_op op = {.target = NO_REGISTER, .index = NO_REGISTER, .base = NO_REGISTER};
    if ((h1 >> 11) >= 0x1DU) {
        decode_wide(&op, h1, h2);
    } else {
        decode_narrow(&op, h1);
    }
    return op;
}

#endif
