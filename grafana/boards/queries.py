"""Every query that a board asks, ready to be put to a Prometheus."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parents[1] / "dashboards"

VARIABLES: Final = {"$job": ".+", "$instance": ".+", "$rabbitmq": ".+"}
"""What stands for a board's variables, as with everything selected."""


def panel_queries(folder: Path = FOLDER) -> list[tuple[str, str, str]]:
    """Return (board, panel, expression) of every query of every committed board, its variables replaced."""
    return [
        (board["uid"], panel["title"], substituted(target["expr"], target["interval"]))
        for board in (json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json")))
        for panel in panels(board)
        for target in panel.get("targets", ())
    ]


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the panels of a board, those in collapsed rows too, without the rows."""
    for panel in board["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels", ())


def substituted(expression: str, step: str) -> str:
    """Return an expression with its variables replaced, as Grafana does for the least step of so many seconds ("5s").

    Raises:
        ValueError: there is a variable that nobody knows.
    """
    values = VARIABLES | {"$__rate_interval": f"{4 * int(step.removesuffix('s'))}s"}
    for name, value in values.items():
        expression = expression.replace(name, value)
    if "$" in expression:
        raise ValueError(f"unknown variable in {expression!r}")
    return expression
