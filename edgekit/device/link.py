"""The binary half of the link: requests to the bench harness and its checked replies.

The device's twin, with the table of messages, is ``firmware/include/ek/messages.h``. One request is under way at a
time. A request that gets no whole reply is sent again with the same sequence number, and the device does nothing
twice; so a line that loses, doubles, flips or delays bytes costs time only. A board that restarts knows no session and
says so; its start-up text tells it sooner than a time-out. Nothing the device says is believed unseen: CRC,
sequence, nonce, sizes, and against a plan the model, its build and its inputs and outputs.
"""

from __future__ import annotations

import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from edgekit.device.frames import REPLY_MAX, Frame, Reader, encode
from edgekit.device.transport import Stream
from edgekit.errors import LinkError, Problem
from edgekit.plan.plan import Plan, Slot

PROTOCOL_VERSION = 1
HELLO, IO, WRITE, READ, RUN, STEP, STACK, TRIGGER, RESET, STEPS, WINDOW = range(1, 12)
REPLY_BIT = 0x80
ERROR = 0xFF
RUNS_MAX = 32
"""Runs, and warm-ups, of one RUN request; steps of one STEPS."""
WINDOW_MAX = 1_000_000
"""Runs of one WINDOW request."""

Progress = Callable[[int, int], None]
"""Called with what is done and the whole, in the unit the function names."""

_CRC, _TYPE, _PAYLOAD, _RANGE, _SEQUENCE, _SESSION = range(1, 7)
_REASONS = {
    _TYPE: "the board does not know this request",
    _PAYLOAD: "the board does not take a request of this size",
    _RANGE: "the request lies outside what the board has",
    _SEQUENCE: "another program talks to the board at the same time",
}
_WORDS = ("HELLO", "IO", "WRITE", "READ", "RUN", "STEP", "STACK", "TRIGGER", "RESET", "STEPS", "WINDOW")
_NAMES = dict(enumerate(_WORDS, HELLO))
_INFO = struct.Struct("<BBHHBBIIIIII")
_IO = struct.Struct("<IIIfi")
_FAULT = struct.Struct("<BI")
_OFFSET_BYTES = 4
_BOOTED = b"m-init-done"
"""In the text of the firmware's start; the framed link never carries it."""
_DTYPES = ("int8", "uint8", "int16", "int32", "float32", "int64", "bool")


@dataclass(frozen=True)
class TensorInfo:
    """A model input or output as the device describes it; ``offset`` and ``bytes`` in its arena."""

    offset: int
    bytes: int
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Info:
    """What the device says of itself; ``timer_overhead`` is the cycles of two readings with nothing between."""

    model: str
    task: str
    build_id: str
    energy_mode: bool
    request_max: int
    reply_max: int
    arena_bytes: int
    step_count: int
    cycle_hz: int
    timer_overhead: int
    sample_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclass(frozen=True)
class Quiet:
    """A window of ``runs`` inferences with nothing between them, by the board's clock.

    ``copied``: the model writes over its inputs, so copying them before each run is part of the window.
    """

    runs: int
    elapsed_us: int
    copied: bool


@dataclass(frozen=True)
class Patience:
    """How long to wait. ``idle_s``: for the next byte of an answer; ``work_s``: for one inference to end.

    ``frame_s``: for the rest of an answer that has begun, however it trickles.
    """

    idle_s: float = 1.0
    work_s: float = 60.0
    tries: int = 5
    frame_s: float = 30.0


