"""The shipped cost tables, a slice of each made anew: counted, compiled and fitted as `bench kernels --write` does."""

from __future__ import annotations

import pytest
from support import kernel_counts
from support.need import need

from edgekit.bench import count, fit, layers
from edgekit.bench.run import board_of, items_of
from edgekit.execution import silent
from edgekit.plan import costs

FAMILIES = ("add", "softmax")


@pytest.mark.parametrize("core", kernel_counts.CORES)
def test_a_slice_of_a_shipped_table_is_made_again_with_the_same_numbers(core):
    board, table = board_of(core), costs.table(core)
    if board.emulator.startswith("qemu:"):
        need("qemu-system-arm")
    items = items_of([g for family in FAMILIES for g in layers.grid(family)], board)
    counted = count.count(items, board, table.toolchain, silent)
    made = fit.table(core, table.toolchain, counted, count.code(items, board, table.toolchain, silent))
    assert {one.kernel.family for one in items} == set(FAMILIES)
    same = kernel_counts.kept_compiler() == kernel_counts.compiler()  # another compiler: other numbers, but not by much
    for name, line in made.kernels.items():
        kept = table.kernels[name]
        if same:
            assert line.terms == pytest.approx(kept.terms, rel=1e-3), f"{name}: `bench kernels --write`"
            assert line.error == pytest.approx(kept.error, abs=0.1), name
            assert line.code == kept.code, name
        else:
            assert line.code[0].total <= 1.1 * kept.code[0].total, name
