"""Write the JSON Schema and the test vectors of the wire format into docs/, or check that they are up to date.

``python -m tcplab.wire.schema`` writes, ``python -m tcplab.wire.schema --check`` exits with 1 where a file is stale.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from tcplab.wire import vectors
from tcplab.wire.json import Envelope

SCHEMA_FILE: Final = "wire-format.schema.json"
VECTORS_FILE: Final = "wire-format.vectors.json"

_DOCS: Final = Path(__file__).parents[3] / "docs"


class _Untitled(GenerateJsonSchema):
    """Pydantic's generator, without a title that repeats the name of each field."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        """Return ``False``: names say enough."""
        return False


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one message."""
    return {"$schema": _Untitled.schema_dialect, **Envelope.model_json_schema(schema_generator=_Untitled)}


def documents() -> Mapping[str, str]:
    """Return the contents of the generated files, by name."""
    return {name: json.dumps(content, indent=2) + "\n" for name, content in _contents().items()}


def _contents() -> dict[str, object]:
    return {SCHEMA_FILE: schema(), VECTORS_FILE: vectors.document()}


def stale(docs: Path) -> list[Path]:
    """Return the files in a folder that differ from what would be written, or are not there."""
    paths = {docs / name: text for name, text in documents().items()}
    return [path for path, text in paths.items() if not path.is_file() or path.read_text("utf-8") != text]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tcplab.wire.schema", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 where a file is stale")
    parser.add_argument("--docs", type=Path, default=_DOCS, metavar="FOLDER", help="where the files are (%(default)s)")
    options = parser.parse_args(arguments)
    if options.check:
        names = ", ".join(str(path) for path in stale(options.docs))
        if names:
            print(f"stale: {names}; run python -m tcplab.wire.schema", file=sys.stderr)
        return 1 if names else 0
    if not options.docs.is_dir():
        print(f"no folder {options.docs}; run from a checkout of the sources, or name one by --docs", file=sys.stderr)
        return 1
    for name, text in documents().items():
        (options.docs / name).write_text(text, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
