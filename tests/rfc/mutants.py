"""The mutants: for each clause about how connections live and die, a mistake that breaks it."""

from typing import Final

from tests.rfc.mutant import Mutant

_ISN: Final = (
    Mutant(
        "the ISN's clock stands still",
        ("MUST-8",),
        "tcp/isn.py",
        "(now // _TICK + offset) % MODULUS",
        "offset % MODULUS",
    ),
    Mutant(
        "the ISN's offset needs no key",
        ("MUST-9",),
        "tcp/isn.py",
        "blake2b(name, digest_size=4, key=key)",
        "blake2b(name, digest_size=4)",
    ),
)

_OPENING: Final = (
    Mutant(
        "a SYN that crosses ours ends the OPEN",
        ("MUST-10",),
        "tcp/states.py",
        "(_S.SYN_SENT, _C.SYN_ARRIVED): _S.SYN_RECEIVED,",
        "(_S.SYN_SENT, _C.SYN_ARRIVED): _S.CLOSED,",
    ),
    Mutant(
        "SYN_RECEIVED forgets that the OPEN was active",
        ("MUST-11",),
        "tcp/arrival.py",
        "from_listen = c.passive and c.state is State.SYN_RECEIVED",
        "from_listen = c.state is State.SYN_RECEIVED",
    ),
    Mutant(
        "SYN_RECEIVED forgets that the OPEN was passive",
        ("MUST-11",),
        "tcp/arrival.py",
        "from_listen = c.passive and c.state is State.SYN_RECEIVED",
        "from_listen = False",
    ),
    Mutant(
        "a second LISTEN takes the place of the first",
        ("MUST-41",),
        "tcp/host.py",
        "if call.port in self._listeners:",
        "if False:",
    ),
    Mutant(
        "no port of a connection can be listened on",
        ("MUST-42",),
        "tcp/host.py",
        "if call.port in self._listeners:",
        "if call.port in self._listeners or any(port == call.port for _, _, port in self._table):",
    ),
    Mutant(
        "nobody asks for the local address",
        ("MUST-44", "MUST-45"),
        "tcp/effects.py",
        "Packet(self._packet_id, now, self._address, target, segment)",
        'Packet(self._packet_id, now, Address("0.0.0.0"), target, segment)',
    ),
    Mutant(
        "a SYN for everybody is taken",
        ("MUST-57",),
        "tcp/host.py",
        "if packet.target != self.address:",
        'if packet.target.startswith("10.0.2."):',
    ),
    Mutant(
        "every segment tells the MSS",
        ("MUST-65",),
        "tcp/emission.py",
        "        options,\n        payload,\n",
        "        options._replace(mss=c.config.mss),\n        payload,\n",
    ),
)

_CLOSING: Final = (
    Mutant(
        "a reset is told as a close in order",
        ("MUST-12",),
        "tcp/connection.py",
        "effects.signals.append(Failed(self.id, reason))",
        "effects.signals.append(Closed(self.id))",
    ),
    Mutant(
        "a peer's FIN is told to nobody",
        ("MUST-12",),
        "tcp/arrival.py",
        "effects.signals.append(PeerClosed(c.id))",
        "pass",
    ),
    Mutant(
        "TIME_WAIT lasts one MSL",
        ("MUST-13",),
        "tcp/config.py",
        "return Duration(2 * self.msl)",
        "return Duration(self.msl)",
    ),
    Mutant(
        "a retransmitted FIN does not restart TIME_WAIT",
        ("MUST-13",),
        "tcp/time_wait/entry.py",
        "_FIN_AGAIN = Reply(acknowledge=True, restart=True, ignored=None)",
        "_FIN_AGAIN = Reply(acknowledge=True, restart=False, ignored=None)",
    ),
)

_RETRANSMISSION: Final = (
    Mutant(
        "a round trip is timed whatever was sent again",
        ("MUST-18",),
        "tcp/emission.py",
        "    c.timing = None\n    if c.state in (State.SYN_SENT, State.SYN_RECEIVED):",
        "    if c.state in (State.SYN_SENT, State.SYN_RECEIVED):",
    ),
    Mutant(
        "R2 never comes",
        ("MUST-20",),
        "tcp/timers.py",
        "        if r2 is None:\n            self._give_up = None\n",
        "        if True:\n            self._give_up = None\n",
    ),
    Mutant(
        "a SYN is never given up",
        ("MUST-22",),
        "tcp/emission.py",
        "c.timer.start(now, c.rtt.rto, c.config.r2_syn)",
        "c.timer.start(now, c.rtt.rto, None)",
    ),
    Mutant(
        "a SYN is given up after two minutes",
        ("MUST-23",),
        "tcp/config.py",
        "R2_SYN_DEFAULT: Final = Duration(3 * MINUTE)",
        "R2_SYN_DEFAULT: Final = Duration(2 * MINUTE)",
    ),
)

_WINDOWS: Final = (
    Mutant(
        "what a shrunken window admits is computed without sign",
        ("MUST-34",),
        "tcp/spaces.py",
        "return self.wnd - self.nxt + self.una",
        "return (self.wnd - self.nxt + self.una) % MODULUS",
    ),
    Mutant(
        "a window that shrinks to zero is not probed",
        ("MUST-35",),
        "tcp/arrival.py",
        "    if ack < snd.nxt:\n        c.timer.restart(",
        "    if ack < snd.nxt and snd.wnd:\n        c.timer.restart(",
    ),
    Mutant(
        "a window of zero is not probed",
        ("MUST-36",),
        "tcp/emission.py",
        "elif unsent or (c.fin_queued and not c.fin_sent):",
        "elif False:",
    ),
    Mutant(
        "R2 ends a connection whose probes are answered",
        ("MUST-37",),
        "tcp/arrival.py",
        "c.timer.alive(now, c.config.r2)",
        "pass",
    ),
    Mutant(
        "whatever the window admits is sent at once",
        ("MUST-38",),
        "tcp/emission.py",
        "if size < unsent and size < c.mss and snd.nxt > snd.una:",
        "if False:",
    ),
    Mutant(
        "every octet that is read widens the window",
        ("MUST-39",),
        "tcp/connection.py",
        "self.window_step = min(config.mss, config.receive_buffer // 2)",
        "self.window_step = 1",
    ),
    Mutant(
        "a closed window lets no reset in",
        ("MUST-66",),
        "tcp/arrival.py",
        "if seq == rcv.nxt and (rcv.edge != seq or not segment.length):",
        "if seq == rcv.nxt != rcv.edge:",
    ),
)

_ACKNOWLEDGING: Final = (
    Mutant(
        "what acknowledges is followed by an ACK",
        ("MUST-58",),
        "tcp/emission.py",
        "    c.ack_due = False\n",
        "    c.ack_due = c.ack_due and bool(payload)\n",
    ),
    Mutant(
        "an ACK goes out before the queue is looked at",
        ("MUST-59",),
        "tcp/arrival.py",
        "        payload = _through_holes(c, start, payload)\n",
        "        c.ack_due = True\n"
        "        emission.emit(c, now, effects)\n"
        "        payload = _through_holes(c, start, payload)\n",
    ),
)

MUTANTS: Final = (*_ISN, *_OPENING, *_CLOSING, *_RETRANSMISSION, *_WINDOWS, *_ACKNOWLEDGING)
