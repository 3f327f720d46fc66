"""A service as a process of this machine: started, listened to, told to stop."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds


class Service:
    """``python -m services.<role>``; leaving it as a context ends it."""

    def __init__(self, role: str, **settings: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TCPLAB_")}
        self.port = int(settings.setdefault("TCPLAB_METRICS_PORT", str(free_port())))
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"services.{role}"],
            cwd=ROOT, env=inherited | settings, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def says(self, text: str) -> str:
        """Wait until it says a line with ``text`` in it, and return the line."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{text!r} was not said within {PATIENCE:g} s, but {self.said}") from None
            self.said.append(line)
            if text in line:
                return line

    def terminate(self) -> None:
        """Tell it to stop."""
        self._process.send_signal(signal.SIGTERM)

    def ends(self) -> int:
        """Wait until it has ended; return its exit code, and have all that it said in ``said``."""
        code = self._process.wait(PATIENCE)
        self._reader.join()
        while not self._lines.empty():
            self.said.append(self._lines.get())
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
