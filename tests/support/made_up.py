"""A profile, its plan and readings, made up: what reports and comparisons are tested with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.bundle import Bundle, Origin
from edgekit.costs import Cycles, LayerProfile
from edgekit.evaluation import Evaluation, Mismatch
from edgekit.plan.plan import Layer, Plan, Slot, Step
from edgekit.results import (
    ImageInfo,
    LayerCheck,
    ModelInfo,
    Profile,
    SampleInfo,
    Sizes,
    Tool,
    Verification,
)
from edgekit.scoring import score

MODEL = ModelInfo("kws", "ab" * 32, 2_656_768, ("int8 1x16",))
ZIG = Tool("zig", "0.17.1")
CHECKS = (
    LayerCheck("conv2d", "CONV_2D", "conv_out", 8000),
    LayerCheck("dense", "FULLY_CONNECTED", "dense_out", 12),
)
OUTPUT = LayerCheck("(output Identity)", "", "Identity", 12)
VERIFIED = Verification(
    MODEL, "nucleo-l4r5zi", "emulated", "tflite-micro 1.0", 6, 6, "seeded", CHECKS, (OUTPUT,), ZIG,
    sample_info=SampleInfo("cd" * 32, "ef" * 32),
    image=ImageInfo("kws_bench.bin", "01" * 32, 60_000, "0123456789abcdef"),
)  # fmt: skip
PROFILE = Profile(
    model=MODEL,
    board="nucleo-l4r5zi",
    board_title="ST NUCLEO-L4R5ZI",
    core="cortex-m4",
    clock_hz=120_000_000,
    how="emulated",
    emulator="unicorn",
    verification=VERIFIED,
    instructions=3_000_123,
    cycles=Cycles(3_600_000, 0.15, "estimated", "the error of a fit"),
    latency_us=30_000.0,
    latency_how="estimated",
    sizes=Sizes(16_512, 400, 24, 23_808, 9_000, 40_000, 60_000, 655_360, 2_097_152, stack_bound=408),
    layers=(
        LayerProfile("conv2d", "CONV_2D", "conv_2d_s8_dsp", 2_656_000, 2_900_123, 3_500_000, 23_000),
        LayerProfile("dense", "FULLY_CONNECTED", "fully_connected_s8_dsp", 768, 100_000, 100_000, 808),
        LayerProfile("softmax", "SOFTMAX", "softmax_s8_scalar", 0, 1_000, 1_500, 0),
    ),
    toolchain=ZIG,
)
LABELLED = replace(VERIFIED, accuracy=score([0, 1, 2, 2], [0, 1, 1, 2], ("yes", "no", "noise")))
EVALUATED = Evaluation(
    MODEL, "nucleo-l4r5zi", "emulated", "tflite-micro 1.0", "test.npz", SampleInfo("cd" * 32, "ef" * 32),
    LABELLED.accuracy, 4, (replace(OUTPUT, bytes=48, different=2, largest=3.0),),
    (Mismatch(3, 2, 1, 2, 2, 3.0),), ZIG, VERIFIED.image, resumed=2,
    raw={"labels": np.array([0, 1, 2, 2]), "answers": np.array([0, 1, 1, 2])},
)  # fmt: skip
ORIGIN = Origin(
    "2026-01-02T03:04:05+00:00", "0123456789abcdef", "kws_bench.bin", "01" * 32, 60_000, 120_000_000,
    [("numpy", "2.0")], [("toolchain", "zig")],
)  # fmt: skip
RAW = {"layer_cycles": np.array([3_500_000, 100_000, 1_500], np.int64)}


def tree(**change: Any) -> dict[str, Any]:
    """The profile's JSON with some keys changed."""
    return PROFILE.json() | change


def bundle(**change: Any) -> Bundle:
    """The profile as a bundle that was never stored, with some keys of its JSON changed."""
    return Bundle(tree(**change), plan(), RAW)


def plan(*, scratch: int = 64) -> Plan:
    """Two layers, three tensors; the second step's output lies where the input was."""
    slots = (
        Slot("in", (1, 16), "int8", 0, 1, 1, 1, 16, 0, 0, 0.5, 1),
        Slot("mid", (1, 4, 8), "int8", 16, 1, 4, 4, 8, 0, 1),
        Slot("out", (1, 4), "int8", 0, 1, 1, 1, 4, 1, 2),
    )
    layer = Layer(
        "first", ("first",), "CONV_2D", "conv_2d_s8_scalar", "conv_2d/s8_scalar.c.j2", "scalar", 100, {"in_c": 16},
        ("in_c",), (), {}, (0,), (1,), 48, scratch, 32, rowwise=False, images=1, rows=4,
    )  # fmt: skip
    second = replace(layer, name="second", inputs=(1,), outputs=(2,), scratch=0, scratch_bytes=0)
    return Plan(
        "m", "m", "", "cortex-m4", ("scalar",), 200, 112, 16, 112, (layer, second), (Step(0, 0, 4), Step(1, 0, 1)),
        slots, (), (0,), (2,),
    )  # fmt: skip
