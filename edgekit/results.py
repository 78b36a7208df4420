"""What the public verbs return: frozen data, and the JSON that other tools rely on.

``How`` says where a number comes from. Nothing that an emulator counted or a model estimated is ever "measured".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from edgekit import __version__
from edgekit.costs import UNTIMED, Cycles, Energy, Latency, LayerProfile
from edgekit.ir.graph import Array
from edgekit.plan.plan import Plan
from edgekit.scoring import Accuracy
from edgekit.toolchain.footprint import Part

How = Literal["emulated", "measured"]


@dataclass(frozen=True)
class ModelInfo:
    """The model as the user knows it; ``inputs`` are types and shapes in words."""

    name: str
    sha256: str
    macs: int
    inputs: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """The ``model`` part of the contract."""
        return {"name": self.name, "sha256": self.sha256, "macs": self.macs, "inputs": list(self.inputs)}


@dataclass(frozen=True)
class SampleInfo:
    """Hashes of what a model was fed with: all samples with their labels, and the first sample alone."""

    sha256: str = ""
    first_sha256: str = ""


@dataclass(frozen=True)
class ImageInfo:
    """The very image that ran."""

    name: str
    sha256: str
    bytes: int
    build_id: str


@dataclass(frozen=True)
class Tool:
    """A tool and its version."""

    name: str
    version: str


@dataclass(frozen=True)
class Sizes:
    """Bytes of RAM and flash of the model alone and of the whole image; None where nobody knows.

    The model's parts count it with its kernels and the runtime it needs, without the serial protocol and the
    benchmark harness. ``stack`` is the high-water mark of one inference, None before it was run; ``stack_bound`` what
    any inference can need at most, proved from the machine code. Linux boards and the host have no image of the model
    alone, so stack, static data and code are None there. ``image_*`` are the
    whole image (None before it was built), ``board_*`` what the board has (0: not limited).
    ``notes`` say why something is None.
    """

    arena: int = 0
    stack: int | None = None
    static: int | None = None
    weights: int = 0
    code: int | None = None
    image_ram: int | None = None
    image_flash: int | None = None
    board_ram: int = 0
    board_flash: int = 0
    notes: tuple[str, ...] = ()
    stack_bound: int | None = None

    @property
    def ram(self) -> int | None:
        """RAM of the model: arena, static variables and stack, a run's or before any its bound; None if unknown."""
        return _total(self.arena, self.stack if self.stack is not None else self.stack_bound, self.static)

    @property
    def flash(self) -> int | None:
        """Flash of the model: weights and code; None unless both are known."""
        return _total(self.weights, self.code)

    @property
    def known_ram(self) -> int:
        """What is known of ``ram``: the model needs at least this much."""
        return self.arena + (self.stack or self.stack_bound or 0) + (self.static or 0)

    @property
    def known_flash(self) -> int:
        """What is known of ``flash``."""
        return self.weights + (self.code or 0)

    def json(self) -> dict[str, Any]:
        """The ``ram``, ``flash`` and ``image`` parts of the contract."""
        return {
            "ram": {
                "arena": self.arena, "stack": self.stack, "stack_bound": self.stack_bound, "static": self.static,
                "total": self.ram,
            },
            "flash": {"weights": self.weights, "code": self.code, "total": self.flash},
            "image": {"ram": self.image_ram, "flash": self.image_flash},
            "available": {"ram": self.board_ram or None, "flash": self.board_flash or None},
        }  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """The most stack that ``what`` can need, and the calls that need it: functions with the bytes of their frames."""

    what: str
    bytes: int
    chain: tuple[tuple[str, int], ...]

    def json(self) -> dict[str, Any]:
        """What ``explain stack --json`` has of it."""
        calls = [{"function": name, "bytes": size} for name, size in self.chain]
        return {"what": self.what, "bytes": self.bytes, "calls": calls}


