"""Debian's packages, for tests that need a program which is not there: one installation at a time."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 600
POLICY = Path("/usr/sbin/policy-rc.d")


def available() -> bool:
    """Return whether this is Debian or one of its kind, and we are root."""
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


def install(package: str, folder: Path) -> bool:
    """Install a package, and return whether that went well; what it serves does not start by itself.

    Args:
        package: its name.
        folder: the run's, in which its processes find the lock: apt does not wait for another apt.
    """
    print(f"installing {package}", flush=True)
    with (folder / "apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _nothing_starts():
            _apt_get("update")
            return _apt_get("install", "--no-install-recommends", package)


def _apt_get(*words: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        answer = subprocess.run(
            ["apt-get", "-qq", "--yes", *words],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False, env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        print(f"apt-get: {error}", flush=True)
        return False
    if answer.returncode:
        print(f"apt-get {words[0]}: {answer.stderr.decode(errors='replace').strip()}", flush=True)
    return answer.returncode == 0


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """Keep apt from starting a service for the whole machine."""
    fresh = not POLICY.exists()
    if fresh:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if fresh:
            POLICY.unlink()
