"""The words that say which segments are meant, and which segments those are."""

from dataclasses import replace

import pytest

from tcplab.netem.faults import parse_rule
from tcplab.netem.flows import Flows
from tcplab.netem.grammar import GrammarError
from tcplab.netem.match import Place, What
from tcplab.netem.match_words import read_what
from tcplab.netem.patterns import Road
from tcplab.netem.roles import DEFAULT_ROLES, Roles
from tcplab.netem.sentence import Sentence
from tcplab.netem.strike import Strike
from tcplab.node import Address
from tcplab.wire.segment import ECE
from tests.netem.dialogue import handshake, segment

SYN, SYN_ACK, ACK = handshake()
DATA = segment("A", 100, 500, b"GET /")
PUSH = segment("PA", 105, 500, b"x")
FIN = segment("FA", 106, 500)
RESET = segment("R", 107)
ANSWER = segment("A", 500, 106, b"ok", back=True)
ACK_OF_FIN = segment("A", 502, 107, back=True)
HIS_FIN = segment("FA", 502, 107, back=True)
LAST_ACK = segment("A", 107, 503)
LIFE = {
    "syn": SYN, "syn,ack": SYN_ACK, "ack": ACK, "data": DATA, "push": PUSH, "data again": DATA, "answer": ANSWER,
    "fin": FIN, "fin again": FIN, "ack of fin": ACK_OF_FIN, "his fin": HIS_FIN, "last ack": LAST_ACK, "reset": RESET,
}  # fmt: skip


def role_of(address: Address) -> str | None:
    return Roles(DEFAULT_ROLES).of(address)


def meant(text: str) -> list[str]:
    """Return which segments of a life fit, whichever occurrence is asked for."""
    what = read_what(Sentence(text))
    flows, looks = Flows(role_of), what.looks()
    found = []
    for name, packet in LIFE.items():
        sight, _ = flows.came(packet)
        flows.left(packet)
        road = Road(packet.source, role_of(packet.source), packet.target, role_of(packet.target))
        if what.concerns(road) and looks(packet, sight):
            found.append(name)
    return found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("segment", list(LIFE)),
        ("syn", ["syn"]),
        ("syn+ack", ["syn,ack"]),
        ("ack", ["ack", "ack of fin", "last ack"]),
        ("data", ["data", "push", "data again", "answer"]),
        ("fin", ["fin", "fin again", "his fin"]),
        ("fin+ack", ["fin", "fin again", "his fin"]),
        ("rst", ["reset"]),
        ("psh", ["push"]),
        ("ack of fin", ["ack of fin", "his fin", "last ack"]),
        ("ack of the fin without fin", ["ack of fin", "last ack"]),
        ("ack of fin from server", ["ack of fin", "his fin"]),
        ("retransmitted segment", ["data again", "fin again"]),
        ("retransmission", ["data again", "fin again"]),
        ("retransmitted data", ["data again"]),
        ("new data", ["data", "push", "answer"]),
        ("new fin", ["fin", "his fin"]),
        ("fin from server", ["his fin"]),
        ("fin to server", ["fin", "fin again"]),
        ("data from 10.0.1.1", ["data", "push", "data again"]),
        ("data from *:80", ["answer"]),
        ("data to server:80", ["data", "push", "data again"]),
        ("data to *:81", []),
        ("segment with syn", ["syn", "syn,ack"]),
        ("segment exactly syn", ["syn"]),
        ("segment exactly fin+ack from server", ["his fin"]),
        ("data without psh", ["data", "data again", "answer"]),
        ("data with 5 octets", ["data", "data again"]),
        ("data with 2.. octets", ["data", "data again", "answer"]),
        ("data with ..2 octets", ["push", "answer"]),
        ("data with 1..2 octets", ["push", "answer"]),
        ('data with text "ET"', ["data", "data again"]),
        ("data with hex 6f6b", ["answer"]),
        ("segment while client in FIN_WAIT_1", ["fin again", "ack of fin"]),
        ("segment when the server in close_wait,last-ack", ["fin again", "ack of fin", "his fin", "last ack"]),
        ("segment while 10.0.2.1 in SYN_RECEIVED", ["ack"]),
    ],
)
def test_what_is_meant(text: str, names: list[str]) -> None:
    assert meant(text) == names


def test_other_flags_do_not_matter() -> None:
    syn = replace(SYN, segment=replace(SYN.segment, flags=SYN.segment.flags | ECE))

    assert read_what(Sentence("syn")).looks()(syn, None)
    assert not read_what(Sentence("syn without ece")).looks()(syn, None)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("drop the 2nd FIN from the server", "drop 2nd fin from server"),
        ("drop every SYN+ACK", "drop syn+ack"),
        ("hold the last data segment until 300 ms after the FIN", "hold last data until 300ms after fin"),
        ("drop the ACK of the FIN", "drop 1st ack of fin"),
        ("drop 10% of SYN from client", "drop 10% of syn from client"),
        ("drop the first retransmission", "drop 1st retransmitted segment"),
        ("drop first 3 segments of each connection", "drop first 3 segment of each connection"),
        ("drop 1st fin from server of each connection", "drop 1st fin of each connection from server"),
        ("drop 22nd data to 10.0.2.1:80 when server in close_wait", "drop 22nd data to 10.0.2.1:80 while server in "
         "CLOSE_WAIT"),
        ("hold every ack for 5 ms", "hold ack for 5ms"),
        ("hold data until fin from client", "hold data until fin from client"),
        ("duplicate fin 3 times", "duplicate fin 3 times"),
        ("duplicate fin 1 times", "duplicate fin"),
        ('corrupt data with text "a \\"b\\" #c"', 'corrupt data with text "a \\"b\\" #c"'),
        ("mark data with 0..9 octets", "mark data with 0..9 octets"),
        ("drop 1st data with 5.. octets", "drop 1st data with 5.. octets"),
        ("drop 111th ack", "drop 111th ack"),
    ],
)  # fmt: skip
def test_a_rule_is_printed_in_one_way(text: str, canonical: str) -> None:
    rule = parse_rule(text)

    assert str(rule) == canonical
    assert parse_rule(canonical) == rule


