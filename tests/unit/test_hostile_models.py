"""Damaged and hostile .tflite files: each is read or refused with a clear error, quickly and in little memory."""

from __future__ import annotations

import resource
import signal
import time

import pytest
from support import need, nets
from support.mutate import mutate

from edgekit.board import Memory, Target
from edgekit.errors import EdgekitError, ModelError
from edgekit.frontends import tflite as reader
from edgekit.frontends import tflite_writer as writer
from edgekit.plan import make

SECONDS = 5
KIBIBYTES = 512 * 1024
BATCH = 100
HOST = Target("host", (Memory("ram", "ram", 0, 1 << 31),), 1_000_000_000)


@pytest.fixture
def alarm():
    """Turn a hang into a failure."""

    def ring(*_):
        pytest.fail(f"a file took longer than {SECONDS} s")

    previous = signal.signal(signal.SIGALRM, ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, previous)


def survive(files):
    """How many of ``files`` are refused; fails if one crashes, hangs or eats memory."""
    refused: list[EdgekitError] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for data in files:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            make.make(reader.read(data), HOST)
        except EdgekitError as error:
            refused.append(error)
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KIBIBYTES
    assert all(error.exit_code == 1 and str(error) for error in refused)
    return len(refused)


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("batch", range(10))
def test_a_thousand_damaged_files_are_read_or_refused(batch):
    pair = [writer.write(nets.residual_net()), writer.write(nets.two_headed_net())]
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    refused = survive(mutate(pair[seed % 2], pair[1 - seed % 2], seed) for seed in seeds)
    assert BATCH // 3 < refused < BATCH, "the damage is neither harmless nor always fatal"


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("name", nets.REFERENCE_MODELS)
def test_damaged_real_models_are_read_or_refused(name):
    data = need.model(name).read_bytes()
    assert survive(mutate(data, data, 1_000_000 + seed) for seed in range(60))


@pytest.mark.parametrize("size", [0, 1, 7, 8, 12, 64])
def test_a_file_cut_off_early_is_refused(size):
    data = writer.write(nets.two_headed_net())
    with pytest.raises(ModelError):
        reader.read(data[:size])


def test_every_cut_of_a_small_file_is_read_or_refused():
    data = writer.write(nets.two_headed_net())
    started = time.perf_counter()
    for size in range(0, len(data), 3):
        try:
            reader.read(data[:size])
        except ModelError:
            continue
    assert time.perf_counter() - started < 20
