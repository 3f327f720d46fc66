"""The mutants: for each clause about how connections live and die, a mistake that breaks it."""

from typing import Final

from tests.rfc.mutant import Mutant

_ISN: Final = (
    Mutant(
        "the ISN's clock stands still",
        ("MUST-8",),
        "tcp/isn.py",
        "(now // _TICK + numbers(name)[0])",
        "numbers(name)[0]",
    ),
    Mutant(
        "the ISN's offset needs no key",
        ("MUST-9",),
        "tcp/isn.py",
        "blake2b(digest_size=_BOTH.size, key=key)",
        "blake2b(digest_size=_BOTH.size)",
    ),
)

_OPENING: Final = (
    Mutant(
        "an OPEN to everybody is sent",
        ("MUST-46",),
        "tcp/host.py",
        "if not is_unicast(call.remote):",
        "if False:",
    ),
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
        "tcp/connection.py",
        "from_listen = self.passive and self.state is State.SYN_RECEIVED",
        "from_listen = self.state is State.SYN_RECEIVED",
    ),
    Mutant(
        "SYN_RECEIVED forgets that the OPEN was passive",
        ("MUST-11",),
        "tcp/connection.py",
        "from_listen = self.passive and self.state is State.SYN_RECEIVED",
        "from_listen = False",
    ),
    Mutant(
        "a second LISTEN takes the place of the first",
        ("MUST-41",),
        "tcp/listener.py",
        "if call.port in self._listeners:",
        "if False:",
    ),
    Mutant(
        "no port of a connection can be listened on",
        ("MUST-42",),
        "tcp/host.py",
        "            self._listeners.listen(call, ",
        "            assert all(port != call.port for _, _, port in self._table)\n"
        "            self._listeners.listen(call, ",
    ),
    Mutant(
        "nobody asks for the local address",
        ("MUST-44", "MUST-45"),
        "tcp/effects.py",
        "now, self._address, target, segment, ecn)",
        "now, Address('0.0.0.0'), target, segment, ecn)",
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
        "self.tell(Failed(self.id, reason), effects)",
        "self.tell(Closed(self.id), effects)",
    ),
    Mutant(
        "a peer's FIN is told to nobody",
        ("MUST-12",),
        "tcp/text.py",
        "c.tell(PeerClosed(c.id), effects)",
        "pass",
    ),
    Mutant(
        "TIME_WAIT lasts one MSL",
        ("MUST-13",),
        "tcp/config.py",
        "return 2 * self.msl",
        "return self.msl",
    ),
    Mutant(
        "a retransmitted FIN does not restart TIME_WAIT",
        ("MUST-13",),
        "tcp/time_wait/rfc9293.py",
        "return Reply(acknowledge=True, restart=True, record=kept)",
        "return Reply(acknowledge=True, restart=False, record=kept)",
    ),
)

_RETRANSMISSION: Final = (
    Mutant(
        "a round trip is timed whatever was sent again",
        ("MUST-18",),
        "tcp/recovery.py",
        "if not segments or any(segment.times > 1 for segment in segments):",
        "if not segments:",
    ),
    Mutant(
        "the timeout does not back off",
        ("MUST-19",),
        "tcp/rtt.py",
        "min(2 * self.rto, self._config.rto_max)",
        "min(self.rto, self._config.rto_max)",
    ),
    Mutant(
        "the network is never too full",
        ("MUST-19",),
        "tcp/recovery.py",
        "return self.control.cwnd - self.flight.pipe",
        "return self.control.cwnd",
    ),
    Mutant(
        "R2 never comes",
        ("MUST-20",),
        "tcp/timers.py",
        "        if r2 is None:\n            self._give_up = None\n",
        "        if True:\n            self._give_up = None\n",
    ),
    Mutant(
        "R2 is that of the host",
        ("MUST-21",),
        "tcp/host.py",
        "self._births.give(self._name(key), call.config, now, iss, call.token)",
        "self._births.give(self._name(key), None, now, iss, call.token)",
    ),
    Mutant(
        "a SYN is never given up",
        ("MUST-22",),
        "tcp/emission.py",
        "c.config.r2_syn if c.user_timeout is None",
        "None if c.user_timeout is None",
    ),
    Mutant(
        "a SYN is given up after two minutes",
        ("MUST-23",),
        "tcp/config.py",
        "R2_SYN_DEFAULT: Final = 3 * MINUTE",
        "R2_SYN_DEFAULT: Final = 2 * MINUTE",
    ),
)

