/* Counting instructions and cycles block by block, for unicorn's hooks and for QEMU's plugin alike.
 *
 * The counters live in a file that the emulator and its parent both map, so that reading them costs the emulated
 * board nothing. edgekit/emulate/counters.py lays the same file out; change both together. */
#ifndef EDGEKIT_EMULATE_COUNT_H
#define EDGEKIT_EMULATE_COUNT_H

#include <stdint.h>
#include <stdlib.h>

#include "decode.h"

enum { COUNTERS_MAGIC = 0x454B4331, WINDOWS = 4, INSTRUCTION_LINES = 64, DATA_LINES = 64 };
enum { OWNER_SHARED = 0, OWNER_OUTSIDE = 1 }; /* owner of code: others are 1 + the region's number */
enum { FLAG_ARM64 = 1, FLAG_STRICT = 2, FLAG_FPU = 4 };
enum { FAULT_NONE, FAULT_MISALIGNED, FAULT_STACK, FAULT_NO_FPU, FAULT_GAVE_UP };

typedef struct {
    uint64_t instructions;
    uint64_t cycles;
} counter;

typedef struct {
    uint64_t base;
    uint64_t bytes;
    uint64_t first; /* number of its first halfword in the owner table */
} window;

typedef struct {
    uint32_t magic;
    uint32_t flags;
    uint32_t regions; /* counters in `region`, the first for code in none */
    uint32_t stack_limit;
    uint64_t flash_base;
    uint64_t flash_bytes;
    uint32_t wait_states;
    uint32_t instruction_lines;
    uint32_t data_lines;
    uint32_t instruction_shift; /* a line has 1 << shift bytes */
    uint32_t data_shift;
    uint32_t branch_penalty;
    uint32_t fault;
    uint32_t is_idle; /* set from outside while nothing comes or goes on the serial line */
    uint64_t fault_pc;
    uint64_t fault_address;
    uint64_t trap; /* where a firmware that gives up spins */
    window windows[WINDOWS];
    uint64_t calls; /* outermost calls of the functions watched */
    counter total;
    counter inside;   /* between entry and return of those calls */
    counter region[]; /* followed by uint16_t owner[] */
} counters;

/* What a straight run of instructions costs, worked out the first time it runs. */
typedef struct {
    uint32_t bytes;
    uint32_t instructions;
    uint32_t cycles;
    int32_t stack;
    uint16_t owner;
    uint8_t leads_with_load;
    uint8_t lead_base;
    uint8_t last_kind;
    uint8_t last_target;
    uint8_t is_float;
    uint8_t ends_in_call;
} block;

typedef struct {
    uint8_t access;
    uint8_t is_store;
    uint8_t needs_align;
    uint8_t base;
    uint8_t index;
    uint8_t shift;
    int32_t offset;
} operand;

typedef struct {
    counters *shared;
    const uint16_t *owner;
    block *blocks;
    operand *operands;
    uint8_t *watched; /* per halfword: this instruction's access needs a look */
    uint64_t halfwords;
    uint64_t last_end;
    uint64_t return_to;
    uint32_t current;
    uint8_t active;
    uint8_t last_kind;
    uint8_t last_target;
    uint8_t last_was_call;
    uint8_t *cached; /* per flash line: is it in the instruction buffer */
    uint32_t instruction_next;
    uint32_t instruction_line[INSTRUCTION_LINES];
    uint32_t data_next;
    uint32_t data_line[DATA_LINES];
} machine;

static const uint64_t NOWHERE = ~0ULL;

static inline void flush_lines(machine *m)
{
    const counters *s = m->shared;
    for (uint32_t i = 0; i < s->instruction_lines; i++) {
        if (m->instruction_line[i] != UINT32_MAX) {
            m->cached[m->instruction_line[i]] = 0;
        }
        m->instruction_line[i] = UINT32_MAX;
    }
    for (uint32_t i = 0; i < s->data_lines; i++) {
        m->data_line[i] = UINT32_MAX;
    }
}