@dataclass(frozen=True)
class Build:
    """A generated project and the images built from it, None after a dry run.

    ``image`` is what is flashed or run, ``elf`` the same with symbols; the firmware reports ``build_id``. ``stack``
    has the bounds of one inference and of the whole image where they are proved, ``stack_reserved`` is the board's.
    ``code_parts`` and ``static_parts`` name every byte of ``sizes.code`` and ``sizes.static``.
    """

    plan: Plan
    board: str
    out: Path
    toolchain: Tool
    sizes: Sizes
    elf: Path | None
    image: Path | None
    build_id: str
    files: tuple[str, ...]
    commands: tuple[str, ...] = ()
    stack: tuple[Stack, ...] = ()
    stack_reserved: int = 0
    code_parts: tuple[Part, ...] = ()
    static_parts: tuple[Part, ...] = ()

    def json(self) -> dict[str, Any]:
        """What ``build --json`` prints."""
        return {
            "model": {"name": self.plan.title, "sha256": self.plan.sha256, "macs": self.plan.macs},
            "board": self.board,
            "out": str(self.out),
            "elf": str(self.elf) if self.elf else None,
            "binary": str(self.image) if self.image else None,
            "build_id": self.build_id,
            "toolchain": {"name": self.toolchain.name, "version": self.toolchain.version},
            **self.sizes.json(),
            "stack": {"reserved": self.stack_reserved or None, "bounds": [s.json() for s in self.stack]},
            "files": list(self.files),
            "commands": list(self.commands),
            "notes": list(self.sizes.notes),
        }


@dataclass(frozen=True)
class LayerCheck:
    """How an output of a layer compares with the reference over all samples.

    ``bytes`` were compared, ``different`` elements of them differed, by ``largest`` at most. ``missing``: the
    reference does not have this tensor, so nothing was compared.
    """

    name: str
    op: str
    tensor: str
    bytes: int
    different: int = 0
    largest: float = 0.0
    missing: bool = False


@dataclass(frozen=True)
class Verification:
    """Whether every byte of every layer's output equals the reference's.

    ``layers`` are compared step by step for ``samples`` samples, ``outputs`` after uninterrupted inferences of
    ``output_samples``. Layers that need
    no code (reshape) are not among them: their output is their input's bytes.
    """

    model: ModelInfo
    board: str
    how: How
    reference: str
    samples: int
    output_samples: int
    sample_source: str
    layers: tuple[LayerCheck, ...]
    outputs: tuple[LayerCheck, ...]
    toolchain: Tool
    accuracy: Accuracy | None = None
    sample_info: SampleInfo = SampleInfo()
    image: ImageInfo | None = None

    @property
    def outputs_only(self) -> int:
        """Samples of which only the outputs were compared."""
        return self.output_samples - self.samples

    @property
    def checks(self) -> tuple[LayerCheck, ...]:
        """All comparisons."""
        return (*self.layers, *self.outputs)

    @property
    def bytes(self) -> int:
        """Bytes compared."""
        return sum(check.bytes for check in self.checks)

    @property
    def exact(self) -> bool:
        """True only if all bytes of all layers of at least one sample were compared and none differed."""
        compared = self.samples > 0 and bool(self.outputs) and all(c.bytes and not c.missing for c in self.checks)
        return compared and not any(c.different for c in self.checks)

    @property
    def first_divergent(self) -> LayerCheck | None:
        """The earliest layer that differs."""
        return next((c for c in self.checks if c.different), None)

    def json(self) -> dict[str, Any]:
        """What ``verify --json`` prints."""
        first = self.first_divergent
        return {
            "edgekit": __version__,
            "kind": "verify",
            "model": self.model.json(),
            "board": self.board,
            "how": self.how,
            "exact": self.exact,
            "reference": self.reference,
            "samples": self.samples_json(),
            "bytes_compared": self.bytes,
            "first_divergent": first.name if first else None,
            "largest_difference": finite(max((c.largest for c in self.checks), default=0.0)),
            "toolchain": {"name": self.toolchain.name, "version": self.toolchain.version},
            "accuracy": self.accuracy.json() if self.accuracy else None,
            "layers": [check_json(c) for c in self.layers],
            "outputs": [check_json(c) for c in self.outputs],
        }

    def samples_json(self) -> dict[str, Any]:
        """The ``samples`` part of the contract."""
        return {
            "count": self.samples,
            "outputs_only": self.outputs_only,
            "source": self.sample_source,
            "sha256": self.sample_info.sha256,
            "first_sha256": self.sample_info.first_sha256,
        }


def check_json(check: LayerCheck) -> dict[str, Any]:
    """A LayerCheck for JSON."""
    return {
        "name": check.name,
        "op": check.op,
        "tensor": check.tensor,
        "bytes": check.bytes,
        "different": check.different,
        "largest_difference": finite(check.largest),
        "compared": not check.missing,
    }


