"""The socket API that scripts call: what is set, and what it does."""

import pytest

from tcplab.packetdrill import Outcome, run_text

CONNECT = """+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <...>
"""
ANSWER = """+.1 < S. 0:0(0) ack 1 win 5000 <mss 1000>
+0 > . 1:1(0) ack 1
"""
SOCKET = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
OPEN = SOCKET + CONNECT + ANSWER


def passes(text: str) -> None:
    verdict = run_text(text, "a.pkt")
    assert verdict.outcome is Outcome.PASSED, verdict.problem


def problem(text: str) -> str:
    verdict = run_text(text, "a.pkt")
    assert verdict.problem is not None
    return verdict.problem.message


@pytest.mark.parametrize(
    ("level", "name", "usual", "other"),
    [
        ("SOL_SOCKET", "SO_SNDBUF", "[131072]", "[5000]"),
        ("SOL_SOCKET", "SO_RCVBUF", "[65535]", "[5000]"),
        ("SOL_SOCKET", "SO_KEEPALIVE", "[0]", "[1]"),
        ("SOL_SOCKET", "SO_LINGER", "{onoff=0, linger=0}", "{onoff=1, linger=5}"),
        ("IPPROTO_TCP", "TCP_KEEPIDLE", "[7200]", "[10]"),
        ("SOL_TCP", "TCP_KEEPINTVL", "[75]", "[10]"),
        ("SOL_TCP", "TCP_KEEPCNT", "[9]", "[3]"),
        ("SOL_TCP", "TCP_NODELAY", "[0]", "[1]"),
        ("SOL_TCP", "TCP_MAXSEG", "[1460]", "[500]"),
        ("SOL_TCP", "TCP_USER_TIMEOUT", "[0]", "[3000]"),
        ("SOL_TCP", "TCP_CONGESTION", '"cubic"', '"reno"'),
    ],
)
def test_an_option_is_what_it_was_set_to(level: str, name: str, usual: str, other: str) -> None:
    passes(
        f"{SOCKET}+0 getsockopt(3, {level}, {name}, {usual}, [4]) = 0\n"
        f"+0 setsockopt(3, {level}, {name}, {other}, 4) = 0\n"
        f"+0 getsockopt(3, {level}, {name}, {other}, [4]) = 0\n"
        f"+0 getsockopt(3, {level}, {name}, ..., [4]) = 0\n"
    )
    assert problem(f"{SOCKET}+0 getsockopt(3, {level}, {name}, {other}, [4]) = 0\n").startswith(
        "the option's value is "
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SO_ERROR", "[1]"),
        ("SO_LINGER", "[1]"),
        ("SO_RCVBUF", "[0]"),
        ("SO_SNDBUF", '"big"'),
        ("SO_KEEPALIVE", '"yes"'),
    ],
)
def test_a_value_that_cannot_be_is_refused(name: str, value: str) -> None:
    passes(f"{SOCKET}+0 setsockopt(3, SOL_SOCKET, {name}, {value}, 4) = -1 EINVAL (Invalid argument)\n")


@pytest.mark.parametrize(
    ("name", "value"), [("TCP_MAXSEG", "[500]"), ("TCP_CONGESTION", '"reno"'), ("TCP_CONGESTION", '"bbr"')]
)
def test_what_a_connection_begins_with_is_not_set_later(name: str, value: str) -> None:
    passes(f"{OPEN}+0 setsockopt(3, SOL_TCP, {name}, {value}, 4) = -1 EINVAL (Invalid argument)\n")


def test_an_mss_is_told_and_a_buffer_is_a_window() -> None:
    passes(
        f"{SOCKET}+0 setsockopt(3, SOL_TCP, TCP_MAXSEG, [500], 4) = 0\n"
        "+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [3000], 4) = 0\n"
        "+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 fcntl(3, F_GETFL) = 0x802 (flags O_RDWR)\n"
        "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n"
        "+0 > S 0:0(0) win 3000 <mss 500,sackOK,TS val 1 ecr 0,wscale 0>\n"
    )


def test_what_a_listener_is_set_to_its_connections_are() -> None:
    passes(
        f"{SOCKET}+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [3000], 4) = 0\n+0 bind(3, ..., ...) = 0\n"
        "+0 listen(3, 1) = 0\n+.1 < S 0:0(0) win 5000\n+0 > S. 0:0(0) ack 1 win 3000 <mss 1460>\n"
        "+.1 < . 1:1(0) ack 1 win 5000\n+0 accept(3, ..., ...) = 4\n"
        "+0 getsockopt(4, SOL_SOCKET, SO_RCVBUF, [3000], [4]) = 0\n"
    )


def test_ports_and_addresses_can_be_named() -> None:
    address = '{sa_family = AF_INET, sin_port = htons(99), sin_addr = inet_addr("192.0.2.1")}'

    passes(
        f"{SOCKET}+0 bind(3, {address}, 16) = 0\n+0 listen(3, 1) = 0\n+.1 < 7>99 S 0:0(0) win 5\n"
        "+0 > 99>7 S. 0:0(0) ack 1 <...>\n"
    )
    passes(f"{SOCKET}+0...0.1 connect(3, {address}, 16) = 0\n+0 > 49152>99 S 0:0(0) <...>\n{ANSWER}")