static inline machine *machine_new(counters *shared)
{
    machine *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    for (int i = 0; i < WINDOWS; i++) {
        m->halfwords += shared->windows[i].bytes / 2U;
    }
    m->shared = shared;
    m->owner = (const uint16_t *)&shared->region[shared->regions];
    m->blocks = calloc(m->halfwords + 1U, sizeof *m->blocks);
    m->operands = calloc(m->halfwords + 1U, sizeof *m->operands);
    m->watched = calloc(m->halfwords + 1U, 1);
    m->cached = calloc((shared->flash_bytes >> shared->instruction_shift) + 1U, 1);
    m->return_to = NOWHERE;
    m->last_end = NOWHERE;
    for (uint32_t i = 0; i < INSTRUCTION_LINES; i++) {
        m->instruction_line[i] = UINT32_MAX;
    }
    flush_lines(m);
    return (m->blocks && m->operands && m->watched && m->cached) ? m : NULL;
}

static inline void machine_free(machine *m)
{
    free(m->blocks);
    free(m->operands);
    free(m->watched);
    free(m->cached);
    free(m);
}

/* Number of the halfword at pc, or `halfwords` (a spare record) for code in no window. */
static inline uint64_t halfword_of(const machine *m, uint64_t pc)
{
    for (int i = 0; i < WINDOWS; i++) {
        const window *w = &m->shared->windows[i];
        if (pc - w->base < w->bytes) {
            return w->first + (pc - w->base) / 2U;
        }
    }
    return m->halfwords;
}

static inline uint32_t cost_of(const thumb_op *op, uint8_t last_kind, uint8_t last_target)
{
    const int follows = (last_kind == OP_LOAD || last_kind == OP_STORE) && op->base != last_target;
    switch (op->kind) {
    case OP_LOAD:
        return follows ? 1U : 2U;
    case OP_MULTIPLE:
        return 1U + op->registers;
    case OP_MULTIPLY_ADD:
        return 2U;
    case OP_DIVIDE:
        return 7U;
    case OP_FLOAT_DIVIDE:
        return 14U;
    default:
        return 1U;
    }
}

/* Work out a block from its bytes; fills the operands of its instructions too. */
static inline void block_decode(machine *m, block *b, uint64_t pc, const uint8_t *code, uint32_t bytes)
{
    uint64_t n = halfword_of(m, pc);
    const int known = n != m->halfwords;
    int32_t depth = 0;
    *b = (block){.bytes = bytes, .owner = known ? m->owner[n] : OWNER_SHARED, .last_target = NO_REGISTER};
    if (m->shared->flags & FLAG_ARM64) {
        const uint32_t last = bytes >= 4U ? code[bytes - 1U] : 0U;
        b->instructions = bytes / 4U;
        b->ends_in_call = (last >> 2) == 0x25U;
        return;
    }
    for (uint32_t i = 0; i + 1U < bytes;) {
        const uint32_t h1 = code[i] | (uint32_t)code[i + 1U] << 8;
        const uint32_t h2 = (i + 3U < bytes) ? code[i + 2U] | (uint32_t)code[i + 3U] << 8 : 0U;
        const thumb_op op = decode_thumb(h1, h2);
        if (i == 0U && op.kind == OP_LOAD) {
            b->leads_with_load = 1;
            b->lead_base = op.base;
        }
        b->cycles += cost_of(&op, b->last_kind, b->last_target);
        b->last_kind = op.kind;
        b->last_target = (op.kind == OP_LOAD) ? op.target : (uint8_t)NO_REGISTER;
        b->is_float |= op.is_float;
        b->ends_in_call = op.is_call;
        depth += op.stack;
        b->stack = (depth > b->stack) ? depth : b->stack;
        if (known && op.access != 0U) {
            const int slow = !op.is_store && m->shared->wait_states != 0U;
            m->watched[n] = slow || op.needs_align || (m->shared->flags & FLAG_STRICT);
            m->operands[n] = (operand){.access = op.access,
                                       .is_store = op.is_store,
                                       .needs_align = op.needs_align,
                                       .base = op.base,
                                       .index = op.index,
                                       .shift = op.shift,
                                       .offset = op.offset};
        }
        b->instructions++;
        i += op.bytes;
        n += op.bytes / 2U;
    }
}