class Session:
    """A conversation with one board; made by ``connect``, closed by ``close`` or ``with``."""

    def __init__(self, stream: Stream, patience: Patience | None = None) -> None:
        """Say hello.

        Raises:
            LinkError: if no edgekit firmware answers, or if it contradicts itself.
            PortError: if the port vanishes.
        """
        self._stream = stream
        self._patience = patience or Patience()
        self._reader = Reader()
        self._heard = 0
        self._open = False
        self._restarted = False
        nonce = secrets.randbits(32)
        self._sequence = nonce % 256  # so that the requests of another session are not taken for repetitions
        reply = self._request(HELLO, struct.pack("<I", nonce))
        head, rest = self._info(reply, nonce)
        self._open = True
        self.info = Info(
            *rest,
            energy_mode=bool(head[1] & 1),
            request_max=head[2],
            reply_max=head[3],
            arena_bytes=head[7],
            step_count=head[8],
            cycle_hz=head[9],
            timer_overhead=head[10],
            sample_bytes=head[11],
            inputs=tuple(self._tensor(0, i, head[7]) for i in range(head[4])),
            outputs=tuple(self._tensor(1, i, head[7]) for i in range(head[5])),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> str:
        """The name of the port, for messages."""
        return self._stream.name

    def close(self) -> None:
        """Give the port back."""
        self._stream.close()

    def write(self, offset: int, data: bytes) -> None:
        """Put ``data`` into the arena at ``offset``."""
        piece = self.info.request_max - _OFFSET_BYTES
        for at in range(0, len(data), piece):
            self._empty(WRITE, struct.pack("<I", offset + at) + data[at : at + piece])

    def read(self, offset: int, size: int) -> bytes:
        """``size`` bytes of the arena from ``offset``."""
        pieces: list[bytes] = []
        for at in range(0, size, self.info.reply_max):
            count = min(self.info.reply_max, size - at)
            pieces.append(self._exact(READ, struct.pack("<IH", offset + at, count), count))
        return b"".join(pieces)

    def run(self, runs: int = 1, warmups: int = 0) -> tuple[int, ...]:
        """Cycles of each of 1 to 32 whole inferences after 0 to 32 warm-ups, timer overhead included.

        Every run starts from the inputs that lie in the arena when the request arrives; the outputs of the last
        can be read afterwards.
        """
        payload = struct.pack("<HH", runs, warmups)
        wait = self._patience.work_s * (runs + warmups)
        return struct.unpack(f"<{runs}I", self._exact(RUN, payload, 4 * runs, wait))

    def step(self, index: int) -> int:
        """Do one step of the plan; its cycles, timer overhead included."""
        (cycles,) = struct.unpack("<I", self._exact(STEP, struct.pack("<I", index), 4, self._patience.work_s))
        return cycles

    def steps(self, first: int, count: int) -> tuple[int, ...]:
        """Do 1 to 32 steps of the plan one after another; cycles of each, timer overhead included."""
        payload = struct.pack("<IH", first, count)
        return struct.unpack(f"<{count}I", self._exact(STEPS, payload, 4 * count, self._patience.work_s * count))

    def window(self, runs: int, warmups: int = 0, expected_s: float = 0.0) -> Quiet:
        """Do up to a million inferences while the trigger pin is low and the line silent, after 0 to 32 warm-ups.

        ``expected_s``: how long that should take; a board that takes thrice as long, and more, is given up.
        """
        wait = self._patience.work_s + 3 * expected_s
        reply = self._exact(WINDOW, struct.pack("<IH", runs, warmups), 8, wait)
        elapsed, copied = struct.unpack("<II", reply)
        return Quiet(runs, elapsed, bool(copied))

    def stack(self) -> int:
        """Do one inference; the stack bytes it used."""
        (used,) = struct.unpack("<I", self._exact(STACK, b"", 4, self._patience.work_s))
        return used

    def trigger(self, level: int) -> None:
        """Set the pin that gates an energy meter."""
        self._empty(TRIGGER, bytes([level]))

    def reset(self) -> None:
        """Restart the board; this session ends with it."""
        self._empty(RESET, b"")

    def _info(self, reply: bytes, nonce: int) -> tuple[tuple[int, ...], list[str]]:
        strings: list[str] = []
        at = _INFO.size
        while at < len(reply) and at + 1 + reply[at] <= len(reply):
            strings.append(reply[at + 1 : at + 1 + reply[at]].decode("ascii", "replace"))
            at += 1 + reply[at]
        if reply and reply[0] != PROTOCOL_VERSION:
            found, allowed = f"protocol version {reply[0]}", str(PROTOCOL_VERSION)
            hint = "Build and flash the firmware with this edgekit."
            raise LinkError(Problem("the firmware is of another edgekit", self.port, found, allowed, hint))
        if len(strings) != len(("model", "task", "build id")) or at != len(reply):
            raise self._nonsense("HELLO", f"{len(reply)} bytes")
        head = _INFO.unpack_from(reply)
        if head[6] != nonce or head[2] <= _OFFSET_BYTES or not 0 < head[3] <= REPLY_MAX or head[9] == 0:
            raise self._nonsense("HELLO", f"nonce {head[6]:#x}, limits {head[2]} and {head[3]}, {head[9]} Hz")
        return head, strings

    def _tensor(self, output: int, index: int, arena_bytes: int) -> TensorInfo:
        fields: tuple[int, int, int, float, int] = _IO.unpack(self._exact(IO, bytes([output, index]), _IO.size))
        offset, size, dtype, scale, zero = fields
        if offset + size > arena_bytes or dtype >= len(_DTYPES):
            raise self._nonsense("IO", f"{size} bytes at {offset} of an arena of {arena_bytes}, dtype {dtype}")
        return TensorInfo(offset, size, _DTYPES[dtype], scale, zero)

    def _empty(self, kind: int, payload: bytes) -> None:
        self._exact(kind, payload, 0)

    def _exact(self, kind: int, payload: bytes, size: int, wait_s: float = 0.0) -> bytes:
        reply = self._request(kind, payload, wait_s)
        if len(reply) != size:
            raise self._nonsense(_NAMES.get(kind, str(kind)), f"{len(reply)} bytes instead of {size}")
        return reply

    def _request(self, kind: int, payload: bytes, wait_s: float = 0.0) -> bytes:
        """The payload of the device's reply, after as many tries as it takes."""
        self._sequence = (self._sequence + 1) % 256
        line = encode(Frame(kind, self._sequence, payload))
        self._reader.text.clear()
        for _ in range(self._patience.tries):
            self._stream.write(line)
            reply = self._await(kind, max(wait_s, self._patience.idle_s))
            if reply is not None:
                return reply
        raise self._failure(_NAMES.get(kind, str(kind)))

    def _await(self, kind: int, first_s: float) -> bytes | None:
        """The reply to the request under way, or None when it has to be sent again.

        ``first_s`` is the patience until the answer begins. Only a frame under way gets more, and not for ever; so a
        device that babbles cannot keep the host.
        """
        end = time.monotonic() + first_s
        last = end + self._patience.frame_s
        damaged = self._reader.garbled
        while (left := end - time.monotonic()) > 0:
            data = self._stream.read(left)
            if not data:
                return None
            self._heard += len(data)
            for frame in self._reader.push(data):
                if frame.kind == ERROR:
                    if self._may_repeat(frame):
                        return None
                elif frame.sequence == self._sequence and frame.kind == kind | REPLY_BIT:
                    return frame.payload
            if self._open and _BOOTED in self._reader.text:
                self._reader.text.clear()
                self._restarted = True
                return None  # nobody works on the request any more; asked again, the board says why
            if self._reader.garbled > damaged:
                return None
            if self._reader.inside:
                end = min(max(end, time.monotonic() + self._patience.idle_s), last)
        return None

    def _may_repeat(self, frame: Frame) -> bool:
        """Whether the error asks for the request again; False if it answers an earlier one. Raises the others."""
        code, detail = _FAULT.unpack(frame.payload) if len(frame.payload) == _FAULT.size else (0, 0)
        if code == _CRC:
            return True
        if frame.sequence != self._sequence:
            return False
        if code == _SESSION:
            raise self._restart(f"error {code}")
        what = _REASONS.get(code, "the board refuses the request")
        hint = "Connect again; if it happens again, the firmware is not the one that was built here."
        raise LinkError(Problem(what, self.port, f"error {code}, {detail}", hint=hint))

    def _nonsense(self, request: str, found: str) -> LinkError:
        hint = "Build and flash the firmware again; if it stays, report it."
        return LinkError(Problem(f"the board's answer to {request} makes no sense", self.port, found, hint=hint))

    def _restart(self, found: str) -> LinkError:
        hint = "Look for a loose cable, weak power or a fault in the firmware, then begin again."
        return LinkError(Problem("the board restarted in the middle of the work", self.port, found, hint=hint))

    def _failure(self, request: str) -> LinkError:
        if self._restarted:
            return self._restart("its start-up text")
        if self._open and not self._reader.garbled:
            hint = "It hangs, lost its power or was unplugged: reset it and begin again."
            return LinkError(Problem(f"the board does not answer any more ({request})", self.port, hint=hint))
        text = bytes(self._reader.text)
        if not self._heard:
            hint = "Is the right port chosen, the board powered and edgekit's firmware on it? Press its reset button."
            return LinkError(Problem(f"the board is silent ({request})", self.port, hint=hint))
        if self._reader.garbled:
            hint = "Check cable, baud rate and that no other program uses the port."
            found = f"{self._reader.garbled} damaged frames"
            return LinkError(Problem(f"the line is garbled ({request})", self.port, found, hint=hint))
        hint = "Flash edgekit's firmware, or choose the port of the board that has it."
        shown = repr(text[-60:].decode("ascii", "replace")) if text else "nothing that answers the request"
        return LinkError(Problem(f"what answers is not edgekit's firmware ({request})", self.port, shown, hint=hint))


def connect(stream: Stream, plan: Plan | None = None, build_id: str = "", patience: Patience | None = None) -> Session:
    """A session with the board behind ``stream``, which is closed if that fails.

    With a plan, and a build id if given, the firmware must be the one that was built from it.

    Raises:
        LinkError: if the board is silent, garbled, or runs another firmware; all differences at once.
        PortError: if the port vanishes.
    """
    try:
        session = Session(stream, patience)
        if plan is not None:
            _check(session, plan, build_id)
    except BaseException:
        stream.close()
        raise
    return session


def _check(session: Session, plan: Plan, build_id: str) -> None:
    info, port = session.info, session.port
    pairs: list[tuple[str, object, object]] = [
        ("model", info.model, plan.model[:63]),
        ("arena bytes", info.arena_bytes, plan.arena_bytes),
        ("steps", info.step_count, len(plan.steps)),
        ("inputs", [_told(t) for t in info.inputs], [_planned(plan.slots[i]) for i in plan.inputs]),
        ("outputs", [_told(t) for t in info.outputs], [_planned(plan.slots[i]) for i in plan.outputs]),
    ]
    if build_id:
        pairs.insert(1, ("build id", info.build_id, build_id))
    hint = "Flash it: edgekit flash MODEL --board BOARD; or choose the port of the board that has it."
    wrong = [
        Problem(f"the firmware's {what} differs from the plan", port, str(found), str(allowed))
        for what, found, allowed in pairs
        if found != allowed
    ]
    if wrong:
        raise LinkError(Problem("the board runs another image", port, hint=hint), *wrong)


def _told(tensor: TensorInfo) -> tuple[int, int, str]:
    return tensor.offset, tensor.bytes, tensor.dtype


def _planned(slot: Slot) -> tuple[int, int, str]:
    return slot.offset, slot.bytes, slot.dtype
