/* TCG plugin that counts as unicorn_hook.c does. QEMU ships no header for plugins in its packages, so the part of
 * API version 1 used here (QEMU 4.2 to 8.x) is declared by hand. */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "count.h"

typedef uint64_t plugin_id;
struct tb;
struct insn;
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(plugin_id id, struct tb *tb));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct tb *tb, void (*cb)(unsigned vcpu, void *user),
                                                 int flags, void *user);
extern size_t qemu_plugin_tb_n_insns(const struct tb *tb);
extern uint64_t qemu_plugin_tb_vaddr(const struct tb *tb);
extern struct insn *qemu_plugin_tb_get_insn(const struct tb *tb, size_t index);
extern const void *qemu_plugin_insn_data(const struct insn *insn);
extern size_t qemu_plugin_insn_size(const struct insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

typedef struct {
    uint64_t pc;
    block block;
} translated;

static machine *the_machine;
static uint64_t last_block;
static uint32_t idle_blocks;
enum { BLOCKS_BETWEEN_NAPS = 64, NAP_US = 500 };

static void on_block(unsigned vcpu, void *user)
{
    const translated *t = user;
    machine *m = the_machine;
    (void)vcpu;
    if (t->pc == m->shared->trap && t->pc != 0U) {
        m->shared->fault = FAULT_GAVE_UP;
        m->shared->fault_pc = last_block;
        _exit(1);
    }
    last_block = t->pc;
    if (m->shared->is_idle && !m->active && ++idle_blocks % BLOCKS_BETWEEN_NAPS == 0U) {
        usleep(NAP_US); /* a firmware that polls for input would burn a processor */
    }
    /* No register can be read here: the call that led in, if it was one, tells where it returns to. */
    attribute(m, &t->block, t->pc, m->last_was_call ? m->last_end : NOWHERE);
    account(m, &t->block, t->pc);
}

static void on_translate(plugin_id id, struct tb *tb)
{
    const size_t count = qemu_plugin_tb_n_insns(tb);
    translated *t = calloc(1, sizeof *t);
    uint8_t code[4096];
    uint32_t bytes = 0;
    (void)id;
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const size_t size = qemu_plugin_insn_size(insn);
        if (bytes + size <= sizeof code) {
            memcpy(code + bytes, qemu_plugin_insn_data(insn), size);
            bytes += (uint32_t)size;
        }
    }
    t->pc = qemu_plugin_tb_vaddr(tb);
    block_decode(the_machine, &t->block, t->pc, code, bytes);
    t->block.instructions = (uint32_t)count;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, 0, t);
}

/* Argument: counters=FILE, the file of counters made by edgekit. */
__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int argc,
                                                               char **argv)
{
    struct stat about;
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "counters=", 9) == 0) {
            const int file = open(argv[i] + 9, O_RDWR);
            if (file < 0 || fstat(file, &about) != 0) {
                return 1;
            }
            void *shared = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            close(file);
            if (shared == MAP_FAILED || ((counters *)shared)->magic != COUNTERS_MAGIC) {
                return 1;
            }
            the_machine = machine_new(shared);
        }
    }
    if (the_machine == NULL) {
        fprintf(stderr, "the plugin needs counters=FILE\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    return 0;
}
