"""Medians, percentiles and rounding of the benchmarks."""

import pytest
from bench.effort import burst
from bench.statistic import percentile, significant, summarise
from hypothesis import given
from hypothesis import strategies as st

SAMPLES = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=50)


def test_summary_tells_median_extremes_and_count():
    """A summary of an odd number of samples has the middle one as its median."""
    summary = summarise([3.0, 1.0, 9.0])
    assert (summary.median, summary.least, summary.most, summary.runs) == (3.0, 1.0, 9.0, 3)


def test_summary_of_nothing_is_nothing():
    """What was not measured has no summary, rather than a zero that could be printed."""
    assert summarise([]) is None


@pytest.mark.parametrize(
    ("share", "expected"), [(0, 1), (0.01, 1), (0.25, 1), (0.5, 2), (0.51, 3), (0.75, 3), (0.99, 4), (1, 4)]
)
def test_percentile_is_a_sample(share, expected):
    """The nearest rank counts, so a percentile is always something that happened."""
    assert percentile([4, 1, 3, 2], share) == expected


@given(samples=SAMPLES, share=st.floats(min_value=0, max_value=1))
def test_percentile_is_exceeded_by_no_more_than_the_rest(samples, share):
    """At most the share above a percentile is above it."""
    limit = percentile(samples, share)
    above = sum(sample > limit for sample in samples)
    assert above <= (1 - share) * len(samples) + 1e-6


@pytest.mark.parametrize(("samples", "share"), [([], 0.5), ([1], -0.1), ([1], 1.1)])
def test_percentile_refuses_what_has_none(samples, share):
    """Without samples, or with a share that is none, there is no percentile."""
    with pytest.raises(ValueError, match="percentile"):
        percentile(samples, share)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0), (123456, 123500), (0.000123456, 0.0001235), (9.9999, 10.0), (-1.23456, -1.235)]
)
def test_significant_keeps_four_digits(value, expected):
    """Kept figures have four significant digits, whatever their size."""
    assert significant(value) == pytest.approx(expected, rel=1e-12)


def test_burst_counts_up_from_its_first_number():
    """A burst calls its work with numbers that never repeat, at least three times."""
    seen = []
    done = burst(seen.append, seconds=0, first=40)
    assert seen == [40, 41, 42]
    assert done.count == 3
    assert done.rate == pytest.approx(3 / done.seconds)
    assert 0 <= done.p50_ms <= done.p99_ms
