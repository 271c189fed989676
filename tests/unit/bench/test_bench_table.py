"""The table of the benchmarks, and the record it is made from."""

import pytest
from bench import table
from bench.metric import METRICS, Better, Metric
from bench.record import Record
from bench.statistic import summarise

RATE = Metric(key="apdu.rate", label="round trips", unit="/s", better=Better.HIGHER, target=100)
TIME = Metric(key="start.answer", label="start", unit="s", better=Better.LOWER, target=0.3)


def test_rows_have_keys_of_their_own():
    """No two rows of the table share a key."""
    assert len({metric.key for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize(("metric", "expected"), [(RATE, 2.0), (TIME, 0.5)])
def test_ratio_above_one_is_better(metric, expected):
    """Twice the rate is twice as good, twice the time half as good."""
    assert metric.ratio(summarise([20.0]), summarise([10.0])) == expected


@pytest.mark.parametrize(("ours", "other"), [([], [1.0]), ([1.0], []), ([0.0], [1.0]), ([1.0], [0.0])])
def test_ratio_of_what_is_not_there_is_none(ours, other):
    """Without two figures above zero there is no ratio."""
    assert RATE.ratio(summarise(ours), summarise(other)) is None


@pytest.mark.parametrize(
    ("metric", "value", "expected"), [(RATE, 100, True), (RATE, 99.9, False), (TIME, 0.3, True), (TIME, 0.301, False)]
)
def test_target_is_met_at_its_value(metric, value, expected):
    """A target is kept when the median reaches it, on the side that is good."""
    assert metric.is_met(summarise([value])) is expected


def test_target_without_figure_is_neither_met_nor_missed():
    """What was not measured did not miss its target."""
    assert RATE.is_met(None) is None


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(18217, "/s", "18,217/s"), (258.4, "/s", "258/s"), (56.44, "MiB", "56.4 MiB"), (3.376, "ms", "3.38 ms")],
)
def test_number_has_three_digits_and_its_unit(value, unit, expected):
    """Figures are printed with three significant digits and thousands apart."""
    assert table.number(value, unit) == expected


def test_record_refuses_rows_that_the_table_lacks():
    """A probe that misspells its row is told, instead of its figures being lost."""
    with pytest.raises(KeyError, match=r"apdu\.speed"):
        Record().add("ours", "apdu.speed", 1.0)
    with pytest.raises(KeyError, match="theirs"):
        Record().add("theirs", "apdu.rate", 1.0)


def test_only_what_was_measured_is_in_the_table():
    """Rows without any figure are left out; columns without one hold a dash."""
    record = Record()
    record.add("ours", "apdu.rate", 8000.0)
    rows = table.rows(record)
    assert [row[1:] for row in rows] == [("–", "8,000/s", "–", "≥ 7,000/s met", "–")]


def test_row_compares_with_the_peer_and_the_limit():
    """A row shows the medians of all columns, the ratio to Speculos, and a missed target as such."""
    record = Record()
    for column, values in (("speculos", [1000.0, 3500.0, 9000.0]), ("ours", [6999.0]), ("limit", [50000.0])):
        for value in values:
            record.add(column, "apdu.rate", value)
    assert table.rows(record)[0][1:] == ("3,500/s", "6,999/s", "×2", "≥ 7,000/s MISSED", "50,000/s")


def test_plain_table_lines_its_columns_up():
    """Without a terminal every column ends at the same place in every line."""
    record = Record()
    record.add("ours", "apdu.rate", 8000.0)
    record.add("ours", "sign.rate", 90.0)
    lines = table.plain(table.rows(record)).splitlines()
    assert len(lines) == 3
    assert lines[1].index("8,000/s") + len("8,000/s") == lines[2].index("90.0/s") + len("90.0/s")


def test_markdown_table_has_a_line_for_each_row():
    """The table for the documentation has a head, a rule and one line for each row."""
    record = Record()
    record.add("ours", "apdu.rate", 8000.0)
    lines = table.markdown(table.rows(record)).splitlines()
    assert len(lines) == 3
    assert {line.count("|") for line in lines} == {7}


def test_json_keeps_medians_targets_and_nothing_unmeasured():
    """The kept figures name unit, direction and target, and only the columns that were measured."""
    record = Record()
    record.add("ours", "apdu.rate", 8000.0)
    assert record.to_json() == {
        "apdu.rate": {
            "label": "B0 01 round trips over TCP, one connection",
            "unit": "/s",
            "better": "higher",
            "target": 7000,
            "ours": {"median": 8000.0, "least": 8000.0, "most": 8000.0, "runs": 1},
        }
    }
