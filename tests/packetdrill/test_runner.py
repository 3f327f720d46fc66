"""Running scripts: a script fails for whatever is not as it says, and says so."""

import pytest

from tcplab.packetdrill import Outcome, Problem, Variant, run_text
from tcplab.packetdrill.source import Place
from tcplab.tcp.events import ConnectionOpened
from tcplab.units import MILLISECOND, SECOND, Instant

OPEN = """0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
+.1 < S. 0:0(0) ack 1 win 5000 <mss 1000>
+0 > . 1:1(0) ack 1
"""
LISTEN = """0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
"""


def passes(text: str, variant: Variant | None = None) -> None:
    verdict = run_text(text, "a.pkt", variant)
    assert verdict.outcome is Outcome.PASSED, verdict.problem


def fails(text: str) -> Problem:
    verdict = run_text(text, "a.pkt")
    assert verdict.outcome is Outcome.FAILED, verdict.problem
    assert verdict.problem is not None
    return verdict.problem


def test_a_failure_says_where_when_what_was_expected_and_what_came() -> None:
    problem = fails(f"{OPEN}+.1 write(3, ..., 100) = 100\n  +0 > P. 1:201(200) ack 1  // two\n")

    assert problem == Problem(
        Place("a.pkt", 8, 6),
        Instant(200 * MILLISECOND),
        "length 100, expected 200",
        "> P. 1:201(200) ack 1 at 0.200 s",
        "> P. 1:101(100) ack 1 win 65535 at 0.200 s",
    )


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("> . 1:101(100) ack 1", "flags P., expected ."),
        ("> P. 2:102(100) ack 1", "sequence number 1, expected 2"),
        ("> P. 1:101(100) ack 2", "ack 1, expected 2"),
        ("> P. 1:101(100) ack 1 win 1", "window 65535, expected 1"),
        ("> P. 1:101(100) ack 1 <mss 1460>", "options none, expected <mss 1460>"),
        ("> [ect0] P. 1:101(100) ack 1", "ECN noecn, expected ect0"),
        ("> PU. 1:101(100) ack 1 urg 5", "flags P., expected PU.; urgent pointer 0, expected 5"),
        ("> 5>6 P. 1:101(100) ack 1", "ports 49152 > 8080, expected 5 > 6"),
    ],
)
def test_whatever_of_a_segment_differs_is_told(expected: str, message: str) -> None:
    problem = fails(f"{OPEN}+.1 write(3, ..., 100) = 100\n+0 {expected}\n")

    assert problem.message == message


def test_options_are_compared_as_values_in_any_order_and_layout() -> None:
    begin = f"{LISTEN}+.1 < S 0:0(0) win 5000 <eol,mss 1000>\n"

    passes(f"{begin}+0 > S. 0:0(0) ack 1 <nop,mss 1460,nop,eol>\n")
    assert fails(f"{begin}+0 > S. 0:0(0) ack 1\n").message == "options <mss 1460>, expected none"
    assert fails(f"{begin}+0 > S. 0:0(0) ack 1 <mss 1000>\n").message == "options <mss 1460>, expected <mss 1000>"


@pytest.mark.parametrize("time", ["+.997", "+1.003", "+.8~+.997", "+1.003~+1.2", "*", "1.103"])
def test_a_time_is_met_within_4_ms(time: str) -> None:
    passes(f"{OPEN}+0 write(3, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n{time} > P. 1:101(100) ack 1\n")


@pytest.mark.parametrize("time", ["+.995", "+1.005", "+.8~+.995", "+1.005~+1.2", "1.090", "0.2~1.09"])
def test_another_time_is_not(time: str) -> None:
    problem = fails(f"{OPEN}+0 write(3, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n{time} > P. 1:101(100) ack 1\n")

    assert problem.message in ("time 1.100 s", "the host did not send this")


def test_the_tolerance_is_the_scripts_to_choose() -> None:
    later = f"{OPEN}+0 write(3, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n+1.05 > P. 1:101(100) ack 1\n"

    assert fails(later).message == "time 1.100 s"
    passes(f"--tolerance_usecs=50000\n{later}")
    passes(f"--tolerance_percent=5\n{later}")
    assert fails(f"--tolerance_percent=4\n{later}").message == "time 1.100 s"


