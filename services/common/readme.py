"""Keeps the tables of variables in the services' READMEs as the settings are: ``python -m services.common.readme``.

With ``--check`` nothing is written; the exit code says whether the tables are up to date.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from services.client.settings import ClientSettings
from services.common.settings import ServiceSettings, variable
from services.lab.settings import LabSettings
from services.netem.settings import NetemSettings
from services.server.settings import ServerSettings

SERVICES: Final[Mapping[str, type[ServiceSettings]]] = {
    "client": ClientSettings,
    "server": ServerSettings,
    "netem": NetemSettings,
    "lab": LabSettings,
}
FOLDER: Final = Path(__file__).resolve().parents[1]
_BEGIN: Final = "<!-- variables: python -m services.common.readme -->\n"
_END: Final = "<!-- end of variables -->\n"


def table(kind: type[ServiceSettings]) -> str:
    """Return the variables of a service as a table in Markdown."""
    defaults = kind.model_construct().model_dump(mode="json")
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in kind.model_fields.items():
        default = "" if defaults[name] in (None, "") else f"`{defaults[name]}`"
        rows.append(f"| `{variable(name)}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def renewed(readme: str, kind: type[ServiceSettings]) -> str:
    """Return a README with its table as it must be.

    Raises:
        ValueError: the README has no place for it.
    """
    before, begin, rest = readme.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError("the README lacks the two comments between which the table stands")
    return before + begin + table(kind) + end + after


def main(arguments: list[str]) -> int:
    """Write the tables, or check them; return the exit code."""
    stale = []
    for service, kind in SERVICES.items():
        path = FOLDER / service / "README.md"
        old = path.read_text(encoding="utf-8")
        new = renewed(old, kind)
        if new == old:
            continue
        if "--check" in arguments:
            stale.append(service)
        else:
            path.write_text(new, encoding="utf-8")
    for service in stale:
        print(f"services/{service}/README.md is out of date; write it: python -m services.common.readme")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
