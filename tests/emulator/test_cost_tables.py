"""The shipped cost tables, a slice of each made anew: counted, compiled and fitted as `bench kernels --write` does.

Code is compiled kernel by kernel and must be the same to the byte. Counts are of images with a hundred layers, and
depend on what else is there: in a small one the compiler inlines more, on Cortex-M3 a tenth of softmax. So what the
slice's terms predict may differ by that much; counts of the reference models' layers are held exactly.
"""

from __future__ import annotations

import pytest
from support import kernel_counts
from support.need import need

from edgekit.bench import count, fit, layers
from edgekit.bench.run import board_of, items_of
from edgekit.execution import silent
from edgekit.plan import costs

FAMILIES = ("add", "softmax")
INLINED = 0.1


@pytest.mark.parametrize("core", kernel_counts.CORES)
def test_a_slice_of_a_shipped_table_is_made_again_and_predicts_the_same(core):
    board, table = board_of(core), costs.table(core)
    if board.emulator.startswith("qemu:"):
        need("qemu-system-arm")
    items = items_of([g for family in FAMILIES for g in layers.grid(family)], board)
    assert {one.kernel.family for one in items} == set(FAMILIES)
    counted = count.count(items, board, table.toolchain, silent)
    made = fit.table(core, table.toolchain, counted, count.code(items, board, table.toolchain, silent))
    same = kernel_counts.kept_compiler() == kernel_counts.compiler()  # another compiler: other numbers, but not by much
    for one in items:
        view = one.graph.views()[0]
        now, kept = (t.instructions(one.kernel, view, view.node.op.lower(view)) for t in (made, table))
        assert now == pytest.approx(kept, rel=INLINED, abs=16), f"{one.graph.name}: `bench kernels --write`"
    for name, line in made.kernels.items():
        kept = table.kernels[name]
        assert line.code == kept.code if same else line.code[0].total <= 1.1 * kept.code[0].total, name
