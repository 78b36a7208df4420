"""The ledger: what each reference model costs on each core, kept so that a change that moves a number shows it.

``tests/ledger.json`` has one line a model, board and toolchain. ``EDGEKIT_UPDATE_LEDGER=1 pytest tests/emulator/
test_ledger.py`` measures all anew.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import edgekit
from edgekit.results import Profile
from edgekit.samples import Samples, made_up

FILE = Path(__file__).resolve().parent.parent / "ledger.json"
MODELS = {
    "kws": "kws_ref_model.tflite",
    "ic": "pretrainedResnet_quant.tflite",
    "vww": "vww_96_int8.tflite",
    "ad": "ad01_int8.tflite",
    "sww": "str_ww_ref_model.tflite",
}
BOARDS = (
    "nucleo-l4r5zi", "emu-m0plus", "emu-m3", "emu-m7", "emu-m33", "emu-m55", "host", "raspberry-pi-4", "raspberry-pi-5",
)  # fmt: skip
TOOLCHAINS = ("zig", "gcc")
SPEED = "ic speed"
"""The model whose kernels differ most between `--optimize speed` and balanced: its second line on the M4's board."""

SMALLEST = {
    "kws": (7_500, 1.20), "ic": (20_000, 1.20), "vww": (38_500, 1.15), "ad": (2_000, 1.05), "sww": (7_200, 1.20),
}  # fmt: skip
"""What `--optimize ram` may take on the M4's board: bytes of RAM (arena, peak stack and static data), and instructions
as a multiple of those of the default plan."""

MACS = {"kws": 2_656_768, "ic": 12_501_632, "vww": 7_489_664, "ad": 264_192, "sww": 826_368}
PEER = {
    "kws": (7_698_095, 1_786_000, 22_820 + 1_100 + 424, 53_936 + 52_171),
    "ic": (29_865_196, 4_813_000, 54_996 + 1_100 + 424, 98_496 + 49_975),
    "vww": (24_101_542, 6_433_000, 100_708 + 1_100 + 424, 333_288 + 52_171),
    "ad": (582_866, 149_917, 2_580 + 812 + 320, 276_976 + 27_027),
    "sww": (2_227_447, 407_813, 16_596 + 948 + 424, 74_520 + 49_655),
}
"""TFLM + CMSIS-NN (arm-none-eabi-gcc 12.2, release build): exact instruction counts of one inference on an emulated
Cortex-M4 and on the best of its Cortex-M55 builds; on the M4 also RAM (tensor arena, peak stack and static data) and
flash (model data and code)."""


@dataclass(frozen=True)
class Entry:
    """Counts and bytes of one inference; None where nothing counts them or no image has the model alone."""

    compiler: str
    instructions: int | None
    cycles: int | None
    arena: int
    stack: int | None
    static: int | None
    weights: int
    code: int | None

    @property
    def ram(self) -> int:
        return self.arena + (self.stack or 0) + (self.static or 0)

    @property
    def flash(self) -> int:
        return self.weights + (self.code or 0)


def key(model: str, board: str, toolchain: str) -> str:
    return f"{model} {board} {toolchain}"


def read() -> dict[str, Entry]:
    if not FILE.exists():
        return {}
    return {k: Entry(**v) for k, v in json.loads(FILE.read_text(encoding="utf-8")).items()}


def measure(path: Path, board: str, toolchain: str, optimize: str = "balanced") -> tuple[Profile, Entry]:
    """Profile with one random sample and the three extremes; every layer of every sample is compared."""
    graph = edgekit.load(path)
    some = made_up(graph, count=1)
    samples = Samples(some.inputs[:2] if graph.macs > 1_000_000 else some.inputs, some.source)
    profile = edgekit.profile(path, board, samples, toolchain=toolchain, optimize=optimize)
    size = profile.sizes
    return profile, Entry(
        compiler=profile.toolchain.version,
        instructions=profile.instructions,
        cycles=None if profile.how == "measured" else profile.cycles.value,
        arena=size.arena,
        stack=size.stack,
        static=size.static,
        weights=size.weights,
        code=size.code,
    )


def updating() -> bool:
    return bool(os.environ.get("EDGEKIT_UPDATE_LEDGER"))


def store(name: str, entry: Entry) -> None:
    """Put one line into the file, safely beside other processes that do the same."""
    with FILE.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        entries = {**(json.loads(text) if text else {}), name: asdict(entry)}
        order = [key(m, b, t) for m in MODELS for b in BOARDS for t in TOOLCHAINS]
        order += [key(SPEED, BOARDS[0], t) for t in TOOLCHAINS]
        order += [key(f"{m} ram", BOARDS[0], t) for m in MODELS for t in TOOLCHAINS]
        lines = [f"{json.dumps(k)}: {json.dumps(entries[k])}" for k in order if k in entries]
        file.seek(0)
        file.truncate()
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def table() -> str:
    """The comparison that README.md shows, from the ledger."""
    head = "| model | MACs | M4 (per MAC) | TFLM | M55 | TFLM | M0+ | M4 cycles, est. | RAM | TFLM | flash | TFLM |"
    lines = [head, "|---" + "|---:" * 11 + "|"]
    entries = read()
    for model, macs in MACS.items():
        m4, m55, m0 = (entries[key(model, b, "zig")] for b in ("nucleo-l4r5zi", "emu-m55", "emu-m0plus"))
        peer_m4, peer_m55, peer_ram, peer_flash = PEER[model]
        share = (m4.instructions or 0) / macs
        first = (f"{macs:,}", f"{m4.instructions:,} ({share:.2f})")
        counts = (
            peer_m4,
            m55.instructions,
            peer_m55,
            m0.instructions,
            m4.cycles,
            m4.ram,
            peer_ram,
            m4.flash,
            peer_flash,
        )
        lines.append(f"| {' | '.join((model, *first, *(f'{n:,}' for n in counts)))} |")
    fast = entries[key(SPEED, BOARDS[0], "zig")]
    said = (
        f"\nFor speed (`--optimize speed`) ic takes {fast.instructions:,} instructions on the M4, {fast.cycles:,} "
        f"cycles (estimated),\n{fast.ram:,} B of RAM and {fast.flash:,} B of flash: Winograd's transform "
        "saves products and costs 32 bytes for nine weights.\n"
    )
    return "\n".join(lines) + "\n" + said
