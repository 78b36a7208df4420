"""The bench harness with a model of a few bytes, built for this machine: as a process, and inside the test."""

from __future__ import annotations

import _ctypes
import ctypes
import hashlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edgekit import resources
from edgekit.errors import PortError
from edgekit.plan.plan import Layer, Plan, Slot, Step

HERE = Path(__file__).parent
CACHE = Path(tempfile.gettempdir()) / "edgekit-test-fake-board"
SOURCES = ("crc32", "frames", "text", "clock", "sample", "window", "mlperf", "messages", "harness")
WARNINGS = ("all", "extra", "conversion", "sign-conversion", "shadow", "undef", "vla", "error")
STRICT = ("-std=c11", *(f"-W{name}" for name in WARNINGS))
ZIG = (sys.executable, "-m", "ziglang", "cc")
BUILD_ID = "0123456789abcdef"


def build(*, library: bool = False, compiler: tuple[str, ...] = ZIG, options: tuple[str, ...] = ()) -> Path:
    """The harness with the fake model; kept by the content of its sources."""
    firmware = resources.firmware()
    names = SOURCES if library else (*SOURCES, "main")
    own = [HERE / "model.c", HERE / ("library.c" if library else "board.c")]
    files = [*(firmware / "src" / f"{name}.c" for name in names), *own]
    headers = sorted((firmware / "include" / "ek").glob("*.h"))
    kind = ("-shared", "-fPIC") if library else ()
    flags = [*STRICT, "-g", "-O1", "-DEK_SAMPLE_BYTES=40", *kind, *options, f"-I{firmware / 'include'}"]
    text = repr((compiler, flags)).encode() + b"".join(f.read_bytes() for f in [*files, *headers])
    CACHE.mkdir(exist_ok=True)
    target = CACHE / f"{hashlib.sha256(text).hexdigest()[:16]}{'.so' if library else ''}"
    if not target.exists():
        fresh = target.with_suffix(f".{os.getpid()}")
        done = subprocess.run(
            [*compiler, *flags, *map(str, files), "-o", str(fresh)], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        fresh.replace(target)
    return target


class Process:
    """A stream to the harness as a process."""

    name = "fake board"

    def __init__(self, image: Path) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([image], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
        self.out = self.process.stdout.fileno()

    def read(self, timeout_s: float) -> bytes:
        ready, _, _ = select.select([self.out], [], [], timeout_s)
        data = os.read(self.out, 65536) if ready else b""
        if ready and not data:
            raise PortError("the fake board stopped")
        return data

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self.process.stderr.close()

    def talk(self, data: bytes) -> tuple[bytes, bytes]:
        """Send everything, hang up, and return all that came: (serial line, edges of the trigger pin)."""
        return self.process.communicate(data, timeout=60)


class Edge(NamedTuple):
    """A write to the trigger pin: its level, the time in cycles, and the bytes sent before."""

    level: int
    cycles: int
    sent: int


class InProcess:
    """A stream to the harness inside this process: an answer is there at once or never."""

    name = "fake board"

    def __init__(self, *options: str) -> None:
        trap = ("-fsanitize=undefined", "-fsanitize-trap=undefined")
        self._path = build(library=True, options=(*trap, *options))
        self._library = ctypes.CDLL(str(self._path))
        self._bind()

    def _bind(self) -> None:
        self._count = ctypes.c_int32.in_dll(self._library, "fake_sent_count")
        self._sent = (ctypes.c_uint8 * 65536).in_dll(self._library, "fake_sent")
        self._edge_count = ctypes.c_int32.in_dll(self._library, "fake_edge_count")
        self._edges = (ctypes.c_uint32 * 3 * 64).in_dll(self._library, "fake_edges")
        self.cycles = ctypes.c_uint32.in_dll(self._library, "fake_cycles")

    def restarted(self) -> InProcess:
        """The same board after a reset: nothing in its memory, its start-up text on the line."""
        fresh = object.__new__(InProcess)
        fresh._path = self._path
        with tempfile.TemporaryDirectory() as folder:  # a library of another name has variables of its own
            fresh._library = ctypes.CDLL(str(shutil.copy(self._path, folder)))
        fresh._bind()
        fresh._library.ek_mlperf_banner()
        return fresh

    def forget(self) -> None:
        """Unload the library; the board is gone."""
        _ctypes.dlclose(self._library._handle)

    def read(self, _timeout_s: float) -> bytes:
        data = bytes(self._sent[: self._count.value])
        self._count.value = 0
        return data

    def write(self, data: bytes) -> None:
        self._library.fake_push(data, len(data))

    def close(self) -> None:
        pass

    def edges(self) -> list[Edge]:
        """What the trigger pin did since the last call."""
        found = [Edge(*self._edges[i]) for i in range(self._edge_count.value)]
        self._edge_count.value = 0
        return found

    def ask(self, text: str) -> list[str]:
        """The lines that answer an ASCII command."""
        self.write(text.encode())
        return self.read(0).decode("ascii").splitlines()


def plan() -> Plan:
    """The plan that model.c carries out."""
    row = {"images": 1, "rows": 4, "row_bytes": 2}
    shape = (1, 4, 2)
    slots = (
        Slot("input", shape, "int8", 0, ring_rows=4, first=0, last=2, scale=0.5, zero_point=-3, **row),
        Slot("hidden", shape, "int8", 8, ring_rows=2, first=0, last=3, **row),
        Slot("output", shape, "int8", 0, ring_rows=4, first=1, last=4, scale=1 / 256, zero_point=-128, **row),
    )
    steps = (Step(0, 0, 2), Step(1, 0, 2), Step(0, 2, 4), Step(1, 2, 4))
    return Plan(
        model="fake",
        title="fake",
        sha256="",
        core="host",
        isas=("scalar",),
        macs=16,
        arena_bytes=16,
        arena_align=4,
        lower_bound=12,
        layers=(_layer("flip", 0, 1), _layer("raise", 1, 2)),
        steps=steps,
        slots=slots,
        constants=(),
        inputs=(0,),
        outputs=(2,),
    )


def _layer(name: str, source: int, target: int) -> Layer:
    return Layer(
        name=name, origin=(name,), op="FAKE", kernel="fake", template="", why="", macs=8, ints={}, fields=(),
        specialise=(), constants={}, inputs=(source,), outputs=(target,), scratch=0, scratch_bytes=0,
        weight_bytes=0, rowwise=True, images=1, rows=4,
    )  # fmt: skip


def reference(inputs) -> dict[str, np.ndarray]:
    """Every tensor of the fake model."""
    bits = inputs[0].view(np.uint8) ^ np.uint8(0x55)
    return {
        "input": inputs[0],
        "hidden": bits.view(np.int8),
        "output": (bits + np.uint8(1)).view(np.int8),
    }


def sample(seed: int = 0) -> list[np.ndarray]:
    """One random sample."""
    return [np.random.default_rng(seed).integers(-128, 128, (1, 4, 2), np.int8)]