def test_an_address_that_is_taken_is_refused() -> None:
    bound = '+0 bind(3, {sa_family = AF_INET, sin_port = htons(99), sin_addr = inet_addr("0")}, 16) = 0\n'
    again = bound.replace("(3", "(4")

    passes(
        f"{SOCKET}{bound}{CONNECT}+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4\n{again}"
        "+0 connect(4, ..., ...) = -1 EADDRNOTAVAIL (Cannot assign requested address)\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "read(3, ..., 10) = -1 ENOTCONN (Transport endpoint is not connected)",
        "shutdown(3, SHUT_WR) = -1 ENOTCONN (Transport endpoint is not connected)",
        "write(3, ..., 10) = -1 EPIPE (Broken pipe)",
        "accept(3, ..., ...) = -1 EINVAL (Invalid argument)",
        "poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT|POLLHUP}], 1, -1) = 1",
        "close(3) = 0",
    ],
)
def test_a_socket_without_a_connection(line: str) -> None:
    passes(f"{SOCKET}+0 {line}\n")


def test_a_listener_is_no_client_and_no_connection_a_listener() -> None:
    listening = f"{SOCKET}+0 listen(3, 1) = 0\n+0 listen(3, 1) = 0\n"

    passes(f"{listening}+0 connect(3, ..., ...) = -1 EOPNOTSUPP (Operation not supported)\n")
    passes(f"{listening}+0 poll([{{fd=3, events=POLLIN, revents=0}}], 1, 0) = 0\n")
    passes(f"{OPEN}+0 listen(3, 1) = -1 EINVAL (Invalid argument)\n")


def test_poll_tells_what_there_is() -> None:
    def poll(wanted: str, told: str, count: int) -> str:
        return f"+0 poll([{{fd=3, events={wanted}, revents={told}}}], 1, 0) = {count}\n"

    passes(
        OPEN + poll("POLLIN|POLLOUT", "POLLOUT", 1) + "+.1 < P. 1:11(10) ack 1 win 5000\n+0~+.49 > . 1:1(0) ack 11\n"
        + poll("POLLIN", "POLLIN", 1) + "+0 read(3, ..., 20) = 10\n" + poll("POLLIN", "0", 0)
        + "+.1 < F. 11:11(0) ack 1 win 5000\n+0 > . 1:1(0) ack 12\n"
        + poll("POLLIN|POLLRDHUP", "POLLIN|POLLRDHUP", 1) + "+.1 < R 12:12(0) win 0\n"
        + poll("POLLIN|POLLOUT", "POLLIN|POLLOUT|POLLERR|POLLHUP", 1)
    )  # fmt: skip
    assert problem(f"{SOCKET}+0 poll([{{fd=9, events=0}}], 1, 0) = 0\n") == "there is no descriptor 9"


def test_poll_waits_until_something_comes() -> None:
    arrival = "+.1 < P. 1:11(10) ack 1 win 5000\n+0~+.49 > . 1:1(0) ack 11\n"

    passes(f"{OPEN}+.1...0.2 poll([{{fd=3, events=POLLIN, revents=POLLIN}}], 1, -1) = 1\n{arrival}")


def test_a_write_that_waits_returns_when_all_is_taken() -> None:
    passes(
        f"{SOCKET}+0 setsockopt(3, SOL_SOCKET, SO_SNDBUF, [1500], 4) = 0\n+0...0.1 connect(3, ..., ...) = 0\n"
        f"+0 > S 0:0(0) <...>\n{ANSWER}+.1...0.2 write(3, ..., 2500) = 2500\n+0 > . 1:1001(1000) ack 1\n"
        "+0 > P. 1001:1501(500) ack 1\n+.1 < . 1:1(0) ack 1501 win 5000\n+0 > P. 1501:2501(1000) ack 1\n"
    )


def test_segments_that_continue_one_another_may_be_written_as_one() -> None:
    write = f"{OPEN}+.1 write(3, ..., 2500) = 2500\n"

    passes(f"{write}+0 > P. 1:2501(2500) ack 1\n")
    passes(f"{write}+0 > . 1:2001(2000) ack 1\n+0 > P. 2001:2501(500) ack 1\n")
    assert problem(f"--strict_segments\n{write}+0 > P. 1:2501(2500) ack 1\n").endswith("length 1000, expected 2500")
    assert problem(f"{write}+0 > P. 1:2401(2400) ack 1\n") == "length 2500, expected 2400"


def test_words_can_be_defined() -> None:
    passes(f"--define=SIZE=100 --define=ALL=SIZE\n{OPEN}+.1 write(3, ..., ALL) = SIZE\n+0 > P. 1:101(SIZE) ack 1\n")
    assert problem("--define=SIZE\n0 < S 0:0(0) win 1") == "--define=SIZE: expected --define=name=value"
