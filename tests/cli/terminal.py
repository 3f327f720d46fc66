"""Running the command as people do: on a terminal, or through a pipe."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import NamedTuple

COMMAND = Path(sys.executable).with_name("tcplab")


class Ended(NamedTuple):
    """How a run ended: its exit code, what it wrote, how long it took in real seconds."""

    code: int
    output: str
    took: float


def piped(*arguments: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with its output caught."""
    return subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **environment},
        encoding="utf-8",
    )


def on_a_terminal(*arguments: str, interrupt_on: str = "", columns: int = 80, limit: float = 60) -> Ended:
    """Run the command on a pseudo-terminal; interrupt it once it has written ``interrupt_on``."""
    began = time.monotonic()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # what shells leave to whatever runs in their background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    hidden = ("NO_COLOR", "COLUMNS", "LINES")  # would hide what the terminal is
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    process = subprocess.Popen(
        [COMMAND, *arguments], stdin=its, stdout=its, stderr=its, env={**environment, "TERM": "xterm-256color"}
    )
    os.close(its)
    output = b""
    try:
        while time.monotonic() < began + limit:
            readable, _, _ = select.select([ours], [], [], 0.5)
            octets = _read(ours) if readable else None
            if octets == b"":
                break
            output += octets or b""
            if interrupt_on and interrupt_on.encode() in output:
                process.send_signal(signal.SIGINT)
                interrupt_on = ""
        code = process.wait(timeout=5)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    return Ended(code, output.decode(), time.monotonic() - began)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux's way of saying that the other side has closed
        return b""
