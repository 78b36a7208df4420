/* Hooks that unicorn calls directly, without Python in between. */
#include "count.h"

typedef int (*read_register)(void *uc, int id, void *value);
typedef int (*read_memory)(void *uc, uint64_t address, void *bytes, uint64_t size);
typedef int (*stop)(void *uc);

enum { LONGEST_BLOCK = 4096 };

typedef struct {
    machine *count;
    read_register reg_read;
    read_memory mem_read;
    stop emu_stop;
    int link_register;
    int register_ids[16];
} hooks;

/* register_ids: unicorn's numbers of R0 .. R15 in order. Returns NULL when memory is short. */
hooks *hooks_new(counters *shared, void *reg_read, void *mem_read, void *emu_stop, int link,
                 const int *register_ids)
{
    hooks *h = calloc(1, sizeof *h);
    if (h == NULL) {
        return NULL;
    }
    h->count = machine_new(shared);
    h->reg_read = (read_register)reg_read;
    h->mem_read = (read_memory)mem_read;
    h->emu_stop = (stop)emu_stop;
    h->link_register = link;
    for (int i = 0; i < 16; i++) {
        h->register_ids[i] = register_ids[i];
    }
    return h->count ? h : NULL;
}

void hooks_free(hooks *h)
{
    machine_free(h->count);
    free(h);
}

/* A timer is being read: start the line buffers afresh, so that a measured time does not depend on what ran before. */
void hooks_timer_read(hooks *h)
{
    flush_lines(h->count);
}

static uint32_t register_value(hooks *h, void *uc, uint32_t number)
{
    uint32_t value = 0;
    h->reg_read(uc, h->register_ids[number], &value);
    return value;
}

static void fail(hooks *h, void *uc, uint32_t fault, uint64_t pc, uint64_t address)
{
    counters *s = h->count->shared;
    if (s->fault == FAULT_NONE) {
        s->fault = fault;
        s->fault_pc = pc;
        s->fault_address = address;
    }
    h->emu_stop(uc);
}

void on_block(void *uc, uint64_t pc, uint32_t bytes, void *user)
{
    hooks *h = user;
    machine *m = h->count;
    const counters *s = m->shared;
    if (s->fault != FAULT_NONE) {
        h->emu_stop(uc); /* again: unicorn overhears it when called for an instruction under a condition */
        return;
    }
    block *b = &m->blocks[halfword_of(m, pc)];
    if (b->bytes != bytes || b == &m->blocks[m->halfwords]) {
        uint8_t code[LONGEST_BLOCK] = {0};
        const uint32_t size = bytes < LONGEST_BLOCK ? bytes : LONGEST_BLOCK;
        h->mem_read(uc, pc, code, size);
        block_decode(m, b, pc, code, size);
    }
    uint64_t link = NOWHERE;
    if (!m->active && b->owner != OWNER_SHARED) {
        link = 0;
        h->reg_read(uc, h->link_register, &link);
        link &= (s->flags & FLAG_ARM64) ? ~0ULL : 0xFFFFFFFEULL;
    }
    attribute(m, b, pc, link);
    account(m, b, pc);
    if (b->stack > 0 && s->stack_limit != 0U) {
        const uint32_t sp = register_value(h, uc, 13);
        if (sp < s->stack_limit + (uint32_t)b->stack) {
            fail(h, uc, FAULT_STACK, pc, sp - (uint32_t)b->stack);
        }
    }
    if (b->is_float && !(s->flags & FLAG_FPU)) {
        fail(h, uc, FAULT_NO_FPU, pc, 0);
    }
}

/* Looks at the addresses of loads and stores: for alignment, and for flash.
 * Unicorn does not call it for an instruction whose condition does not hold. */
void on_instruction(void *uc, uint64_t pc, uint32_t bytes, void *user)
{
    (void)bytes;
    hooks *h = user;
    machine *m = h->count;
    const uint64_t n = halfword_of(m, pc);
    if (!m->watched[n]) {
        return;
    }
    const counters *s = m->shared;
    const operand *o = &m->operands[n];
    const int aligned = o->needs_align || (s->flags & FLAG_STRICT);
    uint32_t address = (o->base == 15U) ? ((uint32_t)pc + 4U) & ~3U : register_value(h, uc, o->base);
    address += (uint32_t)o->offset;
    if (o->index != NO_REGISTER) {
        address += register_value(h, uc, o->index) << o->shift;
    }
    if (aligned && (address & (o->access - 1U)) != 0U) {
        fail(h, uc, FAULT_MISALIGNED, pc, address);
    }
    if (!o->is_store && s->wait_states != 0U && address - s->flash_base < s->flash_bytes) {
        load_from_flash(m, address);
    }
}

/* A UART whose every byte would otherwise go through Python; edgekit/emulate/hooks.py lays it out too. Offsets are
 * from the start of its page. */
typedef struct {
    uint32_t status; /* register that says whether a byte has come: `ready` if so, else `idle` */
    uint32_t idle;
    uint32_t ready;
    uint32_t receive;
    uint32_t send;
    uint32_t done; /* register that always reads `done_value`: the transmitter is never full */
    uint32_t done_value;
    uint32_t received;
    uint32_t taken;
    uint32_t sent;
    uint32_t wrote;         /* since the status was last read */
    void (*exchange)(void); /* sends what was written, fetches what has come */
    uint64_t (*other_read)(void *uc, uint64_t offset, unsigned size, void *user);
    void (*other_write)(void *uc, uint64_t offset, unsigned size, uint64_t value, void *user);
    uint8_t input[65536];
    uint8_t output[8192];
} uart;

uint64_t uart_read(void *uc, uint64_t offset, unsigned size, void *user)
{
    uart *u = user;
    if (offset == u->status) {
        /* A firmware that has just written looks whether it may go on writing, not for input. */
        if (u->taken == u->received && !u->wrote) {
            u->exchange();
        }
        u->wrote = 0;
        return (u->taken < u->received) ? u->ready : u->idle;
    }
    if (offset == u->receive) {
        return (u->taken < u->received) ? u->input[u->taken++] : 0U;
    }
    return (offset == u->done) ? u->done_value : u->other_read(uc, offset, size, NULL);
}

void uart_write(void *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    uart *u = user;
    if (offset != u->send) {
        u->other_write(uc, offset, size, value, NULL);
        return;
    }
    u->wrote = 1;
    u->output[u->sent++] = (uint8_t)value;
    if (u->sent == sizeof u->output) {
        u->exchange();
    }
}
