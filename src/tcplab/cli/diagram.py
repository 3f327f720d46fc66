"""``python -m tcplab.cli.diagram [docs/states.md] [--check]``: writes down the states and what the engine takes."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tcplab.check import relation
from tcplab.cli.generated import write_or_check
from tcplab.tcp.diagram import page


def main(arguments: Sequence[str]) -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tcplab.cli.diagram", description=__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=Path("docs/states.md"))
    parser.add_argument("--check", action="store_true", help="say whether the file is up to date, and write nothing")
    options = parser.parse_args(arguments)
    text = page() + relation.page(relation.search_all())
    return write_or_check(text, options.path, f"python -m tcplab.cli.diagram {options.path}", check=options.check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
