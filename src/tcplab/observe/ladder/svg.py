"""Draws a ladder's rows as an SVG picture: slanted arrows between two lifelines, which cross where segments did.

Down the page stands the order of things, not their time: time is written at the left. The same rows give the same
octets.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from tcplab.observe.ladder.rows import Row, Side
from tcplab.observe.ladder.text import duration_text, loss_text
from tcplab.tcp.states import State
from tcplab.units import START, Instant, in_seconds
from tcplab.wire.segment import FIN, RST, SYN

WIDTH: Final = 920
_X: Final[dict[Side, int]] = {"left": 235, "right": 715}
_OUT: Final[dict[Side, int]] = {"left": -14, "right": 14}
_TOP: Final = 74
_SLANT: Final = 22
_HEIGHTS: Final = {"whole": 40, "departs": 20, "arrives": 40, "lost": 40, "vanishes": 40, "state": 30, "gap": 44}
_NOTE: Final = 15
_PARTED: Final = 56  # room above an arrival whose departure stands elsewhere, for its label

_STATE_CLASS: Final = {
    State.CLOSED: "idle",
    State.LISTEN: "listen",
    State.SYN_SENT: "syn",
    State.SYN_RECEIVED: "syn",
    State.ESTABLISHED: "open",
    State.TIME_WAIT: "wait",
}

_LIGHT: Final = {
    "idle": "#d0d7de", "listen": "#d0d7de", "syn": "#0969da", "open": "#1a7f37", "fin": "#8250df", "wait": "#bf8700",
    "bad": "#cf222e", "data": "#57606a", "ink": "#1f2328", "faint": "#6e7781", "paper": "#ffffff",
}  # fmt: skip
_DARK: Final = {
    "idle": "#30363d", "listen": "#30363d", "syn": "#58a6ff", "open": "#3fb950", "fin": "#bc8cff", "wait": "#d29922",
    "bad": "#f85149", "data": "#8b949e", "ink": "#e6edf3", "faint": "#8b949e", "paper": "#0d1117",
}  # fmt: skip
_FONT: Final = "13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def _colours(palette: Mapping[str, str]) -> str:
    """Return the rules that depend on whether the page is light or dark."""
    paper, ink, faint = palette["paper"], palette["ink"], palette["faint"]
    rules = [f".paper {{ fill: {paper}; }} text {{ fill: {ink}; stroke: {paper}; }}"]
    for name, colour in palette.items():
        letters = faint if name in ("idle", "listen") else colour
        rules.append(f".s-{name} {{ stroke: {colour}; }} .f-{name} {{ fill: {letters}; }}")
    return " ".join([*rules, f".time, .gap, .note {{ fill: {faint}; }}"])


_STYLE: Final = f"""
text {{ font: {_FONT}; paint-order: stroke; stroke-width: 4px; stroke-linejoin: round; }}
.title {{ font-size: 16px; font-weight: bold; }} .state {{ font-weight: bold; }}
.time, .gap, .note {{ font-size: 12px; }} .note {{ font-style: italic; }}
.life {{ stroke-width: 5; }} .break {{ stroke-dasharray: 2 6; }}
.arrow {{ stroke-width: 1.6; fill: none; }} .copy {{ stroke-dasharray: 5 4; }}
{_colours(_LIGHT)}
@media (prefers-color-scheme: dark) {{ {_colours(_DARK)} }}
"""


class _Picture:
    def __init__(self, origin: Instant) -> None:
        self._origin = origin
        self.back: list[str] = []
        self.front: list[str] = []
        self._state: dict[Side, State] = {"left": State.CLOSED, "right": State.CLOSED}
        self._since: dict[Side, float] = {"left": _TOP, "right": _TOP}
        self._departed: dict[int, float] = {}  # flight -> where on the page it left
        self._y: float = _TOP
        self._time: Instant | None = None

    def draw(self, rows: Sequence[Row]) -> None:
        """Draw all rows, downward."""
        for n, row in enumerate(rows):
            if row.kind == "gap":
                self._gap(row)
                continue
            if row.kind == "arrives" and not row.copy:
                self._y += _PARTED
            self._stamp(row)
            if row.label is None:
                self._states(row, self._y, self._y)
            else:
                self._segment(row)
            self._y += _HEIGHTS[row.kind] + _NOTE * max(len(_at_end(row)), len(row.sent_notes) - 1, 0)
            following = rows[n + 1].kind if n + 1 < len(rows) else ""
            self._y += _SLANT if following in ("gap", "state", "") and row.kind != "state" else 0

    def finish(self) -> float:
        """End the lifelines; return how high the picture is."""
        self._life("left", self._y)
        self._life("right", self._y)
        return self._y + 20

    # --- lifelines ---

    def _stamp(self, row: Row) -> None:
        if row.start != self._time:
            self._time = row.start
            y = self._y + (_SLANT if row.kind == "arrives" else 0)
            self._text(70, y + 4, f"{in_seconds(row.start - self._origin):.3f} s", "time", anchor="end")

    def _states(self, row: Row, left: float, right: float) -> None:
        self._enter("left", row.left, left)
        self._enter("right", row.right, right)

    def _enter(self, side: Side, states: Sequence[State], y: float) -> None:
        for n, state in enumerate(states):
            if n == 0:
                self._life(side, y)
            self._state[side] = state
            anchor = "end" if side == "left" else "start"
            style = f"state f-{_class_of(state)}"
            self._text(_X[side] + _OUT[side], y + 5 + 16 * n, state.name, style, anchor=anchor)

    def _life(self, side: Side, y: float, style: str = "") -> None:
        if y > self._since[side]:
            x, name = _X[side], _class_of(self._state[side])
            dashed = " break" if style or name in ("idle", "listen") else ""
            self.back.append(_line(x, self._since[side], x, y, f"life s-{name}{dashed}"))
        self._since[side] = y

    def _gap(self, row: Row) -> None:
        self._life("left", self._y)
        self._life("right", self._y)
        self._y += _HEIGHTS["gap"]
        self._life("left", self._y, "break")
        self._life("right", self._y, "break")
        still = f", {row.in_network} in the network" if row.in_network else ""
        words = f"… {in_seconds(row.end - row.start):.1f} s{still} …"
        middle = (_X["left"] + _X["right"]) / 2
        self._text(middle, self._y - _HEIGHTS["gap"] / 2 + 4, words, "gap", anchor="middle")
        self._y += 20

    # --- segments ---

    def _segment(self, row: Row) -> None:
        sender: Side = row.sender
        receiver: Side = "right" if sender == "left" else "left"
        x1, x2, start = float(_X[sender]), float(_X[receiver]), self._y
        end = start + _SLANT
        style = _style_of(row)
        if row.kind == "departs":
            self._departed[row.flight] = start
            self._enter(sender, row.left if sender == "left" else row.right, start)
            self._notes(row.sent_notes, x1, start + 14, sender)
            return
        if row.kind in ("arrives", "vanishes"):
            start = self._departed.get(row.flight, start)
            if row.copy:
                x1 = x2 - (x2 - x1) * 0.7
                start = end - _SLANT
        if row.kind in ("lost", "vanishes"):
            x2, end = x1 + (x2 - x1) * 0.72, start + (end - start) * 0.72
        own, other = (row.left, row.right) if sender == "left" else (row.right, row.left)
        self._enter(sender, own, start)
        self._arrow(row, (x1, start), (x2, end), style)
        if row.kind in ("whole", "arrives"):
            self._enter(receiver, other, end)
            self._notes(_at_end(row), x2, end + 14, receiver)
        self._notes(row.sent_notes if row.kind != "arrives" else (), x1, start + 16, sender)

    def _arrow(self, row: Row, start: tuple[float, float], end: tuple[float, float], style: str) -> None:
        (x1, y1), (x2, y2) = start, end
        slope = math.degrees(math.atan2(y2 - y1, abs(x2 - x1)))
        angle = slope if x2 > x1 else -slope
        self.back.append(_line(x1, y1, x2, y2, f"arrow s-{style}{' copy' if row.copy else ''}"))
        label = str(row.label)
        if row.kind in ("lost", "vanishes"):
            self._text(x2 + (4 if x2 > x1 else -4), y2 + 5, "✗", "state f-bad", anchor="middle")
            self._text(
                x2 + (16 if x2 > x1 else -16), y2 + 5, loss_text(row), "note", anchor="start" if x2 > x1 else "end"
            )
        else:
            self.front.append(_head(x2, y2, x1, y1, style))
        if row.kind == "whole" and row.delay is not None:
            label += f" · {duration_text(row.delay)}"
        near = 0.74 if row.kind == "arrives" and not row.copy else 0.48
        x, y = x1 + (x2 - x1) * near, y1 + (y2 - y1) * near
        turn = f' transform="rotate({angle:.2f} {x:.1f} {y:.1f})"'
        self._text(x, y - 5, label, f"f-{style}", anchor="middle", more=turn)

    def _notes(self, notes: Iterable[str], x: float, y: float, side: Side) -> None:
        anchor, shift = ("start", 14) if side == "left" else ("end", -14)
        for n, note in enumerate(notes):
            self._text(x + shift, y + _NOTE * n, note, "note", anchor=anchor)

    def _text(self, x: float, y: float, text: str, style: str, *, anchor: str, more: str = "") -> None:
        self.front.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}"{more}>{escape(text)}</text>'
        )


def svg(
    rows: Iterable[Row], *, title: str, left: str = "client", right: str = "server", origin: Instant = START
) -> str:
    """Return the picture of a ladder.

    Args:
        rows: what :func:`tcplab.observe.ladder.ladder` made.
        title: stands above, and names the picture for those who cannot see it.
        left: what the left lifeline is called.
        right: the same at the right.
        origin: from when time is counted.
    """
    picture = _Picture(origin)
    picture.draw(list(rows))
    height = picture.finish()
    names = "".join(
        f'<text x="{x}" y="56" text-anchor="middle" class="title">{escape(name)}</text>'
        for x, name in ((_X["left"], left), (_X["right"], right))
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height:.0f}" rx="8" class="paper"/>',
            f'<text x="20" y="26" class="note">{escape(title)}</text>',
            names,
            *picture.back,
            *picture.front,
            "</svg>",
            "",
        ]
    )


def _at_end(row: Row) -> list[str]:
    """Return what to say beside the arrival."""
    if row.delay is None or row.kind != "arrives":
        return list(row.notes)
    delay = duration_text(row.delay)
    return [f"network's copy, {delay} old" if row.copy else f"after {delay}", *row.notes]


def _class_of(state: State) -> str:
    return _STATE_CLASS.get(state, "fin")


def _style_of(row: Row) -> str:
    flags = row.label.flags if row.label is not None else 0
    if row.copy:
        return "wait"
    if row.kind in ("lost", "vanishes") or flags & RST:
        return "bad"
    if flags & SYN:
        return "syn"
    if flags & FIN:
        return "fin"
    return "open" if row.label is not None and row.label.length else "data"


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'


def _head(x: float, y: float, from_x: float, from_y: float, style: str) -> str:
    """Return an arrow's head whose tip touches the lifeline."""
    way = math.hypot(x - from_x, y - from_y) or 1.0
    dx, dy = (x - from_x) / way, (y - from_y) / way
    x, y = x - 3 * dx, y - 3 * dy
    base_x, base_y = x - 10 * dx, y - 10 * dy
    points = (x, y), (base_x - 4 * dy, base_y + 4 * dx), (base_x + 4 * dy, base_y - 4 * dx)
    return f'<polygon points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}" class="f-{style}"/>'