def test_a_segment_that_does_not_come_is_told_as_soon_as_it_is_late() -> None:
    problem = fails(f"{OPEN}+1 > . 1:1(0) ack 1\n")

    assert (problem.message, problem.time) == ("the host did not send this", 1_104 * MILLISECOND)
    assert problem.came == "nothing until 1.104 s"


def test_a_segment_that_may_come_at_any_time_is_not_waited_for_where_nothing_is_due() -> None:
    assert fails(f"{OPEN}* > . 1:1(0) ack 1\n").came == "nothing"


def test_a_segment_too_many_is_told_by_the_next_line() -> None:
    problem = fails(f"{OPEN}+0 write(3, ..., 100) = 100\n+.1 < . 1:1(0) ack 1 win 5000\n")

    assert problem.place == Place("a.pkt", 8, 5)
    assert problem.message == "the host sent a segment too many: nothing before this line expects it"
    assert problem.came == "> P. 1:101(100) ack 1 win 65535 at 0.100 s"


def test_a_segment_too_many_is_told_at_the_end() -> None:
    problem = fails(f"{OPEN}+0 write(3, ..., 100) = 100\n")

    assert problem.message == "the host sent a segment too many: the script ends without it"


def test_a_line_whose_time_is_over_is_told() -> None:
    problem = fails(
        f"{OPEN}+0 write(3, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n+1 > P. 1:101(100) ack 1\n.5 close(3) = 0"
    )

    assert problem.message == "it is 1.100 s already, this was to happen at 0.500 s"


def test_a_segment_of_another_connection_is_none_of_this_one() -> None:
    problem = fails(
        "0 < 5001>8080 S 0:0(0) win 5000\n+0 < 5002>8080 S 0:0(0) win 5000\n"
        "+0 > R. 0:0(0) ack 1\n+0 > 8080>5002 R. 0:0(0) ack 1\n"
    )

    assert problem.message == "ports 8080 > 5001, of another connection"


# --- system calls ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("write(3, ..., 100) = 99", "the call returned 100, expected 99"),
        ("read(3, ..., 100) = 0", "the call returned -1 EAGAIN, expected 0"),
        ("read(3, ..., 100) = -1 EPIPE (Broken pipe)", "the call returned -1 EAGAIN, expected -1 EPIPE"),
        ("read(9, ..., 100) = 0", "the call returned -1 EBADF, expected 0"),
        ("accept(3, ..., ...) = 4", "the call returned -1 EINVAL, expected 4"),
        ("listen(3, 1) = 0", "the call returned -1 EINVAL, expected 0"),
        ("bind(3, ..., ...) = 0", "the call returned -1 EINVAL, expected 0"),
        ("socket(..., SOCK_STREAM, 0) = 3", "the script calls it 3, which another descriptor is called already"),
        ("getsockopt(3, SOL_SOCKET, SO_ERROR, [5], [4]) = 0", "the option's value is 0"),
        ("poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1", "revents of 3 are POLLOUT, not POLLIN"),
    ],
)  # fmt: skip
def test_a_call_that_returns_something_else_is_told(call: str, message: str) -> None:
    problem = fails(f"{OPEN}+0 {call}\n")

    assert problem.message == message
    assert problem.place == Place("a.pkt", 7, 4, call.index("("))


def test_whatever_a_call_returns_will_do() -> None:
    passes(f"{OPEN}+0 read(3, ..., 100) = ... EAGAIN (Resource temporarily unavailable)\n+0 fcntl(3, F_GETFL) = ...\n")


def test_a_call_must_not_wait_unless_the_script_says_so() -> None:
    assert fails(f"{LISTEN}+0 accept(3, ..., ...) = 4\n").message == "the call waits, and is to return at once"


