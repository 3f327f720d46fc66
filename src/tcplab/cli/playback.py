"""Shows a story: all at once, or at a human pace, with every segment moving as long as it is under way."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from tcplab.cli.story import Item
from tcplab.observe.ladder.text import STATE_STYLES, Layout, TextLadder
from tcplab.tcp.states import State
from tcplab.units import Instant, in_seconds

BUDGET: Final = 26.0  # seconds that the whole may take; the rest of the 30 is for starting and the summary
LEAP: Final = 1.0  # seconds that leaping over a wait takes
REMARK: Final = 0.8  # seconds to read a remark
FRAME: Final = 0.04  # seconds between two pictures


class Printer:
    """Turns items into lines."""

    def __init__(self, console: Console, layout: Layout) -> None:
        self._console = console
        self._ladder = TextLadder(layout)
        self._layout = layout

    def header(self) -> None:
        """Print the names above the lifelines."""
        self._print([self._ladder.header()])

    def show(self, item: Item) -> None:
        """Print an item for good."""
        self._print(self._lines(item))

    def moving(self, items: Sequence[Item], now: Instant) -> list[Text]:
        """Return the rows that have begun and not ended, as far as they have come."""
        lines: list[Text] = []
        for item in items:
            if item.row is not None:
                way = item.end - item.start
                lines += self._ladder.peek(item.row, (now - item.start) / way if way else 1.0)
        return lines

    def _lines(self, item: Item) -> list[Text]:
        if item.row is not None:
            return self._ladder.draw(item.row)
        if item.kind == "heading":
            return [Text(), Text(item.text, "bold")]
        if item.kind == "remark":
            return self._ladder.remark(item.text, "italic cyan")
        text = Text(f"{'count by state':>21}  ", style="bright_black")
        return [text.append_text(counts(item.states, self._layout.glyphs.dot))]

    def _print(self, lines: Sequence[Text]) -> None:
        for line in lines:
            self._console.print(line, no_wrap=True, overflow="crop", crop=True)


def counts(states: Sequence[tuple[State, int]], dot: str) -> Text:
    """Return the count by state in one line."""
    if not states:
        return Text("nothing is left", STATE_STYLES[State.CLOSED])
    parts = [(f"{state.name} {count}", STATE_STYLES[state]) for state, count in states]
    return Text(dot, "bright_black").join(Text(*part) for part in parts)


def at_once(printer: Printer, items: Sequence[Item]) -> None:
    """Show a story without any pace."""
    printer.header()
    for item in items:
        printer.show(item)


def speed(items: Sequence[Item], budget: float = BUDGET) -> float:
    """Return how many times faster than in truth to play, 1 unless the budget of real seconds needs more."""
    pauses, moving, now = 0.0, 0.0, items[0].start if items else Instant(0)
    for item in items:
        pauses += _pause(item)
        if not _is_gap(item):
            moving += in_seconds(max(0, item.end - now))
        now = max(now, item.end)
    return max(1.0, (pauses + moving) / budget)


def at_a_pace(
    console: Console,
    printer: Printer,
    items: Sequence[Item],
    *,
    sleep: Callable[[float], None] = time.sleep,
    read: Callable[[], float] = time.monotonic,
) -> None:
    """Play a story: in true time while anything is under way, leaping over waits, within :data:`BUDGET` seconds."""
    player = _Player(console, printer, items, factor=speed(items), sleep=sleep, read=read)
    printer.header()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        player.play(live)


class _Player:
    def __init__(
        self,
        console: Console,
        printer: Printer,
        items: Sequence[Item],
        *,
        factor: float,
        sleep: Callable[[float], None],
        read: Callable[[], float],
    ) -> None:
        self._console = console
        self._printer = printer
        self._items = list(items)
        self._factor = factor
        self._sleep, self._read = sleep, read
        self._now = items[0].start if items else Instant(0)
        self._states: tuple[tuple[State, int], ...] = ()

    def play(self, live: Live) -> None:
        while self._items:
            first = self._items[0]
            if _is_gap(first):
                self._show_first()
                self._spend(live, LEAP / self._factor, first.end, "leaping over a wait")
            elif first.row is None:
                self._show_first()
                self._spend(live, _pause(first) / self._factor, self._now, "")
            elif first.end <= self._now:
                self._show_first()
            else:
                self._advance(live, first.end)

    def _show_first(self) -> None:
        item = self._items.pop(0)
        self._states = item.states or self._states
        self._printer.show(item)

    def _advance(self, live: Live, until: Instant) -> None:
        """Let true time pass until an instant, or until a later row is complete."""
        real = in_seconds(until - self._now) / self._factor
        self._spend(live, real, until, "" if self._factor == 1 else f"{self._factor:.1f} times true pace")

    def _spend(self, live: Live, real: float, until: Instant, word: str) -> None:
        """Let ``real`` seconds pass while the lab's time goes on to ``until``."""
        start, begins = self._now, self._read()
        ends = begins + real
        while (clock := self._read()) < ends:
            self._now = start + round((until - start) * (clock - begins) / real)
            live.update(Group(*self._picture(word)), refresh=True)
            self._sleep(min(FRAME, ends - clock))
        self._now = max(self._now, until)

    def _picture(self, word: str) -> list[Text]:
        begun = []
        for item in self._items:
            if item.row is None or item.start > self._now or _is_gap(item):
                break
            begun.append(item)
        clock = Text(f"{in_seconds(self._now):8.3f}  ", style="bold").append_text(counts(self._states, ", "))
        return [*self._printer.moving(begun, self._now), clock.append(f"  {word}", style="italic bright_black")]


def _is_gap(item: Item) -> bool:
    return item.row is not None and item.row.kind == "gap"


def _pause(item: Item) -> float:
    if _is_gap(item):
        return LEAP
    return REMARK if item.kind == "remark" else 0.0
