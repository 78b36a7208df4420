"""Packers of the DSP kernels; firmware/include/ek/dsp.h describes their formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from edgekit.errors import InternalError, Problem
from edgekit.ir.graph import Array
from edgekit.ops import accumulators
from edgekit.plan.pack.addition import HALF, contributions
from edgekit.plan.pack.registry import packer

_QUAD = 4


class _Record(NamedTuple):
    """Requantisation of a channel: multiplier / 2**31 / 2**shift, the shift at least 1."""

    multiplier: int
    shift: int


@packer
def dsp_stream(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Channel pairs of an OHWI filter for ``ek_dsp_block``: uint32.

    Per pair two biases, a word per two taps, multiplier, both shifts less one, multiplier. The taps of a filter row
    (or, with dilation_w > 1, of a filter column) are padded with zeros to whole groups of four.
    """
    out_c, kh, kw, in_c = arrays["filter"].shape
    rows = (out_c, kh, kw * in_c) if ints["dilation_w"] == 1 else (out_c, kh * kw, in_c)
    filters = _padded(arrays["filter"].reshape(rows)).reshape(out_c, -1)
    return _pair_stream(filters, arrays, ints)


@packer
def dsp_stream_3x3x3(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """``dsp_stream`` of an OHWI filter of 3x3 taps of three channels, for ``ek_dsp_fill_3x3x3``: uint32.

    The taps are the first eight of each row, then the three ninth ones and a zero.
    """
    rows = arrays["filter"].reshape(-1, 3, 9)
    filters = np.concatenate([rows[:, :, :8].reshape(len(rows), 24), rows[:, :, 8]], axis=1)
    return _pair_stream(_padded(filters), arrays, ints)


@packer
def dsp_winograd(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Channel pairs of an OHWI filter of 3x3 taps for ``ek_dsp_winograd_4``: uint32.

    Per pair and position of the transformed 4x4 tile, a word of two input channels for each of the two (channels 0 and
    2, then 1 and 3 of every four); then four times the bias, multiplier and shift less one of each. The transform is G
    over the rows and 2G over the columns, G without its halves: weights of nine taps add up to at most 1152.
    """
    out_c, _, _, in_c = arrays["filter"].shape
    weights, bias, records = _folded(arrays["filter"].reshape(out_c, -1), arrays, ints)
    bias = bias + 128 * weights.sum(axis=1)
    rows = np.array([[1, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 1]])
    columns = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])
    moved = np.einsum("rf,cg,ofgi->orci", rows, columns, weights.reshape(out_c, 3, 3, in_c)) & 0xFFFF
    quads = moved.reshape(out_c // 2, 2, 16, in_c // _QUAD, _QUAD)
    words = quads[..., :2] | (quads[..., 2:] << 16)
    stream = np.moveaxis(words.reshape(out_c // 2, 2, -1), 1, 2).reshape(out_c // 2, -1)
    tails = np.array([[4 * b, m, s - 1] for b, (m, s) in zip(bias, records, strict=True)]).reshape(out_c // 2, 6)
    return _words(np.concatenate([stream, tails], axis=1).reshape(-1))


@packer
def dsp_quad_stream(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Groups of four outputs of a fully connected filter (OC, IC) for ``ek_dsp_row``: uint32.

    Per group four biases, then for every four features a word of taps 0 and 2 and one of taps 1 and 3 of the first
    pair and the same of the second, then two multipliers, the four shifts less one, two multipliers.
    """
    pairs = list(_pairs(_padded(arrays["filter"]), arrays, ints, multiple=4))
    groups: list[Array] = []
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        words = np.stack([first[1].reshape(-1, 2), second[1].reshape(-1, 2)], axis=1).reshape(-1)
        groups.append(np.concatenate([first[0], second[0], words, _requantisation(first[2] + second[2])]))
    return np.concatenate(groups)


@packer
def dsp_taps_stream(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Groups of four channels of a depthwise filter (KH,KW,OC) for ``ek_dsp_taps_4``: uint32.

    Per group four biases, a word (doubled weights of two taps) per pair of taps and channel, then two multipliers, the
    four shifts less one, two multipliers. If the channels are no multiple of four, a last group repeats some: it
    holds the last four.
    """
    weights, bias, records = _depthwise(arrays, ints)
    channels, taps = weights.shape
    halves = np.pad(weights, ((0, 0), (0, taps % 2))) * 2 & 0xFFFF
    words = halves[:, ::2] | (halves[:, 1::2] << 16)
    groups: list[Array] = []
    for start in _fours(channels):
        four = slice(start, start + 4)
        groups += [_words(bias[four] * 2), _words(words[four].T.reshape(-1)), _requantisation(records[four])]
    return np.concatenate(groups)


@packer
def dsp_span_stream(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Groups of four channels of a 3x3 depthwise filter (KH,KW,OC) for ``ek_dsp_span_2``: uint32.

    Per group four biases; per filter row the doubled (w0, w1) of each channel, then (w1, w2) of each; two multipliers,
    the four shifts less one, two multipliers. The last group is as in ``dsp_taps_stream``.
    """
    weights, bias, records = _depthwise(arrays, ints)
    halves = weights.reshape(-1, 3, 3) * 2 & 0xFFFF
    words = halves[:, :, :2] | (halves[:, :, 1:] << 16)
    groups: list[Array] = []
    for start in _fours(len(weights)):
        four = slice(start, start + 4)
        taps = np.moveaxis(words[four], 0, 2).reshape(-1)
        groups += [_words(bias[four] * 2), _words(taps), _requantisation(records[four])]
    return np.concatenate(groups)


@packer
def dsp_planes(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Five words per channel of a 3x3 depthwise filter (KH,KW,OC) for the planes of ek/dsp_depthwise.h: uint32.

    A word (w0, w1, w1, w2) per filter row, in the last one the shift less one in place of the second w1, then twice the
    bias and the multiplier.
    """
    weights, bias, records = _depthwise(arrays, ints)
    rows = weights.reshape(-1, 3, 3)[:, :, [0, 1, 1, 2]] & 0xFF
    rows[:, 2, 2] = [shift - 1 for _, shift in records]
    words = (rows << np.array([0, 8, 16, 24])).sum(axis=2)
    multipliers = np.array([multiplier for multiplier, _ in records])
    return _words(np.stack([*words.T, 2 * bias, multipliers], axis=1).reshape(-1))


@packer
def dsp_add_table(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    """Twice what the finer operand of an addition contributes, by its byte: int32, 256 entries; see addition."""
    del arrays
    return (2 * contributions(ints)).astype(np.int32)


def _fours(channels: int) -> list[int]:
    """Where groups of four channels begin, the last one further to the left if it has to be."""
    return [*range(0, channels - 3, 4), *([channels - 4] if channels % 4 else [])]


def _depthwise(arrays: Mapping[str, Array], ints: Mapping[str, int]) -> tuple[Array, Array, list[_Record]]:
    """Weights (channels, taps), biases and records of a depthwise filter for inputs as they are."""
    filters = np.moveaxis(arrays["filter"], -1, 0).reshape(arrays["filter"].shape[-1], -1)
    weights, bias, records = _folded(filters, arrays, ints)
    return weights, bias + 128 * weights.sum(axis=1), records


def _pair_stream(filters: Array, arrays: Mapping[str, Array], ints: Mapping[str, int]) -> Array:
    parts = [(biases, words, _requantisation(both)) for biases, words, both in _pairs(filters, arrays, ints)]
    return np.concatenate([part for pair in parts for part in pair])


def _requantisation(records: list[_Record]) -> Array:
    """Words that scale two or four channels: one or two multipliers, the shifts less one as bytes, the others."""
    multipliers = [multiplier for multiplier, _ in records]
    shifts = sum((shift - 1) << (8 * i) for i, (_, shift) in enumerate(records))
    half = len(records) // 2
    return _words(np.array([*multipliers[:half], shifts, *multipliers[half:]], np.int64))


def _padded(filters: Array) -> Array:
    """Zeros after the last axis up to a multiple of four."""
    missing = -filters.shape[-1] % _QUAD
    return np.pad(filters, [(0, 0)] * (filters.ndim - 1) + [(0, missing)])


def _pairs(
    filters: Array, arrays: Mapping[str, Array], ints: Mapping[str, int], multiple: int = 2
) -> list[tuple[Array, Array, list[_Record]]]:
    """Biases, words and requantisation of each pair of channels of ``filters`` (channels, taps)."""
    weights, bias, records = _folded(filters, arrays, ints)
    missing = -len(weights) % multiple
    weights = np.pad(weights, ((0, missing), (0, 0)))
    bias = np.pad(bias, (0, missing))
    records += [_Record(0, 1)] * missing
    result: list[tuple[Array, Array, list[_Record]]] = []
    for even in range(0, len(weights), 2):
        odd = even + 1
        both = 256 * bias[odd] + bias[even] if ints["packable"] else bias[odd]
        biases = _words(np.array([2 * bias[even], 2 * both]))
        words = _tap_words(weights[even], weights[odd], packed=bool(ints["packable"]))
        result.append((biases, words, records[even : even + 2]))
    return result


def _tap_words(even: Array, odd: Array, *, packed: bool) -> Array:
    """A word per two taps (0 and 2, 1 and 3 of each four): 16-bit halves 256 * odd + even, or both as bytes."""
    halves = 256 * odd + (even if packed else even & 0xFF)
    if halves.size and (halves.min() < -(1 << 15) or halves.max() >= 1 << 15):
        raise InternalError(Problem("a pair of weights does not fit 16 bits", found=str(int(halves.min()))))
    quads = halves.reshape(-1, _QUAD) & 0xFFFF
    return _words((quads[:, :2] | (quads[:, 2:] << 16)).reshape(-1))


def _folded(filters: Array, arrays: Mapping[str, Array], ints: Mapping[str, int]) -> tuple[Array, Array, list[_Record]]:
    """Weights, biases for inputs x + 128, and requantisation per channel.

    A channel that is constant has no weights; its bias is four times the distance of its value from the zero point and
    is divided by four again.
    """
    out = (ints["out_zp"], ints["act_min"], ints["act_max"])
    multiplier, shift = arrays["multiplier"].astype(np.int64), arrays["shift"].astype(np.int64)
    facts = accumulators.channels(filters, arrays["bias"], multiplier, shift, in_zp=ints["in_zp"], out=out)
    live = ~facts.fixed
    weights = np.where(live[:, None], filters.astype(np.int64), 0)
    folded = arrays["bias"].astype(np.int64) - (128 + ints["in_zp"]) * weights.sum(axis=1)
    bias = np.where(live, folded, 4 * (facts.value - ints["out_zp"]))
    scales = zip(np.where(live, multiplier, HALF), np.where(live, -shift, 1), strict=True)
    return weights, bias, [_Record(int(m), int(s)) for m, s in scales]


def _words(values: Array) -> Array:
    return (values & 0xFFFFFFFF).astype(np.uint32)
