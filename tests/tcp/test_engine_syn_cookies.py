"""SYN cookies on a host: which SYNs are answered so, what is remembered, what is not believed (RFC 4987, 3.6)."""

from dataclasses import replace

import pytest

from tcplab.tcp.app import Accept, Listen, Opened
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.ecn import ECT_0
from tcplab.tcp.events import Ignored, ListenDropped, SegmentIgnored, SynCookie
from tcplab.tcp.states import State
from tcplab.tcp.syn_cookies import MSS_TABLE
from tcplab.wire.segment import Options
from tcplab.wire.seq import seq_diff
from tests.support.options import EVERYTHING, blocks, clock, stamped
from tests.support.states import Wires
from tests.support.tcp import CLIENT_PORT, SERVICE, Seg, Wire, ack, data, fin, prompt, syn

ALWAYS = prompt(syn_cookies="always")
FULL = prompt(syn_cookies="when_full")
OFF = prompt(syn_cookies="off")
PERIOD = 64.0  # seconds: of the count in a cookie


def listening(
    wires: Wires, config: TcpConfig = ALWAYS, *, backlog: int = 1, manual: bool = False, own: TcpConfig | None = None
) -> Wire:
    wire = wires(config)
    wire.local_port, wire.peer_port = SERVICE, CLIENT_PORT
    wire.call(Listen(SERVICE, backlog, manual, own))
    wire.heard()
    return wire


def ask(wire: Wire, seg: Seg | None = None, at: float | None = None, *, port: int = CLIENT_PORT) -> int:
    """Let a SYN arrive; return the number that acknowledges the answer to it."""
    [answer] = wire.arrives(syn() if seg is None else seg, at, peer_port=port)
    assert answer.flags.startswith("SA")
    return answer.seq + 1


def cookies(wire: Wire) -> list[str]:
    return [event.what for _, event in wire.seen(SynCookie)]


def drops(wire: Wire) -> list[str]:
    return [event.reason for _, event in wire.seen(ListenDropped)]


# --- when --------------------------------------------------------------------------------------------------------


def test_while_there_is_room_every_syn_is_kept(wires: Wires) -> None:
    wire = listening(wires, FULL, backlog=2)

    for port in (1, 2):
        assert ask(wire, port=port) == 1
    assert cookies(wire) == []

    assert ask(wire, port=3) != 1
    assert cookies(wire) == ["sent"]
    assert [status.connection.remote_port for status in wire.statuses] == [1, 2]


@pytest.mark.rfc("RFC4987-3.6")
def test_room_that_is_made_ends_the_cookies(wires: Wires) -> None:
    wire = listening(wires, FULL)
    ask(wire, port=1)
    ask(wire, port=2)
    wire.arrives(ack(1, 1), peer_port=1)

    assert ask(wire, port=3) == 1
    assert cookies(wire) == ["sent"]


def test_without_cookies_what_finds_no_room_is_not_answered(wires: Wires) -> None:
    wire = listening(wires, OFF)
    ask(wire, port=1)

    assert wire.arrives(syn(), peer_port=2) == []
    assert drops(wire) == ["syn_queue_full"]
    assert cookies(wire) == []


def test_without_cookies_no_number_is_one(wires: Wires) -> None:
    """What a host with the same key would take as a cookie is refused where they are off."""
    number = ask(listening(wires, ALWAYS))
    wire = listening(wires, OFF)

    assert wire.arrives(ack(1, number)) == [Seg("R", number)]
    assert wire.statuses == []


def test_a_listeners_own_settings_decide(wires: Wires) -> None:
    wire = listening(wires, OFF, own=ALWAYS)

    number = ask(wire)
    assert wire.statuses == []
    wire.arrives(ack(1, number))
    assert wire.state is State.ESTABLISHED
    assert cookies(wire) == ["sent", "accepted"]


