from dataclasses import replace

import pytest

from tcplab.netem.events import LinkName, PacketDropped
from tcplab.node import Packet
from tcplab.observe.lines import FLOWS_LIMIT, Lines
from tcplab.observe.sightings import Sighting
from tcplab.units import Instant
from tcplab.wire.segment import Options, UserTimeout, flags_from_text
from tcplab.wire.seq import SeqNumber
from tests.netem.packets import CLIENT, SERVER, packet

CLIENT_ISN, SERVER_ISN = 4_294_967_295, 7_000


def segment(
    flags: str, seq: int, ack: int = 0, size: int = 0, *, back: bool = False, options: Options | None = None
) -> Packet:
    source, target, ports = (SERVER, CLIENT, (80, 49_152)) if back else (CLIENT, SERVER, (49_152, 80))
    made = packet(1, source=source, target=target, payload=bytes(size))
    return replace(
        made,
        segment=replace(
            made.segment,
            sport=ports[0],
            dport=ports[1],
            seq=SeqNumber(seq % 2**32),
            ack=SeqNumber(ack % 2**32),
            flags=flags_from_text(flags),
            options=options or Options(),
        ),
    )


def seen(packet: Packet, *, verdict: bool = False) -> Sighting:
    verdicts = (PacketDropped(packet, LinkName("client>server"), "loss", "loss", 0.25),) if verdict else ()
    return Sighting(1, Instant(5), "netem", "in", packet, verdicts)


def told(*packets: Packet, absolute: bool = False) -> list[str]:
    lines = Lines(str, absolute=absolute)
    return [lines.of(seen(each)).partition(": ")[2] for each in packets]


def test_a_line_has_time_ends_segment_and_what_was_decided() -> None:
    line = Lines(str).of(seen(segment("S", CLIENT_ISN), verdict=True))

    assert line == (
        "5 10.0.1.1.49152 > 10.0.2.1.80: Flags [S], seq 0, win 65535, length 0 | dropped: loss on draw 0.250000"
    )


def test_the_side_is_told_where_it_is_asked_for() -> None:
    assert Lines(str, sides=True).of(seen(segment("S", 1))).startswith("5 in     10.0.1.1.49152 > ")


def test_numbers_count_from_the_first_of_their_direction_and_wrap() -> None:
    assert told(
        segment("S", CLIENT_ISN),
        segment("SA", SERVER_ISN, CLIENT_ISN + 1, back=True),
        segment("PA", CLIENT_ISN + 1, SERVER_ISN + 1, 100),
    ) == [
        "Flags [S], seq 0, win 65535, length 0",
        "Flags [S.], seq 0, ack 1, win 65535, length 0",
        "Flags [P.], seq 1:101, ack 1, win 65535, length 100",
    ]


def test_a_connection_that_is_met_in_the_middle_counts_from_there() -> None:
    assert told(segment("A", 5_000, 900, 10), segment("A", 900, 5_010, back=True)) == [
        "Flags [.], seq 0:10, ack 0, win 65535, length 10",
        "Flags [.], seq 0, ack 10, win 65535, length 0",
    ]


def test_numbers_can_be_had_as_they_are() -> None:
    assert told(segment("PA", 5_000, 900, 10), absolute=True) == [
        "Flags [P.], seq 5000:5010, ack 900, win 65535, length 10"
    ]


def test_a_new_incarnation_counts_anew() -> None:
    assert [line.split(",")[1] for line in told(segment("S", 10), segment("A", 11), segment("S", 900))] == [
        " seq 0", " seq 1", " seq 0",
    ]  # fmt: skip


def test_what_a_segment_bears_besides_is_told() -> None:
    options = Options(
        mss=1460,
        wscale=7,
        sack_ok=True,
        timestamps=(1, 2),
        user_timeout=UserTimeout(30),
        other=((254, b"\x01"),),
    )
    marked = replace(segment("SEC", 1, options=options), ecn=3)

    assert told(marked) == [
        "ecn 3, Flags [SEW], seq 0, win 65535, "
        "options [mss 1460,wscale 7,sackOK,TS val 1 ecr 2,uto 30s,unknown-254 0x01], length 0"
    ]


def test_blocks_are_relative_as_acknowledgements_are() -> None:
    blocks = Options(sack=((SeqNumber(300), SeqNumber(400)),))

    assert "options [sack 200:300]" in told(segment("S", 100), segment("A", 9, 150, back=True, options=blocks))[1]


@pytest.mark.parametrize(("flags", "shown"), [("", "none"), ("U", "U"), ("FPA", "FP."), ("R", "R")])
def test_flags_are_tcpdumps(flags: str, shown: str) -> None:
    assert told(segment(flags, 1))[0].startswith(f"Flags [{shown}], ")


def test_an_urgent_pointer_is_told() -> None:
    urgent = segment("UA", 1, 1)

    assert "win 65535, urg 7, " in told(replace(urgent, segment=replace(urgent.segment, urgent=7)))[0]


def test_of_many_directions_the_oldest_is_forgotten() -> None:
    lines = Lines(str)
    first = segment("S", 100)
    lines.of(seen(first))
    for port in range(FLOWS_LIMIT):
        other = replace(first, segment=replace(first.segment, sport=port, dport=81))
        lines.of(seen(other))

    assert "seq 0," in lines.of(seen(segment("A", 500)))
