"""Whole networks in one image of an emulated board, which checks what every layer wrote against the right bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.emulated_program import build_program, listen
from support.network_program import slots_after

from edgekit.board import Board
from edgekit.codegen.render import render
from edgekit.emulate import EmulatedBoard
from edgekit.ir.graph import Array, Graph
from edgekit.plan.plan import Plan, Slot
from edgekit.toolchain import image

_DRIVER = Path(__file__).parent / "network_driver.c"


@dataclass(frozen=True)
class Checked:
    """A plan, whose model name is its own in the image, its graph, and per sample inputs and every right tensor."""

    plan: Plan
    graph: Graph
    samples: Sequence[Sequence[Array]]
    expected: Sequence[Mapping[str, Array]]


def run_on_board(networks: Sequence[Checked], board: Board, toolchain: str, folder: Path) -> str:
    """Build one image of ``networks``, run it; what it prints."""

    def write(model: Path) -> None:
        for network in networks:
            for name, text in render(network.plan).items():
                if name.endswith((".c", ".h")) and not name.endswith("_info.c"):
                    (model / Path(name).name).write_text(text, encoding="utf-8")
        (model / "driver.c").write_text(_source(networks), encoding="utf-8")

    elf = build_program(networks[0].plan, write, board, toolchain, folder)
    binary, _ = image.write(elf)
    with EmulatedBoard(board, binary or elf, elf) as emulated:
        return listen(emulated)


def _source(networks: Sequence[Checked]) -> str:
    before, after = _DRIVER.read_text(encoding="utf-8").split("/* NETWORKS HERE */\n")
    names = [n.plan.model for n in networks]
    included = [f'#include "{name}{suffix}.c"' for name in names for suffix in ("_weights", "_kernels", "")]
    arena = max(n.plan.arena_bytes for n in networks)
    defined = [f"#define ARENA_BYTES {arena}U", f"#define NETWORKS {len(networks)}U"]
    entries = "".join(_entry(n) for n in networks)
    listed = f"static const network networks[] = {{\n{entries}}};"
    return "\n".join([before, *defined, *included, *(_tables(n) for n in networks), listed, after])


def _tables(network: Checked) -> str:
    m, plan = network.plan.model, network.plan
    after = slots_after(plan)
    spans = [f"static const span {m}_given[] = {{{_spans([plan.slots[i] for i in plan.inputs])}}};"]
    spans += [f"static const span {m}_spans_{i}[] = {{{_spans(slots)}}};" for i, slots in enumerate(after)]
    ends = ", ".join(f"{{{len(slots)}, {m}_spans_{i}}}" for i, slots in enumerate(after))
    data = b"".join(array.tobytes() for sample in network.samples for array in sample)
    sums = [_sum(network, s, right) for right in network.expected for slots in after for s in slots]
    return "\n".join([
        *spans,
        f"static const written {m}_after[] = {{{ends}}};",
        f"static const uint8_t {m}_data[] = {{{','.join(map(str, data))}}};",
        f"static const uint32_t {m}_sums[] = {{{','.join(f'{n}U' for n in sums)}}};",
    ])  # fmt: skip


def _sum(network: Checked, slot: Slot, right: Mapping[str, Array]) -> int:
    """FNV-1a of the bytes that a tensor must have, without the channels that a pass has taken out of it."""
    tensor, values = network.graph.tensors[slot.tensor], right[slot.tensor]
    kept = values[..., list(tensor.channels)] if tensor.channels else values
    assert kept.nbytes == slot.bytes
    found = 2166136261
    for byte in kept.tobytes():
        found = (found ^ byte) * 16777619 & 0xFFFFFFFF
    return found


def _spans(slots: Sequence[Slot]) -> str:
    return ", ".join(f"{{{s.offset}, {s.bytes}}}" for s in slots) or "{0, 0}"


def _entry(network: Checked) -> str:
    m, plan = network.plan.model, network.plan
    return (
        f'    {{"{m}", {m}_step, {plan.arena_bytes}, {len(network.samples)}, {{{len(plan.inputs)}, {m}_given}}, '
        f"{len(plan.steps)}, {m}_after, {m}_data, {m}_sums}},\n"
    )
