"""The arena: no two blocks alive together overlap, and the layout is near the lower bound."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.plan.arena import Block, during, lay_out, lower_bound

blocks = st.lists(
    st.builds(
        Block,
        st.integers(0, 5000),
        st.one_of(
            st.builds(lambda first, length: during(first, first + length), st.integers(0, 12), st.integers(0, 6)),
            st.integers(0, 1 << 18),
        ),
        st.sampled_from([4, 8, 16, 64]),
    ),
    max_size=14,
)


@given(blocks)
@settings(max_examples=150)
def test_no_two_blocks_alive_together_overlap(case):
    layout = lay_out(case)
    placed = [(o, o + b.size, b) for o, b in zip(layout.offsets, case, strict=True)]
    for (begin_a, end_a, a), (begin_b, end_b, b) in itertools.combinations(placed, 2):
        if a.meets(b) and a.size and b.size:
            assert end_a <= begin_b or end_b <= begin_a


@given(blocks)
@settings(max_examples=150)
def test_every_block_is_aligned_and_inside_the_arena(case):
    layout = lay_out(case)
    for offset, block in zip(layout.offsets, case, strict=True):
        assert offset % block.align == 0
        assert 0 <= offset <= layout.size - block.size


@given(blocks)
@settings(max_examples=100)
def test_the_size_is_never_below_the_bound_for_byte_aligned_blocks(case):
    unaligned = [Block(b.size, b.alive, 1) for b in case]
    assert lay_out(unaligned).size >= lower_bound(unaligned)


@given(blocks)
@settings(max_examples=30)
def test_the_same_blocks_always_get_the_same_layout(case):
    assert lay_out(case) == lay_out(case)


@given(blocks, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_blocks_that_may_come_closer_are_as_far_apart_as_they_must(case, random):
    closer = {(i, j): random.randint(-50, b.size) for i, b in enumerate(case) for j in range(len(case)) if i != j}
    layout = lay_out(case, closer=closer)
    for (i, a), (j, b) in itertools.combinations(enumerate(case), 2):
        if a.meets(b):
            apart = layout.offsets[j] - layout.offsets[i]
            assert apart >= closer[i, j] or -apart >= closer[j, i]


def test_a_chain_of_two_buffers_reaches_the_lower_bound():
    chain = [Block(100, during(0, 1)), Block(60, during(1, 2)), Block(100, during(2, 3)), Block(40, during(3, 4))]
    assert lay_out(chain, lower_bound(chain)).size == lower_bound(chain) == 160


def test_local_search_beats_plain_greedy_on_a_known_hard_case():
    spans = ((40, 0, 2), (60, 1, 3), (40, 3, 5), (100, 4, 6), (60, 5, 7))
    hard = [Block(size, during(first, last)) for size, first, last in spans]
    assert lay_out(hard).size == lower_bound(hard)
