"""``python -m tcplab.cli.picture docs/ladder.svg [--check]``: draws the lifecycle scenario's ladder for the README."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tcplab.cli.generated import write_or_check
from tcplab.observe.ladder import ladder
from tcplab.observe.ladder.svg import svg
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.virtual import play


def main(arguments: Sequence[str]) -> int:
    """Write or check the picture; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tcplab.cli.picture", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--check", action="store_true", help="say whether the file is up to date, and write nothing")
    options = parser.parse_args(arguments)
    run = play(lifecycle())
    text = svg(ladder(run.journal.records), title="The life and death of a TCP connection, drawn from its journal")
    return write_or_check(text, options.path, f"python -m tcplab.cli.picture {options.path}", check=options.check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