_KEEP_ALIVE: Final = (
    Mutant(
        "keep-alives heed no application",
        ("MUST-24",),
        "tcp/connection.py",
        "self.keep_alive = KeepAlive(self.config) if call.keep_alive else None",
        "pass",
    ),
    Mutant(
        "keep-alives are on",
        ("MUST-25",),
        "tcp/config.py",
        "keep_alive: bool = False",
        "keep_alive: bool = True",
    ),
    Mutant(
        "a keep-alive is sent though data is outstanding",
        ("MUST-26",),
        "tcp/emission.py",
        "if snd.nxt > snd.una or c.state not in _KEPT_ALIVE:",
        "if c.state not in _KEPT_ALIVE:",
    ),
    Mutant(
        "a keep-alive is sent though the peer was heard",
        ("MUST-26",),
        "tcp/arrival.py",
        "accept(stamps[0], seq, now)\n    if c.keep_alive is not None:\n",
        "accept(stamps[0], seq, now)\n    if False:\n",
    ),
    Mutant(
        "nothing sets the interval of keep-alives",
        ("MUST-27",),
        "tcp/timers.py",
        "self._idle = config.keep_alive_idle",
        "self._idle = Duration(7_200_000_000_000)",
    ),
    Mutant(
        "keep-alives begin after one hour",
        ("MUST-28",),
        "tcp/config.py",
        "KEEP_ALIVE_IDLE_DEFAULT: Final = 120 * MINUTE",
        "KEEP_ALIVE_IDLE_DEFAULT: Final = 60 * MINUTE",
    ),
    Mutant(
        "a keep-alive without an answer ends the connection",
        ("MUST-29",),
        "tcp/timers.py",
        "if self.asked >= self._limit:",
        "if self.asked:",
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
        "elif (unsent or (c.fin_queued and not c.fin_sent)) and not flying:",
        "elif False:",
    ),
    Mutant(
        "R2 ends a connection whose probes are answered",
        ("MUST-37",),
        "tcp/arrival.py",
        "c.timer.alive(c.r2)",
        "pass",
    ),
    Mutant(
        "whatever the window admits is sent at once",
        ("MUST-38",),
        "tcp/emission.py",
        "            if usable <= 0 or snd.nxt > snd.una:\n"
        "                break\n"
        "            if 2 * usable < snd.max_wnd:\n",
        "            if usable <= 0:\n                break\n            if False:\n",
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
        "return seq == rcv.nxt and not length",
        "return False",
    ),
)

_ACKNOWLEDGING: Final = (
    Mutant(
        "what acknowledges is followed by an ACK",
        ("MUST-58",),
        "tcp/emission.py",
        "    c.ack_due = False\n    c.ack_at = None\n",
        "    c.ack_due = c.ack_due and bool(payload)\n    c.ack_at = None\n",
    ),
    Mutant(
        "an ACK waits for half a second",
        ("MUST-40",),
        "tcp/text.py",
        "c.ack_at = now + delay",
        "c.ack_at = now + 500_000_000",
    ),
    Mutant(
        "an ACK goes out before the queue is looked at",
        ("MUST-59",),
        "tcp/text.py",
        "        payload = _through_holes(c, start, payload)\n",
        "        c.ack_due = True\n"
        "        emission.emit(c, now, effects)\n"
        "        payload = _through_holes(c, start, payload)\n",
    ),
)

MUTANTS: Final = (*_ISN, *_OPENING, *_CLOSING, *_RETRANSMISSION, *_KEEP_ALIVE, *_WINDOWS, *_ACKNOWLEDGING)
