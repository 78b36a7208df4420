/* Hardware registers by address. The one place where an integer becomes a pointer (MISRA C:2012 rule 11.4). */
#ifndef EK_REG_H
#define EK_REG_H

#include <stdint.h>

#include "ek/fault.h"

static inline volatile uint32_t *ek_reg(uint32_t address)
{
    return (volatile uint32_t *)(uintptr_t)address;
}

static inline uint32_t ek_reg_read(uint32_t address)
{
    return *ek_reg(address);
}

static inline void ek_reg_write(uint32_t address, uint32_t value)
{
    *ek_reg(address) = value;
}

static inline void ek_reg_set(uint32_t address, uint32_t bits)
{
    *ek_reg(address) |= bits;
}

static inline void ek_reg_clear(uint32_t address, uint32_t bits)
{
    *ek_reg(address) &= ~bits;
}

/* Replace the field that mask covers; value is already in place. */
static inline void ek_reg_field(uint32_t address, uint32_t mask, uint32_t value)
{
    *ek_reg(address) = (*ek_reg(address) & ~mask) | value;
}

/* Wait for a field to read as value. A clock that never becomes ready ends in ek_fault instead of a nameless loop. */
static inline void ek_reg_wait(uint32_t address, uint32_t mask, uint32_t value)
{
    uint32_t tries =
        10000000U; /* above a second at reset clocks; PLLs lock and regulators settle within ms */
    while ((ek_reg_read(address) & mask) != value) {
        tries--;
        if (tries == 0U) {
            ek_fault();
        }
    }
}

#endif
