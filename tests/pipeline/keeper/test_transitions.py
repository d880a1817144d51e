from hypothesis import given
from hypothesis import strategies as st

from pipeline.keeper.transitions import (
    Entry,
    Transition,
    code,
    codes,
    continues,
    joined_before,
    joined_behind,
)

MIDDLE, START, END, SINGLE = Transition
entries = st.lists(
    st.builds(Entry, st.integers(0, 12), st.sampled_from(["Bad", "NoData"]), st.booleans()),
    unique_by=lambda entry: entry.chunk,
    max_size=12,
)


def bad(*chunks, confirmed=True):
    return [Entry(chunk, "Bad", confirmed) for chunk in chunks]


def test_given_stretches_when_coded_then_start_middle_end_and_single():
    rows = [*bad(1, 2, 3), *bad(4, confirmed=False), *bad(6, 7), Entry(8, "NoData", True)]
    assert codes(rows) == [START, MIDDLE, END, SINGLE, START, END, SINGLE]


def test_given_codes_when_counted_then_they_are_those_of_the_schema():
    assert [int(one) for one in (MIDDLE, START, END, SINGLE)] == [0, 1, 2, 3]


@given(entries)
def test_given_any_log_when_coded_then_stretches_are_closed_and_break_where_they_must(rows):
    rows = sorted(rows, key=lambda row: row.chunk)
    found = codes(rows)
    for index, (row, transition) in enumerate(zip(rows, found, strict=True)):
        before = index > 0 and continues(rows[index - 1], row)
        after = index + 1 < len(rows) and continues(row, rows[index + 1])
        assert transition is code(before=before, after=after)
    assert found.count(START) == found.count(END)


@given(entries)
def test_given_rows_in_any_order_when_joined_one_by_one_then_as_if_coded_at_once(rows):
    log: dict[Entry, Transition] = {}
    for row in rows:
        before = Entry(row.chunk - 1, row.label, row.confirmed)
        after = Entry(row.chunk + 1, row.label, row.confirmed)
        if before in log:
            log[before] = joined_behind(log[before])
        if after in log:
            log[after] = joined_before(log[after])
        log[row] = code(before=before in log, after=after in log)
    assert [log[row] for row in rows] == codes(rows)
