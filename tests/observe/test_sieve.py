from dataclasses import replace

import pytest

from tcplab.netem.events import LinkName, PacketDelayed, PacketDropped
from tcplab.node import Packet
from tcplab.observe.sieve import VERDICTS, Sieve
from tcplab.observe.sightings import Verdict
from tcplab.units import Duration
from tcplab.wire.segment import FIN
from tests.netem.packets import CLIENT, SERVER, packet

THERE, BACK = packet(1), packet(2, source=SERVER, target=CLIENT)
BACK = replace(BACK, segment=replace(BACK.segment, sport=80, dport=49_152))
LINK = LinkName("client>server")
DROPPED = (PacketDropped(THERE, LINK, "loss", "gemodel", 0.5),)
DELAYED = (PacketDelayed(THERE, LINK, Duration(5)),)


def test_without_a_wish_everything_passes() -> None:
    assert Sieve().passes(THERE, ())
    assert Sieve.of() == Sieve()


@pytest.mark.parametrize(
    "who", ["client", "10.0.1.1", "10.0.1.0/24", "10.0.1.1:49152", "client:49152", ":49152", "10.0.0.0/15"]
)
def test_hosts_are_named_by_role_address_prefix_or_port(who: str) -> None:
    source, target, either = Sieve.of(source=who), Sieve.of(target=who), Sieve.of(either=who)

    assert [sieve.passes(THERE, ()) for sieve in (source, target, either)] == [True, who == "10.0.0.0/15", True]
    assert [sieve.passes(BACK, ()) for sieve in (source, target, either)] == [who == "10.0.0.0/15", True, True]


@pytest.mark.parametrize("who", ["server", "10.0.1.2", "client:80", ":443"])
def test_other_hosts_do_not_pass(who: str) -> None:
    assert not Sieve.of(source=who).passes(THERE, ())


@pytest.mark.parametrize(
    "who", ["", ":", "nobody", "10.0.1.300", "10.0.1.1/24", "client:http", "client:70000", "client:-1"]
)
def test_what_names_no_host_is_refused(who: str) -> None:
    with pytest.raises(ValueError, match="names no host: write client, server, "):
        Sieve.of(source=who)


def test_all_flags_that_are_asked_for_must_be_there() -> None:
    fin = replace(THERE, segment=replace(THERE.segment, flags=THERE.segment.flags | FIN))

    def passing(flags: str, *packets: Packet) -> list[bool]:
        return [Sieve.of(flags=flags).passes(each, ()) for each in packets]

    assert passing("F", THERE, fin) == [False, True]
    assert passing("FA", THERE, fin) == [False, True]
    assert passing("A", THERE, fin) == [True, True]
    assert passing("S", THERE, fin) == [False, False]


def test_a_flag_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="'X' is unknown"):
        Sieve.of(flags="SX")


@pytest.mark.parametrize(
    ("sieve", "dropped", "delayed"),
    [
        (Sieve.of(verdict="dropped"), True, False),
        (Sieve.of(verdict="delayed"), False, True),
        (Sieve.of(rule="gemodel"), True, False),
        (Sieve.of(rule="loss"), False, False),
        (Sieve.of(verdict="dropped", rule="gemodel"), True, False),
    ],
)
def test_what_was_decided_and_by_which_rule_can_be_asked_for(sieve: Sieve, dropped: bool, delayed: bool) -> None:
    assert (sieve.passes(THERE, DROPPED), sieve.passes(THERE, DELAYED)) == (dropped, delayed)
    assert sieve.passes(THERE, (*DELAYED, *DROPPED)) == (dropped or delayed)


def test_every_verdict_can_be_asked_for_and_no_other() -> None:
    assert set(VERDICTS.values()) == set(Verdict.__args__)
    assert "dropped" in VERDICTS
    with pytest.raises(ValueError, match="'lost' is no verdict; there are forwarded, dropped, "):
        Sieve.of(verdict="lost")
