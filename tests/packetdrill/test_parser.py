"""Reading scripts: what is understood, and how what is not is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.packetdrill import Outcome, ScriptError, Unsupported, parse, run_text
from tcplab.packetdrill.model import CodeSpec, PacketSpec, SyscallSpec, When
from tcplab.packetdrill.source import Place
from tcplab.units import MILLISECOND, SECOND
from tcplab.wire.segment import ACK, CWR, ECE, NO_OPTIONS, PSH, SYN, Flags, Options
from tcplab.wire.seq import SeqNumber


def packet(text: str) -> PacketSpec:
    [event] = parse(text, "a.pkt").events
    assert isinstance(event.action, PacketSpec)
    return event.action


def when(text: str) -> When:
    [event] = parse(f"{text} > . 1:1(0) ack 1", "a.pkt").events
    return event.when


def at(line: int, column: int, width: int = 1) -> Place:
    return Place("a.pkt", line, column, width)


def test_times() -> None:
    second, tenth = SECOND, 100 * MILLISECOND

    assert when("1") == When("absolute", second, second, at(1, 1))
    assert when("0.100000") == When("absolute", tenth, tenth, at(1, 1, 8))
    assert when("+.1") == When("relative", tenth, tenth, at(1, 1))
    assert when(".1~1") == When("absolute_range", tenth, second, at(1, 1, 2))
    assert when("+.1~+1") == When("relative_range", tenth, second, at(1, 1))
    assert when("*").kind == "any"


def test_a_segment_with_everything() -> None:
    spec = packet("0 < [ect0] 5000>80 SPEW. 7:17(10) ack 3 win 400 urg 2 <mss 1460,sackOK,TS val 1 ecr 2,nop,wscale 7>")

    options = Options(mss=1460, sack_ok=True, timestamps=(1, 2), wscale=7)
    assert spec.inbound
    assert spec.flags == SYN | PSH | ECE | CWR | ACK
    assert (spec.seq, spec.length, spec.ack, spec.window, spec.urgent, spec.ecn) == (7, 10, 3, 400, 2, 2)
    assert spec.ports is not None
    assert (spec.ports.source, spec.ports.target) == (5000, 80)
    assert spec.options == options


def test_a_segment_with_next_to_nothing() -> None:
    spec = packet("0 > - 0:0(0)")

    assert spec == PacketSpec(False, Flags(0), 0, 0, None, None, 0, NO_OPTIONS, None, None)


def test_options_of_which_any_will_do() -> None:
    assert packet("0 > S 0:0(0) <...>").options is None


def test_sack_blocks() -> None:
    assert packet("0 > . 1:1(0) ack 1 <nop,nop,sack 10:20 30:40>").options == Options(
        sack=((SeqNumber(10), SeqNumber(20)), (SeqNumber(30), SeqNumber(40)))
    )


def test_options_that_a_tcp_must_skip() -> None:
    options = packet("0 < S 0:0(0) win 1 <FO 0123abcd,md5 00ff,eol>").options

    assert options == Options(other=((34, b"\x01\x23\xab\xcd"), (19, b"\x00\xff")))


def test_a_sequence_number_that_wraps() -> None:
    spec = packet("0 < . 4294967290:4(10) ack 1")

    assert (spec.seq, spec.length) == (4294967290, 10)


def test_a_system_call_that_waits() -> None:
    [event] = parse("0.1...0.3 read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)", "a.pkt").events

    assert isinstance(event.action, SyscallSpec)
    assert (event.action.name, event.action.errno, event.action.ends) == ("read", "EAGAIN", 300 * MILLISECOND)


def test_comments_options_and_assertions() -> None:
    script = parse("--mtu=1500 // one\n--config=msl=30s\n/* two\nlines */ 0 %{ assert 1 }%", "a.pkt")

    assert [(option.name, option.value) for option in script.options] == [("mtu", "1500"), ("config", "msl=30s")]
    [event] = script.events
    assert event.place == at(4, 12, 14)
    assert event.action == CodeSpec(" assert 1 ", event.place)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", at(1, 1), "expected a time in seconds, found the end of the script"),
        ("\n  x", at(2, 3), "expected a time in seconds, found 'x'"),
        ("0 > Q 1:1(0)", at(1, 5), "expected the flags, of which 'Q' is none: SFRPUEW, '.' for ACK"),
        ("0 > SS 1:1(0)", at(1, 5, 2), "the flag 'S' stands twice"),
        ("0 > S 1(0)", at(1, 8), "expected ':' and the sequence number after the last octet, found '('"),
        ("0 > S 1:5(0)", at(1, 9), "expected 1: 0 octets from 1 on do not end before 5"),
        ("0 > S 1:1(0) win 65536", at(1, 18, 5), "expected a window from 0 to 65535, found '65536'"),
        ("0 > S 1:1(0) <mss>", at(1, 18), "expected an MSS, a whole number, found '>'"),
        ("0 > S 1:1(0) <mss 1,mss 2>", at(1, 21, 3), "the option mss stands twice"),
        ("0 > S 1:1(0) <wsacle 1>", at(1, 15, 6), "expected a TCP option, found 'wsacle'"),
        ("0 < S 1:1(0) <...>", at(1, 14), "'<...>' is for segments that the host sends"),
        ("0 > [cee] S 1:1(0)", at(1, 6, 3), "expected one of noecn, ect1, ect0, ce, found 'cee'"),
        ("0 read(3, ..., 1)", at(1, 18), "expected '=' and the result of the system call, found the end of the script"),
        ("0 read(3 ..., 1) = 1", at(1, 10, 3), "expected ')' or ',', found '...'"),
        ("0 read(3) = -1 EAGAIN", at(1, 22), "expected '(' and what EAGAIN means, found the end of the script"),
        ("0 read(3) = -1 EAGAIN ()", at(1, 23), "expected words and ')' after this '('"),
        ('0 connect(3, "', at(1, 14), "the string that begins here is not closed"),
        ("0 /* never", at(1, 3), "the comment that begins here is not closed"),
        ("0 %{ assert 1", at(1, 3), "the code that begins here is not closed"),
        ("0.2~0.1 > . 1:1(0) ack 1", at(1, 5, 3), "expected a time that is not before the range's beginning"),
        ("* x() = 1", at(1, 1), "expected one exact time: '*' and ranges are for segments that the host sends"),
        ("1 < . 1:1(0)\n0 < . 1:1(0)", at(2, 1), "expected a time from 1 on: the event before has it"),
        ("-1 < . 1:1(0)", at(1, 1, 2), "expected a time in seconds, found '-1'"),
        ("0...1 < . 1:1(0)", at(1, 7), "expected a system call, as only those take time, found '<'"),
        ("0 x(" + "[" * 5000, at(1, 0), "expected less deeply nested arguments"),
    ],
)  # fmt: skip
def test_a_syntax_error_names_line_column_and_what_was_expected(text: str, place: Place, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse(text, "a.pkt")

    assert caught.value.message == message
    if place.column:  # how deep is too deep is Python's to say
        assert caught.value.place == place
        assert str(caught.value) == f"a.pkt:{place.line}:{place.column}: {message}"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("`sysctl -q x=1`\n0 < S 0:0(0) win 1", 1),
        ("0 `sleep 1`", 3),
        ("0 < S 0:0(0) win 1\n`cleanup`", 1),
        ("0 < icmp unreachable port_unreachable [1:1(0)]", 5),
        ("0 < udp (1000)", 5),
        ("0 < (ttl 5) . 1:1(0)", 6),
        ("0 > S 0:0(0) <ECN e0b 1>", 15),
        ("0 epoll_create(1) = 5", 3),
        ("0 read(3, \"abc\", 3) = 3", 11),
        ("0 shutdown(3, SHUT_RD) = 0", 15),
        ("0 socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP) = 3", 10),
        ("0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3", 15),
        ("0 setsockopt(3, SOL_TCP, TCP_CORK, [1], 4) = 0", 26),
        ("0 recv(3, ..., 10, MSG_OOB) = 1", 20),
        ("0 %{ print(tcpi_state) }%", 3),
        ("0 %{ assert tcpi_sacked == 1 }%", 3),
        ("0 %{ assert open('x') }%", 3),
        ("0 %{ assert tcpi_state.real }%", 3),
        ("--speed=10 0 < S 0:0(0) win 1", 1),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_never_passed(text: str, column: int) -> None:
    verdict = run_text(text, "a.pkt")

    assert verdict.outcome is Outcome.UNSUPPORTED
    assert verdict.problem is not None
    assert verdict.problem.message.endswith(" is not supported")
    assert verdict.problem.place.column == column
    assert verdict.journal is None or not verdict.journal.records


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 read(3, ...) = 0", "read takes 3 arguments, found 2"),
        ("0 read(x, ..., 1) = 0", "expected a number"),
        ("0 close(3) = 1 EBADF (Bad file descriptor)", "expected -1 before EBADF, found 1"),
        ("0 poll(3, 1, 0) = 0", "expected '[' and what to poll"),
        ("0 %{ assert }%", "expected assertions in Python between %{ and }%"),
        ("0 %{ assert 1 in 2 }%", "expected what can be compared, found '1 in 2'"),
        ("--tolerance_usecs=x 0 < S 0:0(0) win 1", "--tolerance_usecs=x: expected a whole number"),
        ("--ip_version=ipv6 0 < S 0:0(0) win 1", "--ip_version=ipv6: the lab's addresses are IPv4"),
        ("--strict_segments=1 0 < S 0:0(0) win 1", "--strict_segments=1: it has no value"),
        (
            "0 bind(3, {sin_port = 5}, 16) = 0",
            "expected '...' or {sa_family = AF_INET, sin_port = htons(…), sin_addr = …}",
        ),
        ("0 setsockopt(3, SOL_SOCKET, SO_LINGER, {1, 2}, 8) = 0", "expected name=value"),
        ("0 setsockopt(3, SOL_SOCKET, SO_LINGER, 5, 8) = 0", "expected [number], {onoff=…, linger=…} or a string"),
        ("0 poll([1], 1, 0) = 0", "expected {fd=…, events=…, revents=…}"),
        ("0 poll([{fd=1}], 1, 0) = 0", "expected {fd=…, events=…, revents=…}"),
        ("--bind_port=0 0 < S 0:0(0) win 1", "--bind_port=0: expected a port, 1..65535"),
        ("--config=mss=on 0 < S 0:0(0) win 1", "--config=mss=on: mss takes a whole number, a duration such as 40ms"),
        (
            "--config=r2=on 0 < S 0:0(0) win 1",
            "--config=r2=on: r2 takes a whole number, a duration such as 40ms or none",
        ),
        ("--config=nagle=1 0 < S 0:0(0) win 1", "--config=nagle=1: nagle takes on, off"),
        ("--config=rto_min=100s 0 < S 0:0(0) win 1", "--config=rto_min=100s: rto_min must not exceed rto_max"),
    ],
)
def test_what_makes_no_sense_is_told_before_it_runs(text: str, message: str) -> None:
    verdict = run_text(text, "a.pkt")

    assert verdict.outcome is Outcome.INVALID
    assert verdict.problem is not None
    assert verdict.problem.message == message


@given(st.text(alphabet=' \n.+~*<>0123456789:()[]{}|=,-"`%/SFRPackwin_readABC', max_size=80))
def test_no_text_raises_anything_else(text: str) -> None:
    verdict = run_text(f"0 {text}", "a.pkt")

    assert isinstance(verdict.outcome, Outcome)


def test_the_two_refusals_name_themselves() -> None:
    with pytest.raises(Unsupported, match=r"^a\.pkt:1:1: a shell command is not supported$"):
        parse("`ls`", "a.pkt")
