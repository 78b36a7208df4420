"""Tensors of a plan in a board's arena: put, fetched whole, or fetched row by row from rings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import DataError, InternalError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from edgekit.device.link import Session
    from edgekit.plan.plan import Plan, Slot

    Array = NDArray[Any]


def load(session: Session, plan: Plan, inputs: Sequence[Array]) -> None:
    """Put one array per model input into the arena; shapes and types are those of the plan's input slots.

    Raises:
        DataError: if an array does not fit its input; all of them at once.

    """
    if len(inputs) != len(plan.inputs):
        raise DataError(Problem("wrong number of inputs", plan.title, str(len(inputs)), str(len(plan.inputs))))
    slots = [plan.slots[i] for i in plan.inputs]
    wrong = [p for slot, array in zip(slots, inputs, strict=True) if (p := _misfit(slot, array)) is not None]
    if wrong:
        raise DataError(*wrong)
    for slot, array in zip(slots, inputs, strict=True):
        session.write(slot.offset, raw(array))


def outputs(session: Session, plan: Plan) -> list[Array]:
    """The model outputs as they lie in the arena, in the plan's order, shapes and types."""
    return [whole(session, plan.slots[i]) for i in plan.outputs]


def whole(session: Session, slot: Slot) -> Array:
    """A tensor that is held whole."""
    if slot.ring_rows < slot.rows:
        found, allowed = f"{slot.ring_rows} rows", f"{slot.rows}"
        raise InternalError(Problem("the arena does not hold the whole tensor", slot.tensor, found, allowed))
    return np.frombuffer(session.read(slot.offset, slot.bytes), little_endian(slot)).reshape(slot.shape)


def rows(session: Session, slot: Slot, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Rows [begin, end) of every image, fetched from the ring: (byte offset in the whole tensor, bytes).

    At most ``ring_rows`` rows can be told apart, the newest ones; pieces that adjoin are fetched at once.
    """
    if begin == end:
        return
    begin = max(begin, end - slot.ring_rows)
    whole_image, ring = slot.rows * slot.row_bytes, slot.ring_rows * slot.row_bytes
    if slot.ring_rows == slot.rows == end - begin:
        yield 0, session.read(slot.offset, slot.bytes)
        return
    for image in range(slot.images):
        at = begin
        while at < end:
            count = min(end - at, slot.ring_rows - at % slot.ring_rows)
            place = slot.offset + image * ring + at % slot.ring_rows * slot.row_bytes
            yield image * whole_image + at * slot.row_bytes, session.read(place, count * slot.row_bytes)
            at += count


def raw(array: Array) -> bytes:
    """The array's bytes as the device stores them."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def little_endian(slot: Slot) -> np.dtype[Any]:
    """The slot's element type as the device stores it."""
    return np.dtype(slot.dtype).newbyteorder("<")


def _misfit(slot: Slot, array: Array) -> Problem | None:
    if tuple(array.shape) == slot.shape and array.dtype.name == slot.dtype:
        return None
    found, allowed = f"{array.dtype.name} {tuple(array.shape)}", f"{slot.dtype} {slot.shape}"
    return Problem("the data does not fit the input", f"input '{slot.tensor}'", found, allowed)
