"""Writes grafana/dashboards/*.json; with ``--check``, says which of them are out of date."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from grafana.boards import broker, home, lifecycle, network, time_wait
from grafana.boards.parts import write

FOLDER: Final = Path("grafana/dashboards")


def generate() -> Mapping[str, str]:
    """Return the boards as files: name and content."""
    return {
        "home.json": write(home.build()),
        "connection-lifecycle.json": write(lifecycle.build()),
        "time-wait-and-ports.json": write(time_wait.build()),
        "network.json": write(network.build()),
        "broker.json": write(broker.build()),
    }


def main(arguments: Sequence[str]) -> int:
    """Write the boards, or check them; return the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m grafana.boards [--check]", file=sys.stderr)
        return 2
    made = generate()
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    if not arguments:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in found.keys() - made.keys():
            (FOLDER / name).unlink()
        for name, content in made.items():
            (FOLDER / name).write_text(content, encoding="utf-8")
        return 0
    stale = sorted(name for name in found.keys() | made.keys() if found.get(name) != made.get(name))
    for name in stale:
        print(f"{FOLDER / name} is out of date: run `python -m grafana.boards`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