@dataclass(frozen=True)
class Profile:
    """The cost of one inference, and whether its results are right.

    ``latency_us`` is the median of ``latency``; ``clock_hz`` the core's, as the board file has it.
    ``machine`` says which computer it was where the board is "host". ``raw`` are the single readings behind the
    figures, by the names that ``edgekit.bundle.RAW`` explains.
    """

    model: ModelInfo
    board: str
    board_title: str
    core: str
    clock_hz: int
    how: How
    emulator: str
    verification: Verification
    instructions: int | None
    cycles: Cycles
    latency_us: float | None
    latency_how: str
    sizes: Sizes
    layers: tuple[LayerProfile, ...]
    toolchain: Tool
    latency: Latency = UNTIMED
    energy: Energy = field(default=Energy(reason="nothing tells it"))
    notes: tuple[str, ...] = field(default=())
    machine: str = ""
    raw: Mapping[str, Array] = field(default_factory=dict[str, Array], repr=False, compare=False)

    @property
    def exact(self) -> bool:
        """See ``Verification.exact``."""
        return self.verification.exact

    @property
    def per_mac(self) -> float | None:
        """Instructions per multiply-accumulate of the whole model."""
        if self.instructions is None or not self.model.macs:
            return None
        return self.instructions / self.model.macs

    @property
    def cycles_per_mac(self) -> float | None:
        """Cycles per multiply-accumulate of the whole model."""
        if self.cycles.value is None or not self.model.macs:
            return None
        return self.cycles.value / self.model.macs

    def json(self) -> dict[str, Any]:
        """The ``profile --json`` contract; keys are only ever added."""
        return {
            "edgekit": __version__,
            "kind": "profile",
            "model": self.model.json(),
            "board": self.board,
            "board_title": self.board_title,
            "machine": self.machine or None,
            "core": self.core,
            "clock_hz": self.clock_hz,
            "how": self.how,
            "emulator": self.emulator or None,
            "exact": self.exact,
            "reference": self.verification.reference,
            "samples": self.verification.samples_json(),
            "bytes_compared": self.verification.bytes,
            "accuracy": self.verification.accuracy.json() if self.verification.accuracy else None,
            "instructions": self.instructions,
            "instructions_per_mac": _rounded(self.per_mac),
            "cycles": {
                "value": self.cycles.value, "error": self.cycles.error, "how": self.cycles.how,
                "basis": self.cycles.basis or None, "per_mac": _rounded(self.cycles_per_mac),
            },
            "latency_us": self.latency_us,
            "latency_how": self.latency_how,
            "latency": self.latency.json(),
            "energy": self.energy.json(),
            **self.sizes.json(),
            "toolchain": {"name": self.toolchain.name, "version": self.toolchain.version},
            "layers": [
                {
                    "name": layer.name, "op": layer.op, "kernel": layer.kernel, "macs": layer.macs,
                    "instructions": layer.instructions, "instructions_per_mac": _rounded(layer.per_mac),
                    "cycles": layer.cycles, "weights": layer.weights,
                }
                for layer in self.layers
            ],
            "checks": [check_json(c) for c in self.verification.checks],
            "notes": [*self.sizes.notes, *self.notes],
        }  # fmt: skip


@dataclass(frozen=True)
class Run:
    """Outputs of a run on a board: ``outputs[sample][output]``, with the names of the model's outputs."""

    model: ModelInfo
    board: str
    how: How
    output_names: tuple[str, ...]
    outputs: tuple[tuple[Array, ...], ...]
    real: tuple[tuple[Array, ...], ...]
    samples: str

    def json(self) -> dict[str, Any]:
        """What ``run --json`` prints: raw values and, where quantised, real ones."""
        return {
            "model": {"name": self.model.name, "sha256": self.model.sha256, "macs": self.model.macs},
            "board": self.board,
            "how": self.how,
            "samples": [
                {
                    name: {
                        "shape": list(raw.shape),
                        "dtype": str(raw.dtype),
                        "raw": raw.tolist(),
                        "real": real.tolist(),
                    }
                    for name, raw, real in zip(self.output_names, sample, reals, strict=True)
                }
                for sample, reals in zip(self.outputs, self.real, strict=True)
            ],
        }


def _total(*parts: int | None) -> int | None:
    known = [p for p in parts if p is not None]
    return sum(known) if len(known) == len(parts) else None


def finite(value: float) -> float | None:
    """None for what JSON has no number for: a difference to NaN."""
    return value if math.isfinite(value) else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
