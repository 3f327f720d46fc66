"""Wireshark's own reading of a capture: tshark, found on PATH, or installed by apt."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import apt
from tests.support.broker import FOLDER

CHECKSUMS = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
_WAYS = "tshark on PATH, or root on Debian, where apt installs it"


class Frame(dict[str, list[str]]):
    """What tshark says of a packet, by the names of its fields; a field that is absent has no values."""

    def __missing__(self, _: str) -> list[str]:
        return []

    def one(self, name: str) -> str:
        """Return the value of a field that stands once."""
        (value,) = self[name]
        return value


@pytest.fixture(scope="session")
def tshark() -> str:
    """The program; where it is not there, the first worker that wants it lets apt install it."""
    program = shutil.which("tshark")
    if program is None and apt.available() and apt.install("tshark", Path(os.environ[FOLDER])):
        program = shutil.which("tshark")
    if program is None:
        pytest.fail(f"there is no tshark to read captures with. The tests need one of: {_WAYS}", pytrace=False)
    return program


def frames(tshark: str, capture: Path, *names: str, arguments: Sequence[str] = ()) -> list[Frame]:
    """Return some fields of every packet of a capture, checksums verified."""
    fields = [word for name in names for word in ("-e", name)]
    answer = subprocess.run(
        [tshark, "-r", capture, "-n", *CHECKSUMS, *arguments, "-T", "json", *fields],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    packets: list[dict[str, Any]] = json.loads(answer.stdout)
    return [Frame(packet["_source"]["layers"]) for packet in packets]
