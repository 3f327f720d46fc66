"""Captures as Wireshark reads them: nothing is malformed, and it finds in them what the journal tells."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tcplab.netem.events import LinkName, PacketCorrupted, PacketForwarded
from tcplab.netem.profile import Profile
from tcplab.node import Event, Packet, PacketReceived
from tcplab.observe.journal import Record
from tcplab.observe.pcapng import Pcapng
from tcplab.observe.sightings import NETWORK, sightings
from tcplab.scenarios.lifecycle import BACK, THERE, lifecycle
from tcplab.scenarios.virtual import play
from tcplab.sim import storm
from tcplab.tcp.events import Retransmitted
from tcplab.units import Duration, Instant
from tcplab.wire.octets import encode
from tcplab.wire.segment import FIN
from tests.netem.packets import packet
from tests.support.tshark import frames

GOOD, BAD = "1", "0"  # statuses of a checksum
ALL_BUT_RESET = 31  # tcp.completeness: SYN, SYN and ACK, ACK, data, FIN
AGAIN = ("tcp.analysis.retransmission", "tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission")
DATA_OFFSET = range(96, 100)  # bits of a TCP header
CHECKSUMS = ("ip.checksum.status", "tcp.checksum.status")
TROUBLES = ("_ws.malformed", "_ws.short", "_ws.unreassembled")


def capture(path: Path, records: Sequence[Record[Event]], *sides: str) -> Path:
    """Write the sides of a run that are wanted."""
    writer = Pcapng("test")
    packets = [writer.packet(each) for each in sightings(records) if each.side in sides]
    path.write_bytes(writer.header() + b"".join(packets))
    return path


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_malformed_and_every_checksum_fits(seed: int, tmp_path: Path, tshark: str) -> None:
    records = storm.run(storm.draw(seed)).journal.records
    path = capture(tmp_path / "storm.pcapng", records, "in", "out")

    read = frames(tshark, path, "frame.protocols", *TROUBLES, *CHECKSUMS)

    assert len(read) == sum(1 for _ in sightings(records))
    assert {frame.one("ip.checksum.status") for frame in read} == {GOOD}
    assert {frame.one("tcp.checksum.status") for frame in read} == {GOOD}
    assert all(frame.one("frame.protocols").startswith("raw:ip:tcp") for frame in read)
    assert not any(frame[trouble] for frame in read for trouble in TROUBLES)


@pytest.mark.parametrize("dropped", [(), (1,), (4,), (4, 5), (6,)], ids=lambda each: f"dropped-{each}")
def test_it_agrees_on_handshake_retransmissions_and_fins(dropped: tuple[int, ...], tmp_path: Path, tshark: str) -> None:
    scenario = lifecycle(faults=False)
    profiles = {**scenario.profiles, THERE: replace(scenario.profiles[THERE], drop_list=frozenset(dropped))}
    journal = play(replace(scenario, profiles=profiles)).journal
    path = capture(tmp_path / "life.pcapng", journal.records, "in")

    read = frames(tshark, path, "ip.src", "tcp.seq_raw", "tcp.flags", "tcp.completeness", "tcp.stream", *AGAIN)

    again = [
        (frame.one("ip.src"), int(frame.one("tcp.seq_raw"))) for frame in read if any(frame[name] for name in AGAIN)
    ]
    told = [(str(record.event.connection.local), record.event.segment.seq) for record in journal.of(Retransmitted)]
    fins = [each.packet for each in sightings(journal.records) if each.side == "in" and each.packet.segment.flags & FIN]
    assert again == told
    assert sum(int(frame.one("tcp.flags"), 16) & FIN for frame in read) == len(fins) >= 2
    assert {frame.one("tcp.stream") for frame in read} == {"0"}
    assert int(read[-1].one("tcp.completeness")) == ALL_BUT_RESET  # it grows with each step that is seen


def test_both_sides_are_interfaces_and_verdicts_are_comments(tmp_path: Path, tshark: str) -> None:
    records = play(lifecycle()).journal.records
    path = capture(tmp_path / "both.pcapng", records, "in", "out")

    read = frames(tshark, path, "frame.interface_name", "frame.comment", "frame.time_epoch", "ip.id")

    seen = list(sightings(records))
    assert [frame.one("frame.interface_name") for frame in read] == [f"{NETWORK} {each.side}" for each in seen]
    assert [frame["frame.comment"] for frame in read] == [[each.comment] for each in seen]
    assert "dropped: list by droplist" in {each.comment for each in seen}
    times = [each.time for each in seen]
    assert [int(frame.one("frame.time_epoch").replace(".", "")) for frame in read] == times
    assert [int(frame.one("ip.id"), 16) for frame in read] == [each.packet.id & 0xFFFF for each in seen]


def test_a_packet_that_the_network_damaged_has_a_bad_checksum_where_it_leaves(tmp_path: Path, tshark: str) -> None:
    sound = packet(7, payload=b"some octets")
    path = capture(tmp_path / "damaged.pcapng", passing(sound, damaged(sound)), "in", "out")

    read = frames(tshark, path, *CHECKSUMS)

    assert [frame.one("tcp.checksum.status") for frame in read] == [GOOD, BAD]
    assert [frame.one("ip.checksum.status") for frame in read] == [GOOD, GOOD]


def test_what_leaves_with_a_bad_checksum_is_what_the_journal_says_was_corrupted(tmp_path: Path, tshark: str) -> None:
    profile = Profile.parse("delay 20ms corrupt 5%")
    run = storm.run(replace(storm.draw(10), profiles={THERE: profile, BACK: profile}))
    path = capture(tmp_path / "corrupt.pcapng", run.journal.records, "in", "out")

    read = frames(tshark, path, "frame.interface_name", *CHECKSUMS)

    struck = {(e.packet.source, e.packet.id): e.bit for e in (r.event for r in run.journal.of(PacketCorrupted))}
    seen = [each for each in sightings(run.journal.records) if each.side in ("in", "out")]
    bits = [struck.get((each.packet.source, each.packet.id)) if each.side == "out" else None for each in seen]
    assert len(run.journal.of(PacketCorrupted)) == sum(bit is not None for bit in bits) > 20
    assert [frame.one("frame.interface_name") for frame in read] == [f"{NETWORK} {each.side}" for each in seen]
    assert {frame.one("ip.checksum.status") for frame in read} == {GOOD}
    assert [frame["tcp.checksum.status"] != [GOOD] for frame in read] == [bit is not None for bit in bits]
    unread = [bit for frame, bit in zip(read, bits, strict=True) if not frame["tcp.checksum.status"]]
    assert all(bit in DATA_OFFSET for bit in unread)  # of a header whose length is wrong, nothing is verified


def damaged(packet: Packet) -> Packet:
    octets = bytearray(encode(packet.segment, packet.source, packet.target))
    octets[-1] ^= 1
    return replace(packet, octets=bytes(octets))


def passing(came: Packet, left: Packet) -> list[Record[Event]]:
    told = (PacketReceived(came), PacketForwarded(left, LinkName("client>server"), Duration(0)))
    return [Record(n, Instant(1), NETWORK, event) for n, event in enumerate(told, start=1)]