def test_a_rule_is_a_value() -> None:
    assert parse_rule("drop fin from server:80") == Strike("drop", What("fin", source=Place("server", 80)))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("drop", "at the end of 'drop': a segment, such as data or syn+ack, is missing"),
        ("drop fun", "'fun' at column 6: no segment is called so; there are segment, data, retransmission, fin, syn, "
         "rst, psh, ack, urg, ece, cwr, also joined as in syn+ack; did you mean 'fin'?"),
        ("drop syn+", "'syn+' at column 6: no segment is called so; there are segment, data, retransmission, fin, syn, "
         "rst, psh, ack, urg, ece, cwr, also joined as in syn+ack; did you mean 'syn'?"),
        ("drop 2th fin", "'2th' at column 6: it must be '2nd'"),
        ("drop 11st fin", "'11st' at column 6: it must be '11th'"),
        ("drop first 0 fin", "'0' at column 12: how many must be 1 or more"),
        ("drop last fin", "'fin' at column 11: only of data can be told which is the last: by the FIN that follows it"),
        ("drop last retransmitted data", "'data' at column 25: only of data can be told which is the last: by the FIN "
         "that follows it"),
        ("drop 0% of fin", "'0%' at column 6: a share of 0% is none"),
        ("drop 101% of fin", "'101%' at column 6: the share must be from 0% to 100%"),
        ("drop 10% fin", "'fin' at column 10: there must be 'of': 'of' and a segment"),
        ("drop ack of the syn", "'syn' at column 17: there must be 'fin': 'fin'"),
        ("drop fin of every connection", "'every' at column 13: there must be 'each': 'of each connection'"),
        ("drop fin from server:0", "'server:0' at column 15: '0' is no port: a whole number, 1 to 65535"),
        ("drop fin from server:99999", "'server:99999' at column 15: '99999' is no port: a whole number, 1 to 65535"),
        ("drop fin from 10.0.2", "'10.0.2' at column 15: '10.0.2' is no role, no IPv4 address and not *"),
        ("drop fin from a from b", "'from' at column 17: nothing more may stand here"),
        ("drop data with 9..2 octets", "'9..2' at column 16: the greatest length is below the least"),
        ("drop data with 9 bytes", "'bytes' at column 18: there must be 'octets': 'octets'; did you mean 'octets'?"),
        ("drop data with text GET", "'GET' at column 21: it must be text in double quotes, such as \"GET\""),
        ('drop data with text "GET', "'\"GET' at column 21: it must be text in double quotes, such as \"GET\""),
        ('drop data with text ""', "'\"\"' at column 21: it must have 1 to 1024 octets"),
        ("drop data with hex 4", "'4' at column 20: it must be pairs of hexadecimal digits, such as 474554"),
        ("drop data with pish", "'pish' at column 16: these are no flags; there are fin, syn, rst, psh, ack, urg, ece, "
         "cwr, joined as in psh+ack; did you mean 'psh'?"),
        ("drop fin while server in CLOSED_WAIT", "'CLOSED_WAIT' at column 26: 'CLOSED_WAIT' is no state that segments "
         "show; there are CLOSED, SYN_SENT, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, "
         "LAST_ACK, TIME_WAIT; did you mean 'close_wait'?"),
        ("drop fin while server enters CLOSE_WAIT", "'enters' at column 23: there must be 'in': 'in' and a state"),
        ("hold fin", "at the end of 'hold fin': 'for TIME' or 'until [TIME after] SEGMENT' is missing"),
        ("hold fin for 0s", "'0s' at column 14: how long it is held is too short"),
        ("hold fin until 5s", "at the end of 'hold fin until 5s': 'after' and a segment is missing"),
        ("hold fin until 2nd fin", "'2nd' at column 16: how long after must be a time such as 100ms "
         "(units: s, ms, us, ns)"),
        ("duplicate fin 101 times", "'101' at column 15: no more than 100 copies"),
        ("duplicate fin 2", "at the end of 'duplicate fin 2': 'times' is missing"),
    ],
)  # fmt: skip
def test_an_error_points_at_the_word(text: str, error: str) -> None:
    with pytest.raises(GrammarError) as raised:
        parse_rule(text)

    assert str(raised.value) == error


@pytest.mark.parametrize(
    "text", ["drop fin from peer", "drop fin to peer", "drop fin while peer in CLOSED", "hold fin until fin from peer"]
)
def test_a_lab_without_such_a_role_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="'peer' is no role; there are client, server"):
        parse_rule(text).check(Roles(DEFAULT_ROLES))
