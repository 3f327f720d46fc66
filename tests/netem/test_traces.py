import pytest

from tcplab.netem.traces import DelayTrace, RateTrace, TraceError
from tcplab.units import MILLISECOND, Duration

MS = MILLISECOND


def test_a_rate_trace_is_mahimahis_a_time_on_each_line() -> None:
    trace = RateTrace.parse("lte", "0\n0\n3\n\n# a comment\n10  # and another\n")

    assert trace == RateTrace("lte", (0, 0, 3, 10))
    assert trace.rate() == 4 * 1_504 * 8 * 100
    assert RateTrace.parse("lte", trace.text()) == trace


def test_a_delay_trace_has_a_duration_and_a_delay_on_each_line() -> None:
    trace = DelayTrace.parse("wifi", "20 35.5\n0.5\t0\n")

    assert trace == DelayTrace("wifi", ((20 * MS, Duration(35_500_000)), (Duration(500_000), Duration(0))))
    assert trace.mean() == pytest.approx(20 * 35.5 * MS / 20.5)
    assert DelayTrace.parse("wifi", trace.text()) == trace


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "f: a rate trace has at least one time, and the last is 1 ms or more"),
        ("0\n0", "f: a rate trace has at least one time, and the last is 1 ms or more"),
        ("1\n\n1.5", "f, line 3: '1.5' is no time in whole milliseconds"),
        ("5\n3", "f: time 2, 3, is before 5, the one above it"),
        ("1" * 16, "f, line 1: '1111111111111111' is no time in whole milliseconds"),
        ("1\n" * 1_000_001, "f: a trace has at most 1,000,000 lines; this has 1,000,001"),
    ],
)
def test_what_is_no_rate_trace_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(TraceError) as raised:
        RateTrace.parse("f", text)

    assert str(raised.value) == complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# nothing", "f: a delay trace has at least one step"),
        ("20", "f, line 1: '20' is no duration and delay in milliseconds, such as 20 35.5"),
        ("20 5 5", "f, line 1: '20 5 5' is no duration and delay in milliseconds, such as 20 35.5"),
        ("20 5ms", "f, line 1: '20 5ms' is no duration and delay in milliseconds, such as 20 35.5"),
        ("20 -5", "f, line 1: '20 -5' is no duration and delay in milliseconds, such as 20 35.5"),
        ("0 5", "f: step 1 must last longer than 0 ms, and its delay be 0 or more"),
    ],
)
def test_what_is_no_delay_trace_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(TraceError) as raised:
        DelayTrace.parse("f", text)

    assert str(raised.value) == complaint


@pytest.mark.parametrize("name", ["", "two words", "line\n"])
def test_the_name_of_a_trace_is_one_word(name: str) -> None:
    with pytest.raises(TraceError, match="cannot name a trace: a name is one word"):
        RateTrace.parse(name, "1\n")
