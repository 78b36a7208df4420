"""What the public verbs return: frozen data, and the JSON that other tools rely on.

``How`` says where a number comes from. Nothing that an emulator counted or a model estimated is ever "measured".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from edgekit import __version__
from edgekit.costs import UNTIMED, Cycles, Energy, Latency, LayerProfile
from edgekit.ir.graph import Array
from edgekit.plan.plan import Plan

How = Literal["emulated", "measured"]


@dataclass(frozen=True)
class ModelInfo:
    """The model as the user knows it."""

    name: str
    sha256: str
    macs: int


@dataclass(frozen=True)
class Tool:
    """A tool and its version."""

    name: str
    version: str


@dataclass(frozen=True)
class Sizes:
    """Bytes of RAM and flash of the model alone and of the whole image; None where nobody knows.

    The model's parts count it with its kernels and the runtime it needs, without the serial protocol and the
    benchmark harness. ``stack`` is the high-water mark of one inference, None before it was run. Linux boards and
    the host have no image of the model alone, so stack, static data and code are None there. ``image_*`` are the
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

    @property
    def ram(self) -> int | None:
        """RAM of the model: arena, stack and static variables; None unless all of them are known."""
        return _total(self.arena, self.stack, self.static)

    @property
    def flash(self) -> int | None:
        """Flash of the model: weights and code; None unless both are known."""
        return _total(self.weights, self.code)

    @property
    def known_ram(self) -> int:
        """What is known of ``ram``: the model needs at least this much."""
        return self.arena + (self.stack or 0) + (self.static or 0)

    @property
    def known_flash(self) -> int:
        """What is known of ``flash``."""
        return self.weights + (self.code or 0)

    def json(self) -> dict[str, Any]:
        """The ``ram``, ``flash`` and ``image`` parts of the contract."""
        return {
            "ram": {"arena": self.arena, "stack": self.stack, "static": self.static, "total": self.ram},
            "flash": {"weights": self.weights, "code": self.code, "total": self.flash},
            "image": {"ram": self.image_ram, "flash": self.image_flash},
            "available": {"ram": self.board_ram or None, "flash": self.board_flash or None},
        }


@dataclass(frozen=True)
class Build:
    """A generated project and the images built from it, None after a dry run.

    ``image`` is what is flashed or run, ``elf`` the same with symbols; the firmware reports ``build_id``.
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
class Accuracy:
    """Labelled samples that the board's outputs got right."""

    right: int
    total: int
    classes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.right / self.total if self.total else 0.0


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
            "model": {"name": self.model.name, "sha256": self.model.sha256, "macs": self.model.macs},
            "board": self.board,
            "how": self.how,
            "exact": self.exact,
            "reference": self.reference,
            "samples": {"count": self.samples, "outputs_only": self.outputs_only, "source": self.sample_source},
            "bytes_compared": self.bytes,
            "first_divergent": first.name if first else None,
            "largest_difference": max((c.largest for c in self.checks), default=0.0),
            "toolchain": {"name": self.toolchain.name, "version": self.toolchain.version},
            "accuracy": accuracy_json(self.accuracy),
            "layers": [
                {
                    "name": c.name, "op": c.op, "tensor": c.tensor, "bytes": c.bytes, "different": c.different,
                    "largest_difference": c.largest, "compared": not c.missing,
                }
                for c in self.layers
            ],
        }  # fmt: skip


def accuracy_json(accuracy: Accuracy | None) -> dict[str, Any] | None:
    """An Accuracy for JSON."""
    if accuracy is None:
        return None
    return {"right": accuracy.right, "total": accuracy.total, "share": round(accuracy.share, 4)}


@dataclass(frozen=True)
class Profile:
    """The cost of one inference, and whether its results are right.

    ``latency_us`` is the median of ``latency``; ``clock_hz`` the core's, as the board file has it.
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

    def json(self) -> dict[str, Any]:
        """The ``profile --json`` contract; keys are only ever added."""
        return {
            "edgekit": __version__,
            "model": {"name": self.model.name, "sha256": self.model.sha256, "macs": self.model.macs},
            "board": self.board,
            "core": self.core,
            "clock_hz": self.clock_hz,
            "how": self.how,
            "emulator": self.emulator or None,
            "exact": self.exact,
            "reference": self.verification.reference,
            "samples": {
                "count": self.verification.samples, "outputs_only": self.verification.outputs_only,
                "source": self.verification.sample_source,
            },
            "bytes_compared": self.verification.bytes,
            "accuracy": accuracy_json(self.verification.accuracy),
            "instructions": self.instructions,
            "instructions_per_mac": _rounded(self.per_mac),
            "cycles": {
                "value": self.cycles.value, "error": self.cycles.error, "how": self.cycles.how,
                "basis": self.cycles.basis or None,
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


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
