"""``python -m tests.rfc [docs/rfc-coverage.md] [--check]``: writes down which test shows which clause of which RFC."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tcplab.cli.generated import write_or_check
from tests.rfc.markers import collect
from tests.rfc.mutant import ROOT
from tests.rfc.mutants import MUTANTS
from tests.rfc.other import OTHER_CLAUSES
from tests.rfc.page import page
from tests.rfc.rfc9293 import LIFECYCLE, MAYS, MUSTS, SHOULDS
from tests.rfc.truth import problems

CATALOGUE: Final = {"MUST": MUSTS, "SHOULD": SHOULDS, "MAY": MAYS, "Other RFCs": OTHER_CLAUSES}


def main(arguments: Sequence[str]) -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.rfc", description=__doc__)
    parser.add_argument("path", type=Path, nargs="?", default=Path("docs/rfc-coverage.md"))
    parser.add_argument("--check", action="store_true", help="say whether the file is up to date, and write nothing")
    options = parser.parse_args(arguments)
    shown = collect(ROOT)
    wrong = problems([clause for clauses in CATALOGUE.values() for clause in clauses], shown, MUTANTS, LIFECYCLE)
    sys.stderr.writelines(f"{problem}\n" for problem in wrong)
    text = page(CATALOGUE, shown.tests, MUTANTS)
    return write_or_check(text, options.path, f"python -m tests.rfc {options.path}", check=options.check) or bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
