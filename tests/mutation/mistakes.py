"""The mistakes that real stacks have made, put into the engine one at a time, and the tests that each must fail."""

from typing import Final, NamedTuple

from tests.rfc.mutant import Mutant


class Mistake(NamedTuple):
    """A mutant, and the tests that it fails."""

    mutant: Mutant
    tests: tuple[str, ...]


def _mistake(name: str, module: str, old: str, new: str, *tests: str) -> Mistake:
    return Mistake(Mutant(name, (), f"tcp/{module}", old, new), tuple(f"tests/tcp/{test}" for test in tests))


MISTAKES: Final = (
    _mistake(
        "LAST_ACK and CLOSING close on any ACK",
        "arrival.py",
        "    if snd.wl1 < seq or (",
        "    if c.state.name in ('LAST_ACK', 'CLOSING'):\n"
        "        c.enter(ACK_OF_FIN, now, effects)\n"
        "        return c.state is not CLOSED\n"
        "    if snd.wl1 < seq or (",
        "test_close.py::test_only_the_ack_of_the_fin_goes_on",
    ),
    _mistake(
        "the ACK of some data closes as that of the FIN does",
        "arrival.py",
        "fin_acked = c.fin_sent and ack == snd.nxt",
        "fin_acked = c.fin_sent",
        "test_close.py::test_an_ack_of_data_before_the_fin_is_not_one_of_the_fin",
    ),
    _mistake(
        "a FIN in SYN_SENT is taken for a SYN",
        "opening.py",
        "    if not flags & SYN:\n        c.ignore(packet, Ignored.NO_SYN, effects)\n        return\n",
        "    if not flags & (SYN | 1):\n        c.ignore(packet, Ignored.NO_SYN, effects)\n        return\n",
        "test_handshake.py::test_a_fin_in_syn_sent_changes_nothing",
    ),
    _mistake(
        "a FIN in LISTEN is taken for a SYN",
        "opening.py",
        "    elif not segment.flags & SYN:\n",
        "    elif not segment.flags & (SYN | 1):\n",
        "test_handshake.py::test_a_fin_or_data_in_listen_changes_nothing",
    ),
    _mistake(
        "a FIN is taken before the hole in front of it is filled",
        "text.py",
        "    if c.peer_fin is not None and c.peer_fin == c.rcv.nxt:\n",
        "    if c.peer_fin is not None:\n",
        "test_close.py::test_a_fin_ahead_of_a_hole_waits_for_it",
    ),
    _mistake(
        "a simultaneous close never sends its FIN again",
        "connection.py",
        "if new is CLOSED or new is TIME_WAIT or new is LISTEN:",
        "if new in (CLOSED, TIME_WAIT, LISTEN) or new.name == 'CLOSING':",
        "test_close.py::test_a_simultaneous_close_sends_its_fin_again",
    ),
    _mistake(
        "a simultaneous open asks for a SYN that is set and not set",
        "opening.py",
        "    if not flags & ACK:\n        c.enter(SYN_ARRIVED, now, effects)\n",
        "    if not flags & ACK and not flags & SYN:\n        c.enter(SYN_ARRIVED, now, effects)\n",
        "test_handshake.py::test_simultaneous_open",
    ),
    _mistake(
        "a RST is answered with a RST",
        "reset.py",
        "    if segment.flags & RST:\n        return None\n",
        "",
        "test_reset.py::test_a_reset_in_syn_sent_needs_an_ack_of_the_syn",
    ),
    _mistake(
        "a RST outside of the window is answered with an ACK",
        "arrival.py",
        "if not segment.flags & RST and (not heard or seq < rcv.nxt):",
        "if not heard or seq < rcv.nxt:",
        "test_refusals.py::test_a_reset_outside_of_the_window_is_met_with_silence",
    ),
    _mistake(
        "a challenge ACK is answered with a challenge ACK",
        "arrival.py",
        "    if not segment.length:\n        _challenge(c, now, effects)\n        return\n    c.ack_due = True\n",
        "    c.ack_due = True\n",
        "test_acceptance.py::test_two_desynchronized_ends_do_not_acknowledge_each_other_for_ever",
    ),
    _mistake(
        "sequence numbers are compared as plain integers",
        "spaces.py",
        "return nxt + (ahead if 0 <= ahead < _HALF else seq_diff(seq, self.seq(nxt)))",
        "return seq - self.irs",
        "test_acceptance.py::test_what_lies_outside_of_the_window_is_answered_with_an_ack",
    ),
    _mistake(
        "acknowledgement numbers are compared as plain integers",
        "spaces.py",
        "return una + (ahead if 0 <= ahead < _HALF else seq_diff(ack, self.seq(una)))",
        "return ack - self.iss",
        "test_acceptance.py::test_what_lies_outside_of_the_window_is_answered_with_an_ack",
    ),
    _mistake(
        "an old ACK restarts the retransmission timer",
        "arrival.py",
        "    if ack < una:\n        return ",
        "    if ack < una:\n        c.timer.restart(now, c.rtt.rto, c.r2)\n        return ",
        "test_retransmission.py::test_an_old_acknowledgement_does_not_restart_the_timer",
    ),
    _mistake(
        "the throttle of challenge ACKs holds back the ACK that was lost",
        "arrival.py",
        "    if not segment.length:\n        _challenge(c, now, effects)\n        return\n    c.ack_due = True\n",
        "    _challenge(c, now, effects)\n    if not segment.length:\n        return\n",
        "test_acceptance.py::test_a_lost_ack_is_sent_again_however_often_and_soon",
    ),
    _mistake(
        "TIME_WAIT ignores a FIN that comes again",
        "time_wait/rfc9293.py",
        "        if is_fin_again(record, segment):\n"
        "            return Reply(acknowledge=True, restart=True, record=kept)\n",
        "",
        "test_time_wait.py::test_a_fin_that_comes_again_is_acknowledged_and_restarts_it",
    ),
    _mistake(
        "any segment restarts TIME_WAIT",
        "time_wait/rfc9293.py",
        "return Reply(acknowledge=reason in _ANSWERED, ignored=reason, record=kept)",
        "return Reply(acknowledge=reason in _ANSWERED, restart=True, ignored=reason, record=kept)",
        "test_time_wait.py::test_nothing_else_restarts_or_ends_it",
    ),
    _mistake(
        "TIME_WAIT polls every millisecond",
        "host.py",
        "        ends = self._records.deadline()\n",
        "        ends = self._records.deadline()\n        ends = ends and min(ends, Instant(self._now + 1_000_000))\n",
        "test_time_wait.py::test_it_lasts_two_minutes_twice",
    ),
    _mistake(
        "an entry in TIME_WAIT keeps the whole connection",
        "host.py",
        "        if connection.state is CLOSED:",
        "        self._unread[connection.id] = connection\n        if connection.state is CLOSED:",
        "test_time_wait.py::test_an_entry_is_small",
    ),
    _mistake(
        "a SYN loses its data",
        "opening.py",
        "        c.holes.insert(1, segment.payload[: c.rcv.wnd])\n",
        "        c.holes.insert(1, b'')\n",
        "test_handshake.py::test_data_on_the_syn_waits_for_the_handshake",
    ),
    _mistake(
        "a SYN's data is acknowledged in LISTEN",
        "opening.py",
        "        c.holes.insert(1, segment.payload[: c.rcv.wnd])\n",
        "        c.holes.insert(1, segment.payload[: c.rcv.wnd])\n        c.rcv.nxt += len(segment.payload)\n",
        "test_handshake.py::test_data_on_the_syn_waits_for_the_handshake",
    ),
)