# --- what is remembered ------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC4987-3.6")
@pytest.mark.parametrize("mss", [60, 64, 535, 536, 1_219, 1_459, 1_460, 9_000])
def test_the_mss_is_remembered_rounded_down(wires: Wires, mss: int) -> None:
    wire = listening(wires, replace(ALWAYS, mss=8_960))
    wire.arrives(ack(1, ask(wire, syn(mss=mss))))

    largest = max([size for size in MSS_TABLE if size <= mss], default=MSS_TABLE[0])
    assert len(wire.send(bytes(20_000))[0].data) == largest


@pytest.mark.rfc("RFC4987-3.6")
@pytest.mark.parametrize("wscale", [None, 0, 7, 14])
@pytest.mark.parametrize("sack_ok", [False, True])
def test_options_are_remembered_in_the_timestamp(wires: Wires, wscale: int | None, sack_ok: bool) -> None:
    wire = listening(wires)
    number = ask(wire, replace(syn(), options=Options(1_460, wscale, sack_ok, (5, 0))))
    told = wire.last.options
    assert (told.wscale is None, told.sack_ok) == (wscale is None, sack_ok)

    wire.arrives(stamped(ack(1, number, window=100), 6, clock(wire)))
    wire.arrives(stamped(data(11, number, b"x", window=100), 7, clock(wire)))

    assert wire.status.snd_wnd == 100 << (wscale or 0)
    assert blocks(wire) == ([(11, 12)] if sack_ok else [])


def test_ecn_is_remembered_in_the_timestamp(wires: Wires) -> None:
    wire = listening(wires, replace(ALWAYS, ecn=True))
    number = ask(wire, Seg("SEC", 0, options=EVERYTHING))
    assert wire.packets[-1].segment.flags & 0x40

    wire.arrives(stamped(ack(1, number), 1_001, clock(wire)))
    wire.send(b"hello")

    assert wire.packets[-1].ecn == ECT_0


def test_the_first_numbers_are_those_of_the_cookie(wires: Wires) -> None:
    wire = listening(wires)
    number = ask(wire)

    wire.arrives(ack(1, number))

    assert (wire.snd_nxt, wire.rcv_nxt) == (number, 1)
    assert wire.send(b"hello") == [data(number, 1, b"hello")]


def test_the_window_is_that_of_the_segment_that_brings_the_cookie_back(wires: Wires) -> None:
    wire = listening(wires)

    wire.arrives(ack(1, ask(wire), window=333))

    assert wire.status.snd_wnd == 333


def test_data_with_the_cookie_are_taken_at_once(wires: Wires) -> None:
    """The peer's own ACK may have been lost; what follows it brings the cookie back as well."""
    wire = listening(wires)
    number = ask(wire)

    assert wire.arrives(data(1, number, b"hello")) == [ack(number, 6)]
    assert wire.receive() == b"hello"


def test_a_fin_with_the_cookie_is_taken_at_once(wires: Wires) -> None:
    wire = listening(wires)
    number = ask(wire)

    assert wire.arrives(fin(1, number)) == [ack(number, 2)]
    assert wire.state is State.CLOSE_WAIT


def test_a_connection_by_cookie_may_have_to_be_accepted(wires: Wires) -> None:
    wire = listening(wires, manual=True)
    wire.arrives(data(1, ask(wire), b"hello"))
    wire.heard()

    wire.call(Accept(SERVICE))

    assert isinstance(wire.heard()[0], Opened)
    assert wire.receive() == b"hello"


def test_a_cookie_for_which_no_place_is_left_comes_again(wires: Wires) -> None:
    wire = listening(wires, manual=True)
    numbers = {port: ask(wire, port=port) for port in (1, 2)}
    wire.arrives(ack(1, numbers[1]), peer_port=1)

    assert wire.arrives(ack(1, numbers[2]), peer_port=2) == []
    assert drops(wire) == ["accept_queue_full"]
    wire.call(Accept(SERVICE))
    wire.arrives(data(1, numbers[2], b"again"), peer_port=2)

    assert [status.state for status in wire.statuses] == [State.ESTABLISHED] * 2


