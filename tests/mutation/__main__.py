"""``python -m tests.mutation [--last]``: changes the engine everywhere, and counts the changes that no test notices.

mutmut makes and runs the mutants of functions (its settings are in pyproject.toml); the rows of the table of
transitions, which are in no function, are :mod:`tests.mutation.table`'s. What ``mypy --strict`` refuses cannot come
into the project, and does not count. ``--last`` looks at mutmut's last run again.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.mutation import table
from tests.mutation.equivalent import FILE, equivalents
from tests.mutation.verdicts import DIED, REFUSED, verdicts

WANTED: Final = 95  # percent


def main(arguments: Sequence[str]) -> int:
    """Run everything, say what lives, return 0 where enough died and the list of equivalents fits."""
    if "--last" not in arguments:
        ran = subprocess.run([sys.executable, "-m", "mutmut", "run"], check=False)
        if ran.returncode:
            return ran.returncode
    rows, living_rows = table.survivors()
    excuses = equivalents()
    counted: Counter[str] = Counter()
    excused, living = set(), []
    for verdict in verdicts():
        counted[verdict.status] += 1
        if verdict.status in ("killed", REFUSED):
            continue
        change = verdict.change()
        if change in excuses:  # one that ran out of time too: then the machine was busy
            excused.add(change)
            counted["equivalent"] += 1
            counted[verdict.status] -= verdict.status in DIED
        elif verdict.status not in DIED:
            living.append((verdict, change))
    for verdict, change in living:
        print(f"\n{verdict.name}: {verdict.status}\n{change}")
    for row in living_rows:
        print(f"\nstates.TRANSITIONS: survived\n{row}")
    idle = excuses.keys() - excused
    for change in idle:
        print(f"\n{FILE.name} excuses what does not live, or is not there any more:\n{change}")
    died = sum(counted[status] for status in DIED) + rows - len(living_rows)
    different = died + len(living) + len(living_rows)
    count = different + counted["equivalent"]
    print(
        f"\n{count} mutants ({rows} of the table; {counted[REFUSED]} more are refused by mypy): {died} died, "
        f"{different - died} live, {counted['equivalent']} change nothing.\n"
        f"{100 * died / count:.1f} % of all died, {100 * died / different:.1f} % of those that change anything; "
        f"{WANTED} % are wanted."
    )
    return 0 if 100 * died >= WANTED * different and not idle else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
