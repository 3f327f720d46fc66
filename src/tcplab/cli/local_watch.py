"""What a lab in one process has come to, for its table and its summary."""

from collections import Counter, defaultdict
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tcplab.apps.events import TransferCompleted, TransferCorrupted, TransferFailed
from tcplab.netem.events import PacketDropped, PacketDuplicated
from tcplab.node import Event, PacketSent
from tcplab.observe.ladder.text import STATE_STYLES
from tcplab.tcp.events import ConnectionOpened, IllegalTransition, Retransmitted, StateChanged
from tcplab.tcp.states import State
from tcplab.units import Duration, Instant, in_seconds

HOSTS: Final = ("client", "server")
_SHOWN: Final = tuple(state for state in State if state is not State.CLOSED)
_BAR: Final = 24  # columns


class Watch:
    """Counts what matters to people; the nodes' own metrics count everything."""

    def __init__(self, began: Instant) -> None:
        self._began = began
        self._ended: Instant | None = None
        self.states: dict[str, Counter[State]] = defaultdict(Counter)
        """By node, how many connections and listeners are in each state."""
        self.events: dict[str, Counter[type[Event]]] = defaultdict(Counter)
        """By node, how often each type of event came."""
        self.failures: Counter[str] = Counter()
        """Failed transfers of the client, by reason."""

    def observe(self, node: str, event: Event, _: Instant) -> None:
        """Count an event."""
        self.events[node][type(event)] += 1
        if isinstance(event, StateChanged):
            states = self.states[node]
            states[event.old] -= 1
            states[event.new] += 1
        elif isinstance(event, TransferFailed) and node == "client":
            self.failures[event.reason] += 1

    def end(self, now: Instant) -> None:
        """Take note that no more connections are opened from now on."""
        self._ended = now

    @property
    def flawless(self) -> bool:
        """Whether no stream was corrupted and no state left by a way that the table does not know."""
        return not any(
            events[kind] for events in self.events.values() for kind in (TransferCorrupted, IllegalTransition)
        )

    def count(self, kind: type[Event], *nodes: str) -> int:
        """Return how often a type of event came from some nodes."""
        return sum(self.events[node][kind] for node in nodes)

    def facts(self, now: Instant) -> dict[str, str]:
        """Return the figures that a summary names."""
        run = in_seconds((self._ended or now) - self._began)
        opened = self.count(ConnectionOpened, "client")
        failed = sum(self.failures.values())
        why = f" ({', '.join(f'{reason} {count}' for reason, count in self.failures.items())})" if failed else ""
        return {
            "connections": f"{opened:,} opened in {run:.1f} s, {opened / run if run else 0:.1f} a second",
            "transfers": f"{self.count(TransferCompleted, 'client'):,} completed, {failed:,} failed{why}, "
            f"{self.count(TransferCorrupted, *HOSTS):,} corrupted",
            "segments": f"{self.count(PacketSent, *HOSTS):,} sent, {self.count(Retransmitted, *HOSTS):,} of them again",
            "network": f"{self.count(PacketDropped, 'netem'):,} dropped, "
            f"{self.count(PacketDuplicated, 'netem'):,} copied",
        }

    def by_state(self) -> str:
        """Return the count by state of both hosts in one line."""
        return " | ".join(
            f"{host} " + (" ".join(f"{s.name} {self.states[host][s]}" for s in _SHOWN if self.states[host][s]) or "-")
            for host in HOSTS
        )

    def line(self, now: Instant) -> str:
        """Return what there is to know in one line, for logs."""
        done = self.count(TransferCompleted, "client")
        failed = sum(self.failures.values())
        return f"{in_seconds(now - self._began):8.1f} s | {self.by_state()} | transfers {done} failed {failed}"

    def table(self, now: Instant, time_wait: Duration) -> Group:
        """Return the live table."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("state", min_width=13)
        for host in HOSTS:
            table.add_column(host, justify="right", min_width=7)
            table.add_column("", min_width=_BAR)
        most = max([1, *(self.states[host][state] for host in HOSTS for state in _SHOWN)])
        for state in _SHOWN:
            cells: list[str | Text] = [Text(state.name, STATE_STYLES[state])]
            for host in HOSTS:
                count = self.states[host][state]
                bar = "█" * max(bool(count), round(count / most * _BAR))
                cells += [str(count) if count else "", Text(bar, STATE_STYLES[state])]
            table.add_row(*cells)
        facts = Table(box=None, pad_edge=False, show_header=False)
        for name, fact in self.facts(now).items():
            facts.add_row(Text(name, "bright_black"), fact)
        facts.add_row(Text("TIME_WAIT", "bright_black"), f"lasts {in_seconds(time_wait):g} s")
        return Group(table, Text(), facts)