# --- what is not believed ----------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC4987-3.6")
@pytest.mark.parametrize(("made", "back"), [(0.0, 2 * PERIOD), (PERIOD - 1, 2 * PERIOD), (PERIOD, 3 * PERIOD)])
def test_a_cookie_is_too_old_after_two_periods(wires: Wires, made: float, back: float) -> None:
    """It was valid until just before; a later cookie is out as well, so that its age alone is the reason."""
    wire = listening(wires)
    number = ask(wire, at=made)
    ask(wire, at=made + PERIOD / 2, port=2)

    ask(wire, at=back, port=3)
    assert wire.arrives(ack(1, number), back) == [Seg("R", number)]

    assert wire.statuses == []
    assert cookies(wire) == ["sent"] * 3


@pytest.mark.parametrize(("made", "back"), [(0.0, 2 * PERIOD - 0.001), (PERIOD, 3 * PERIOD - 0.001)])
def test_until_then_it_is_good(wires: Wires, made: float, back: float) -> None:
    wire = listening(wires)

    wire.arrives(ack(1, ask(wire, at=made)), back)

    assert wire.state is State.ESTABLISHED


@pytest.mark.parametrize("seq", [0, 2, 1_000])
def test_a_cookie_is_good_for_the_peers_isn_alone(wires: Wires, seq: int) -> None:
    wire = listening(wires)
    number = ask(wire)

    assert wire.arrives(ack(seq, number)) == [Seg("R", number)]
    assert wire.statuses == []


def test_a_cookie_is_good_for_one_port_alone(wires: Wires) -> None:
    wire = listening(wires)
    number = ask(wire, port=1)

    assert wire.arrives(ack(1, number), peer_port=2) == [Seg("R", number)]
    assert [event.reason for _, event in wire.seen(SegmentIgnored)] == [Ignored.UNACCEPTABLE_ACK]


@pytest.mark.parametrize("bit", range(6))
def test_options_that_were_altered_are_not_believed(wires: Wires, bit: int) -> None:
    wire = listening(wires)
    number = ask(wire, replace(syn(), options=EVERYTHING))

    assert wire.arrives(stamped(ack(1, number), 1_001, clock(wire) ^ 1 << bit))[0].flags == "R"
    assert wire.statuses == []


def test_a_cookie_that_comes_back_twice_makes_one_connection(wires: Wires) -> None:
    wire = listening(wires)
    number = ask(wire)

    wire.arrives(ack(1, number))
    assert wire.arrives(ack(1, number)) == []

    assert len(wire.statuses) == 1
    assert cookies(wire) == ["sent", "accepted"]


def test_a_reset_for_a_cookie_ends_nothing(wires: Wires) -> None:
    wire = listening(wires)
    number = ask(wire)

    assert wire.arrives(Seg("RA", 1, number)) == []
    wire.arrives(ack(1, number))

    assert wire.state is State.ESTABLISHED


# --- floods ------------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC4987-2.2")
def test_without_cookies_a_flood_keeps_everybody_out_until_r2(wires: Wires) -> None:
    wire = listening(wires, OFF, backlog=5)
    for port in range(1, 101):
        wire.arrives(syn(), 0.0, peer_port=port)
    assert drops(wire) == ["syn_queue_full"] * 95
    wire.run(179.0)

    assert wire.arrives(syn(), 179.9, peer_port=500) == []
    wire.run(180.0)
    assert ask(wire, at=180.0, port=500) == 1


def test_a_flood_of_forged_acks_makes_no_connection(wires: Wires) -> None:
    wire = listening(wires, FULL, backlog=2)
    for port in range(1, 11):
        wire.arrives(syn(), peer_port=port)

    for guess in range(1, 201):
        [answer] = wire.arrives(ack(1, guess * 4_194_301 % 2**31), peer_port=3)
        assert answer.flags == "R"
    assert len(wire.statuses) == 2


def test_cookies_differ_from_peer_to_peer(wires: Wires) -> None:
    wire = listening(wires)

    for port in range(1, 101):
        ask(wire, port=port)

    numbers = {seq_diff(packet.segment.seq, wire.iss) for packet in wire.packets}
    assert len(numbers) == 100
