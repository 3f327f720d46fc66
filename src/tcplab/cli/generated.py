"""Writes generated files, or says whether they are up to date."""

import sys
from pathlib import Path


def write_or_check(text: str, path: Path, command: str, *, check: bool) -> int:
    """Write ``text`` to ``path``, or compare; return the exit code.

    Args:
        text: what the file is to hold.
        path: the file.
        command: what makes it, for whoever has to be told.
        check: compare only.
    """
    if not check:
        path.write_text(text, encoding="utf-8", newline="\n")
        return 0
    try:
        up_to_date = path.read_text(encoding="utf-8") == text
    except OSError as error:
        sys.stderr.write(f"{path}: {error.strerror}; make it with: {command}\n")
        return 1
    if not up_to_date:
        sys.stderr.write(f"{path} is out of date; make it anew with: {command}\n")
    return 0 if up_to_date else 1
