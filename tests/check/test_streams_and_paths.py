"""The checkers of streams, paths and ends notice each way in which a journal may differ from the truth."""

from tcplab import check
from tcplab.apps.events import ConnectionReleased, StreamRead, StreamWritten
from tcplab.check import Outcome
from tcplab.tcp.events import (
    ConnectionClosed,
    IllegalTransition,
    StateChanged,
)
from tcplab.tcp.states import Cause, State
from tests.check.doctor import (
    changed,
    doubled,
    of,
    true_journal,
    without,
)
from tests.check.judges import blamed, change, verdict


def test_an_octet_that_was_altered() -> None:
    records = true_journal()
    read = of(records, StreamRead, "server")[1]

    result = verdict(changed(records, read, data=read.event.data[:-1] + b"\0"))

    [(name, finding)] = result.findings(Outcome.INVALID)
    assert name == "stream intact"
    assert f"from octet {1_448 + len(read.event.data) - 1} on" in finding.what


def test_octets_that_were_read_twice() -> None:
    records = true_journal()

    assert blamed(doubled(records, of(records, StreamRead, "client")[0])) == {"stream intact"}


def test_octets_that_were_never_read() -> None:
    records = true_journal()
    reads = of(records, StreamRead, "server")

    assert blamed(without(records, reads[-1])) == {"stream intact"}
    assert blamed(without(records, reads[0])) == {"stream intact"}


def test_octets_that_nobody_wrote() -> None:
    records = true_journal()

    assert blamed(without(records, of(records, StreamWritten, "server")[0])) == {"stream intact"}


def test_a_connection_that_failed_may_have_read_less() -> None:
    records = true_journal()
    reads = of(records, StreamRead, "server")
    failed = without(records, reads[-1], *of(records, ConnectionClosed, "server"))

    assert blamed(failed) == set()


def test_an_application_that_left_may_have_read_less() -> None:
    records = true_journal()
    read = of(records, StreamRead, "server")[-1]
    left = changed(records, read, data=b"")
    left = doubled(left, read, lambda event: ConnectionReleased(event.connection))

    assert blamed(left) == set()


def test_without_a_witness_nothing_is_known_of_streams() -> None:
    records = true_journal()
    blind = without(records, *of(records, StreamRead), *of(records, StreamWritten))

    assert verdict(blind).of("stream intact").outcome is Outcome.UNKNOWN


def test_a_change_that_has_no_row() -> None:
    records = true_journal()
    closing = change(records, "client", State.FIN_WAIT_2)

    assert "legal path" in blamed(changed(records, closing, cause=Cause.FIN_ARRIVED))
    assert "legal path" in blamed(changed(records, closing, new=State.TIME_WAIT))


def test_a_change_that_was_left_out() -> None:
    records = true_journal()

    assert blamed(without(records, change(records, "client", State.FIN_WAIT_2))) == {"legal path"}


def test_a_connection_that_does_not_begin_in_closed() -> None:
    records = true_journal()
    first = of(records, StateChanged, "client")[0]

    assert "legal path" in blamed(without(records, first))


def test_a_connection_that_ends_twice() -> None:
    records = true_journal()
    end = change(records, "client", State.CLOSED)

    assert blamed(doubled(records, end)) == {"legal path"}


def test_an_illegal_transition_that_was_told() -> None:
    records = true_journal()
    end = change(records, "client", State.CLOSED)
    told = doubled(records, end, lambda event: IllegalTransition(event.connection, State.CLOSED, Cause.ACK_OF_FIN))

    assert blamed(told) == {"legal path"}


def test_paths_are_those_of_the_states() -> None:
    names = {connection.local: path for connection, path in check.paths(true_journal()).items()}

    assert names == {
        "10.0.1.1": [
            State.CLOSED,
            State.SYN_SENT,
            State.ESTABLISHED,
            State.FIN_WAIT_1,
            State.FIN_WAIT_2,
            State.TIME_WAIT,
            State.CLOSED,
        ],
        "10.0.2.1": [
            State.CLOSED,
            State.LISTEN,
            State.SYN_RECEIVED,
            State.ESTABLISHED,
            State.CLOSE_WAIT,
            State.LAST_ACK,
            State.CLOSED,
        ],
    }


def test_something_that_stays() -> None:
    assert blamed(true_journal(minutes=1)) == {"all closed"}
    assert verdict(true_journal(minutes=1)).of("TIME_WAIT lasts 2 MSL").outcome is Outcome.UNKNOWN
