"""A C program that runs whole networks step by step and tells what every layer wrote, for this machine.

Each arena is a heap block of exactly the bytes the plan asks for, so that the address sanitizer sees a byte beyond.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit import resources
from edgekit.codegen.render import render
from edgekit.ir.graph import Array
from edgekit.plan.plan import Plan, Slot

Samples = Sequence[Sequence[Array]]
_ALIGN = 64
_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {{
    uint32_t offset;
    uint32_t bytes;
}} span;

/* What lies in the arena after a step: all outputs of the layer that has just ended. */
typedef struct {{
    uint32_t count;
    const span *spans;
}} written;

typedef struct {{
    void (*step)(uint8_t *arena, uint32_t step);
    uint32_t arena_bytes;
    uint32_t samples;
    written inputs;
    uint32_t steps;
    const written *after;
    written outputs;
}} network;

{tables}
static void transfer(FILE *file, const written *what, uint8_t *arena, int in)
{{
    for (uint32_t i = 0; i < what->count; ++i) {{
        const span s = what->spans[i];
        const size_t done =
            in ? fread(arena + s.offset, 1, s.bytes, file) : fwrite(arena + s.offset, 1, s.bytes, file);
        if (done != s.bytes) {{
            exit(2);
        }}
    }}
}}

int main(void)
{{
    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); ++i) {{
        const network *n = &networks[i];
        void *block = NULL;
        if (posix_memalign(&block, {align}, n->arena_bytes) != 0) {{
            return 3;
        }}
        for (uint32_t sample = 0; sample < n->samples; ++sample) {{
            memset(block, 0xA5, n->arena_bytes);
            transfer(stdin, &n->inputs, block, 1);
            for (uint32_t step = 0; step < n->steps; ++step) {{
                n->step(block, step);
                transfer(stdout, &n->after[step], block, 0);
            }}
            transfer(stdout, &n->outputs, block, 0);
        }}
        free(block);
    }}
    return 0;
}}
"""


@dataclass(frozen=True)
class Network:
    """A plan, whose model name is its own in the program, and the inputs it is run with."""

    plan: Plan
    samples: Samples


def run(folder: Path, compiler: Sequence[str], networks: Sequence[Network]) -> list[list[list[tuple[str, Array]]]]:
    """For each network and sample, tensors as (name, values): those of each layer when it ends, then the outputs.

    Raises:
        AssertionError: if the program does not compile without warnings or a sanitizer stops it.
    """
    for network in networks:
        for name, text in render(network.plan).items():
            if name.endswith((".c", ".h")) and not name.endswith("_info.c"):
                (folder / Path(name).name).write_text(text, encoding="utf-8")
    source, program = folder / "networks.c", folder / "networks"
    source.write_text(_source(networks), encoding="utf-8")
    include = f"-I{resources.firmware() / 'include'}"
    command = [*compiler, "-DEK_TEST_HOST", "-std=gnu11", "-O1", "-g", include, str(source), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-4000:]
    given = b"".join(a.tobytes() for n in networks for sample in n.samples for a in sample)
    done = subprocess.run([str(program)], input=given, capture_output=True, check=False)
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr[-4000:].decode(errors='replace')}"
    return _parsed(networks, done.stdout)


def slots_after(plan: Plan) -> list[list[Slot]]:
    """Per step the outputs of the layer that ends with it, as far as they are there whole then; last the model's."""
    result: list[list[Slot]] = []
    for at, step in enumerate(plan.steps):
        mine = [k for k, other in enumerate(plan.steps) if other.layer == step.layer]
        together = mine == list(range(at + 1 - len(mine), at + 1))
        outputs = [plan.slots[k] for k in plan.layers[step.layer].outputs] if together else []
        kept = [s for s in outputs if s.ring_rows == s.rows and (len(mine) == 1 or s.last > at)]
        result.append(kept)
    return [*result, [plan.slots[k] for k in plan.outputs]]


def _parsed(networks: Sequence[Network], data: bytes) -> list[list[list[tuple[str, Array]]]]:
    at = 0
    result: list[list[list[tuple[str, Array]]]] = []
    for network in networks:
        result.append([])
        for _ in network.samples:
            found: list[tuple[str, Array]] = []
            for slot in (s for some in slots_after(network.plan) for s in some):
                values = np.frombuffer(data[at : at + slot.bytes], np.dtype(slot.dtype))
                found.append((slot.tensor, values.reshape(slot.shape)))
                at += slot.bytes
            result[-1].append(found)
    assert at == len(data)
    return result


def _source(networks: Sequence[Network]) -> str:
    names = [n.plan.model for n in networks]
    included = [f'#include "{name}{suffix}.c"' for name in names for suffix in ("_weights", "_kernels", "")]
    tables = [_tables(n) for n in networks]
    listed = f"static const network networks[] = {{\n{''.join(_entry(n) for n in networks)}}};\n"
    return "\n".join(["#include <stdint.h>", *included]) + _DRIVER.format(
        tables="\n".join([*tables, listed]), align=_ALIGN
    )


def _tables(network: Network) -> str:
    m, plan = network.plan.model, network.plan
    *after, outputs = slots_after(plan)
    inputs = [plan.slots[i] for i in plan.inputs]
    every = [inputs, outputs, *after]
    spans = [f"static const span {m}_spans_{i}[] = {{{_spans(slots)}}};" for i, slots in enumerate(every)]
    ends = ", ".join(f"{{{len(slots)}, {m}_spans_{i + 2}}}" for i, slots in enumerate(after)) or "{0, 0}"
    return "\n".join([*spans, f"static const written {m}_after[] = {{{ends}}};"])


def _spans(slots: Sequence[Slot]) -> str:
    return ", ".join(f"{{{s.offset}, {s.bytes}}}" for s in slots) or "{0, 0}"


def _entry(network: Network) -> str:
    m, plan = network.plan.model, network.plan
    return (
        f"    {{{m}_step, {plan.arena_bytes}, {len(network.samples)}, {{{len(plan.inputs)}, {m}_spans_0}}, "
        f"{len(plan.steps)}, {m}_after, {{{len(plan.outputs)}, {m}_spans_1}}}},\n"
    )