static inline void add_cycles(machine *m, uint64_t cycles)
{
    counters *s = m->shared;
    s->total.cycles += cycles;
    s->region[m->current].cycles += cycles;
    if (m->active) {
        s->inside.cycles += cycles;
    }
}

/* Instruction lines fetched from flash for [pc, pc + bytes): first in, first out. */
static inline uint32_t fetch_misses(machine *m, uint64_t pc, uint32_t bytes)
{
    const counters *s = m->shared;
    uint32_t misses = 0;
    if (pc - s->flash_base >= s->flash_bytes) {
        return 0;
    }
    const uint32_t first = (uint32_t)((pc - s->flash_base) >> s->instruction_shift);
    const uint32_t last = (uint32_t)((pc + bytes - 1U - s->flash_base) >> s->instruction_shift);
    for (uint32_t line = first; line <= last; line++) {
        if (!m->cached[line]) {
            uint32_t *slot = &m->instruction_line[m->instruction_next];
            m->instruction_next = (m->instruction_next + 1U) % s->instruction_lines;
            if (*slot != UINT32_MAX) {
                m->cached[*slot] = 0;
            }
            *slot = line;
            m->cached[line] = 1;
            misses++;
        }
    }
    return misses;
}

/* A load from flash at `address`: one wait for each line that is not among the last few. */
static inline void load_from_flash(machine *m, uint64_t address)
{
    const counters *s = m->shared;
    const uint32_t line = (uint32_t)((address - s->flash_base) >> s->data_shift);
    for (uint32_t i = 0; i < s->data_lines; i++) {
        if (m->data_line[i] == line) {
            return;
        }
    }
    m->data_line[m->data_next] = line;
    m->data_next = (m->data_next + 1U) % s->data_lines;
    add_cycles(m, s->wait_states);
}

/* Which region the block at pc counts to. `link` is the return address should this be an outermost call. */
static inline void attribute(machine *m, const block *b, uint64_t pc, uint64_t link)
{
    if (pc == m->return_to) {
        m->active = 0;
        m->current = 0;
        m->return_to = NOWHERE;
    }
    if (b->owner == OWNER_SHARED) {
        return;
    }
    m->current = b->owner - 1U;
    if (!m->active) {
        m->active = 1;
        m->return_to = link;
        m->shared->calls++;
        flush_lines(m); /* what ran before must not change the count */
    }
}

/* Count a block that is about to run. */
static inline void account(machine *m, const block *b, uint64_t pc)
{
    counters *s = m->shared;
    uint32_t cycles = b->cycles;
    if (pc != m->last_end) {
        cycles += s->branch_penalty;
    }
    if (b->leads_with_load && (m->last_kind == OP_LOAD || m->last_kind == OP_STORE) &&
        b->lead_base != m->last_target) {
        cycles -= 1U;
    }
    if (s->wait_states != 0U) {
        cycles += s->wait_states * fetch_misses(m, pc, b->bytes);
    }
    m->last_kind = b->last_kind;
    m->last_target = b->last_target;
    m->last_end = pc + b->bytes;
    m->last_was_call = b->ends_in_call;
    s->total.instructions += b->instructions;
    s->region[m->current].instructions += b->instructions;
    if (m->active) {
        s->inside.instructions += b->instructions;
    }
    if (b->cycles != 0U) {
        add_cycles(m, cycles);
    }
}

#endif
