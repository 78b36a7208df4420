"""Running, checking and timing a model on the harness with the model of a few bytes."""

import dataclasses
import json

import numpy as np
import pytest
from support.fake_board import InProcess, plan, reference, sample

from edgekit.device import measure
from edgekit.device.link import connect
from edgekit.device.tensors import rows
from edgekit.errors import DataError, InternalError
from edgekit.plan.plan import Slot


@pytest.fixture
def session():
    return connect(InProcess(), plan())


def test_outputs_have_the_plans_shape_and_type(session):
    (output,) = measure.run(session, plan(), sample())
    assert (output.shape, output.dtype) == ((1, 4, 2), np.int8)
    assert np.array_equal(output, reference(sample())["output"])


def test_a_right_model_is_exact_in_every_byte_of_every_layer(session):
    check = measure.verify(session, plan(), reference, [sample(i) for i in range(4)])
    assert check.exact
    assert (check.samples, check.first_divergent, check.missing) == (4, None, ())
    assert check.bytes_compared == 4 * (8 + 8 + 8)
    assert [(t.layer, t.tensor, t.bytes, t.elements) for t in check.layers] == [
        ("flip", "hidden", 32, 32),
        ("raise", "output", 32, 32),
    ]
    assert [t.tensor for t in check.outputs] == ["output"]


def test_a_ring_is_compared_before_later_rows_overwrite_it(session):
    def wrong_early_row(inputs):
        values = {name: value.copy() for name, value in reference(inputs).items()}
        values["hidden"][0, 1, 0] ^= 64
        return values

    check = measure.verify(session, plan(), wrong_early_row, [sample()])
    assert not check.exact
    assert check.first_divergent == "flip"
    assert [(t.mismatches, t.largest) for t in check.layers] == [(1, 64.0), (0, 0.0)]


def test_the_first_divergent_layer_and_the_largest_difference_are_told(session):
    def wrong(inputs):
        values = reference(inputs)
        off = values["output"].astype(int)
        off[0, 3] += np.where(off[0, 3] > 0, -100, 100)
        return values | {"output": off.astype(np.int8)}

    check = measure.verify(session, plan(), wrong, [sample(1), sample(2)])
    assert check.first_divergent == "raise"
    assert check.layers[1].mismatches == 4
    assert check.layers[1].largest == 100.0
    assert check.outputs[0].mismatches == 4


def test_what_the_reference_lacks_is_missing_and_the_rest_not_called_exact(session):
    def half(inputs):
        return {"output": reference(inputs)["output"]}

    check = measure.verify(session, plan(), half, [sample()])
    assert (check.exact, check.missing, check.first_divergent) == (False, ("hidden",), None)


def test_channels_a_pass_removed_are_left_out_of_the_reference(session):
    def wider(inputs):
        values = reference(inputs)
        hidden = np.repeat(values["hidden"], 2, axis=-1)
        hidden[..., ::2] = 99
        return values | {"hidden": hidden}

    slim = plan()
    slots = tuple(dataclasses.replace(s, channels=(1, 3)) if s.tensor == "hidden" else s for s in slim.slots)
    check = measure.verify(session, dataclasses.replace(slim, slots=slots), wider, [sample()])
    assert check.exact


def test_a_reference_of_another_size_is_a_fault_of_ours(session):
    def short(inputs):
        return reference(inputs) | {"hidden": np.zeros(3, np.int8)}

    with pytest.raises(InternalError, match="hidden"):
        measure.verify(session, plan(), short, [sample()])


@pytest.mark.parametrize(
    "inputs",
    [[], [np.zeros((1, 4, 2), np.int8)] * 2, [np.zeros((4, 2), np.int8)], [np.zeros((1, 4, 2), np.uint8)]],
)
def test_inputs_that_do_not_fit_are_refused_before_the_board_sees_them(session, inputs):
    with pytest.raises(DataError):
        measure.run(session, plan(), inputs)


def test_no_samples_verify_nothing(session):
    with pytest.raises(DataError, match="nothing to verify"):
        measure.verify(session, plan(), reference, [])


def test_a_profile_takes_the_timer_off_and_maps_steps_on_layers(session):
    told = []
    result = measure.profile(session, plan(), sample(), runs=70, warmups=2, progress=lambda *a: told.append(a))
    assert (result.how, result.runs, result.cycle_hz, result.timer_overhead) == ("measured", 70, 1_000_000, 7)
    assert (min(result.cycles), result.cycles_median, max(result.cycles)) == (10_000, 10_000, 10_000)
    assert result.latency_us == 10_000
    assert [(c.name, c.op, c.macs, c.cycles) for c in result.layers] == [
        ("flip", "FAKE", 8, 1000 + 3000),
        ("raise", "FAKE", 8, 2000 + 4000),
    ]
    assert result.stack == 123
    assert result.instructions is None
    assert told == [(32, 72), (64, 72), (70, 72), (71, 72), (72, 72)]


@dataclasses.dataclass(frozen=True)
class Number:
    instructions: int
    cycles: int


class Counted:
    """An emulated board's counters, which must be reset just before one inference."""

    def __init__(self, session) -> None:
        self.session, self.calls, self.resets = session, 0, 0
        run = session.run
        session.run = lambda *a: (setattr(self, "calls", self.calls + 1), run(*a))[1]

    def reset_counts(self):
        self.calls = 0

    def counts(self):
        assert self.calls == 1
        regions = {"fake_layer_00": Number(11, 12), "fake_layer_01": Number(21, 22)}
        return type("Counts", (), {"regions": regions, "inside": Number(40, 50), "calls": 1})()


def test_an_emulated_boards_counts_are_put_on_the_layers():
    session = connect(InProcess(), plan())
    result = measure.profile(session, plan(), sample(), runs=1, how="emulated", counter=Counted(session))
    assert result.how == "emulated"
    assert (result.instructions, result.counted_cycles) == (40, 50)
    assert [(c.instructions, c.counted_cycles) for c in result.layers] == [(11, 12), (21, 22)]


def test_results_are_plain_json(session):
    check = measure.verify(session, plan(), reference, [sample()])
    result = measure.profile(session, plan(), sample(), runs=1)
    assert json.loads(json.dumps(check.to_dict()))["exact"] is True
    assert json.loads(json.dumps(result.to_dict()))["latency_us"] == 10_000


class Arena:
    """Reads of a session, from bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, offset: int, size: int) -> bytes:
        assert offset + size <= len(self.data)
        return self.data[offset : offset + size]


@pytest.mark.parametrize("ring", [3, 5, 7])
@pytest.mark.parametrize("band", [1, 2, 3, 7])
def test_rows_of_a_batch_are_fetched_from_where_the_ring_keeps_them(ring, band):
    images, count, size = 2, 7, 3
    whole = np.arange(images * count * size, dtype=np.uint8).reshape(images, count, size)
    slot = Slot("t", (2, 7, 3), "int8", 5, images, count, ring, size, 0, 1)
    arena = np.full(5 + images * ring * size, 255, np.uint8)
    kept = arena[5:].reshape(images, ring, size)
    found = np.full(whole.size, 255, np.uint8)
    for begin in range(0, count, band):
        end = min(begin + band, count)
        for row in range(begin, end):
            kept[:, row % ring] = whole[:, row]
        for offset, data in rows(Arena(arena.tobytes()), slot, begin, end):
            found[offset : offset + len(data)] = np.frombuffer(data, np.uint8)
    lost = max(0, band - ring)
    assert (found == 255).sum() == images * lost * size
    assert np.array_equal(found[found != 255], whole.reshape(-1)[found != 255])
