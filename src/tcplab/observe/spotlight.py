"""A few connections, followed through their states at a pace that a scrape can see.

SYN_SENT lasts a tenth of a second, and a scrape every second would hardly ever meet it. So each slot plays back what
its connection went through: it shows one state at a scrape, each for ``dwell`` at least, skips none, and ends at the
current one. What it shows is true, in order, and late.
"""

from collections import deque
from math import inf
from typing import Final

from tcplab.observe.catalogue import SPOTLIGHT_SLOTS, STATE_CODES
from tcplab.tcp.events import ConnectionId, StateChanged
from tcplab.tcp.states import State
from tcplab.units import SECOND, Duration, Instant

NO_CONNECTION: Final = 0
DWELL_DEFAULT: Final = 2 * SECOND  # two scrapes of the lab's Prometheus, so that one may fail
PATIENCE: Final = 10  # dwells
PATIENT_SLOTS: Final = 2  # follow their connection to its end; the others turn to one that has more to show
CANDIDATES: Final = 64
LONGEST_PATH: Final = 64  # states that wait to be shown


class _Path:
    """The states that a connection entered and that were not shown to the end."""

    __slots__ = ("listener", "states")

    def __init__(self, listener: bool) -> None:
        self.listener = listener
        self.states: deque[State] = deque()


class _Slot:
    """What a slot follows; the first state of its path is the one that is shown."""

    __slots__ = ("connection", "path", "patient", "since")

    def __init__(self, patient: bool) -> None:
        self.patient = patient
        self.connection: ConnectionId | None = None
        self.path: _Path | None = None
        self.since: Instant | None = None


class Spotlight:
    """Chooses connections and plays their paths back.

    A free slot takes the connection whose path holds what has not been shown for longest, so that rare states such as
    CLOSING get their turn; slot 0 takes a listener if there is one. Between two connections a slot shows none.
    """

    def __init__(self, dwell: Duration = DWELL_DEFAULT) -> None:
        self._dwell = dwell
        self._paths: dict[ConnectionId, _Path] = {}
        self._waiting: dict[ConnectionId, _Path] = {}  # those of the paths that no slot follows
        self._slots = tuple(_Slot(number < PATIENT_SLOTS) for number in range(SPOTLIGHT_SLOTS))
        self._shown: dict[State, int] = dict.fromkeys(State, -1)  # when a slot last showed it, or chose it to be shown

    def changed(self, event: StateChanged) -> None:
        """Note a step; this is on the path of every transition, and costs two look-ups for most."""
        connection = event.connection
        path = self._paths.get(connection)
        if path is None:
            if event.old is not State.CLOSED or len(self._waiting) >= CANDIDATES:
                return
            listener = not connection.remote_port
            if listener and any(other.listener for other in self._paths.values()):
                return
            path = self._paths[connection] = self._waiting[connection] = _Path(listener)
        path.states.append(event.new)
        if len(path.states) > LONGEST_PATH:
            self._forget(connection)

    def codes(self, now: Instant) -> tuple[int, ...]:
        """Move each slot on by at most one state, and return the numbers that the slots show."""
        for slot in self._slots:
            if slot.since is None or now - slot.since >= self._dwell:
                self._step(slot, now)
        self._make_room()
        return tuple(STATE_CODES[slot.path.states[0]] if slot.path else NO_CONNECTION for slot in self._slots)

    def _step(self, slot: _Slot, now: Instant) -> None:
        path = slot.path
        if path is None:
            self._choose(slot, now)
        elif len(path.states) > 1:
            self._show_next(slot, path, now)
        elif path.states[0] is State.CLOSED or self._tired(slot, now):
            self._release(slot, now)

    def _choose(self, slot: _Slot, now: Instant) -> None:
        listeners = [connection for connection, path in self._waiting.items() if path.listener]
        ranked = self._ranked()
        if slot is self._slots[0] and listeners:
            chosen = listeners[0]
        elif ranked:
            chosen = ranked[0]
        else:
            return
        slot.connection, slot.path = chosen, self._waiting.pop(chosen)
        self._shown.update(dict.fromkeys(slot.path.states, now))  # the next slot is to choose something else
        slot.since = now

    def _ranked(self) -> list[ConnectionId]:
        """Return the candidates, those first whose states were not shown for longest, and the newer of equals."""

        def last_shown(connection: ConnectionId) -> list[float]:
            return [*sorted(self._shown[state] for state in set(self._waiting[connection].states)), inf]

        newest_first = [name for name, path in reversed(self._waiting.items()) if not path.listener]
        return sorted(newest_first, key=last_shown)

    def _show_next(self, slot: _Slot, path: _Path, now: Instant) -> None:
        path.states.popleft()
        self._shown[path.states[0]] = now
        slot.since = now

    def _tired(self, slot: _Slot, now: Instant) -> bool:
        """Return whether a slot has shown one state for long while another connection has more to show."""
        if slot.patient or slot.since is None or now - slot.since < PATIENCE * self._dwell:
            return False
        return any(not path.listener and len(path.states) > 1 for path in self._waiting.values())

    def _release(self, slot: _Slot, now: Instant) -> None:
        if slot.connection is not None:
            self._paths.pop(slot.connection, None)
        slot.connection, slot.path, slot.since = None, None, now

    def _forget(self, connection: ConnectionId) -> None:
        """Drop a path that runs on faster than it can be shown."""
        self._paths.pop(connection, None)
        self._waiting.pop(connection, None)
        for slot in self._slots:
            if slot.connection == connection:
                slot.connection, slot.path = None, None

    def _make_room(self) -> None:
        """Once there are many candidates, keep the better half."""
        if len(self._waiting) >= CANDIDATES:
            for connection in self._ranked()[CANDIDATES // 2 :]:
                del self._waiting[connection], self._paths[connection]