def test_a_call_that_waits_returns_when_the_script_says() -> None:
    arrival = "+.1 < S 0:0(0) win 5000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <...>\n+.1 < . 1:1(0) ack 1 win 5000\n"

    passes(f"{LISTEN}+0...0.2 accept(3, ..., ...) = 4\n{arrival}")
    early = fails(f"{LISTEN}+0...0.3 accept(3, ..., ...) = 4\n{arrival}")
    late = fails(f"{LISTEN}+0...0.15 accept(3, ..., ...) = 4\n{arrival}")

    assert (early.message, early.place.line) == ("the call returned at 0.200 s", 4)
    assert (late.message, late.place.line, late.time) == ("the call has not returned", 4, 200 * MILLISECOND)
    assert fails(f"{LISTEN}+0...0.3 accept(3, ..., ...) = 4\n").message == "the call has not returned"


def test_a_call_comes_after_the_one_that_waits() -> None:
    passes(
        f"{LISTEN}+0...1 poll([{{fd=3, events=POLLIN, revents=0}}], 1, 1000) = 0\n+0 close(3) = 0\n1 < R 1:1(0) win 0"
    )


def test_a_write_waits_for_room() -> None:
    begin = (
        "--config=send_buffer=1500\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0...0.1 connect(3, ..., ...) = 0\n"
        "+0 > S 0:0(0) <...>\n+.1 < S. 0:0(0) ack 1 win 5000 <mss 1000>\n+0 > . 1:1(0) ack 1\n"
    )

    assert fails(f"{begin}+.1 write(3, ..., 2000) = 2000\n").message == "the call waits, and is to return at once"
    sent = "+0 > . 1:1001(1000) ack 1\n+0~+2 > P. 1001:1501(500) ack 1\n"
    passes(f"{begin}+.1 send(3, ..., 2000, MSG_DONTWAIT) = 1500\n{sent}")


# --- assertions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "tcpi_state == TCP_ESTABLISHED",
        "tcpi_state in (TCP_ESTABLISHED, TCP_CLOSE) and not tcpi_state == 7",
        "1 < tcpi_snd_wnd - 4000 < 1001, 'a message'",
        "tcpi_rcv_wnd == 65535; assert tcpi_notsent_bytes == 0",
        "tcpi_state != TCP_LISTEN or 1 not in [tcpi_state]",
        "-1 < 0 <= 0 == 0 | 0 & 1 * 5 and 2 >= 1 > 0",
    ],
)
def test_an_assertion_that_holds(text: str) -> None:
    passes(f"{OPEN}+0 %{{ assert {text} }}%\n")


def test_an_assertion_that_does_not_hold_tells_the_values() -> None:
    problem = fails(f"{OPEN}+0 %{{\nassert tcpi_state == TCP_LISTEN or tcpi_snd_wnd < 5\n}}%\n")

    assert problem.message == "the assertion does not hold"
    assert problem.expected == "tcpi_state == TCP_LISTEN or tcpi_snd_wnd < 5"
    assert problem.came == "tcpi_snd_wnd is 5000, tcpi_state is TCP_ESTABLISHED"


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_initial_sequence_numbers_can_be_moved() -> None:
    variant = Variant(local_isn=(1 << 32) - 1, remote_isn=(1 << 32) - 5)
    verdict = run_text(f"{OPEN}+0 write(3, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n", "a.pkt", variant)

    assert verdict.outcome is Outcome.PASSED
    assert verdict.journal is not None
    [opened] = verdict.journal.of(ConnectionOpened)
    assert opened.time == SECOND // 10


def test_what_a_reader_reads_is_what_the_script_sent() -> None:
    passes(
        f"{OPEN}+.1 < . 5:15(10) ack 1 win 5000\n+0 > . 1:1(0) ack 1\n+.1 < P. 1:8(7) ack 1 win 5000\n"
        "+0 > . 1:1(0) ack 15\n+0 read(3, ..., 3) = 3\n+0 read(3, ..., 30) = 11\n"
    )


def test_the_hosts_settings_are_the_scripts_to_choose() -> None:
    begin = "0 < S 0:0(0) win 1\n"

    passes(f"--ip_version=ipv4 --bind_port=99 {begin}+0 > 99>40000 R. 0:0(0) ack 1\n")
    passes(f"--mtu=1040\n{LISTEN}+.1 < S 0:0(0) win 5000\n+0 > S. 0:0(0) ack 1 <mss 1000>\n")
