"""A process that keeps one broker for one run of the tests, and ends it whatever becomes of the run.

``python -m tests.support.keeper FOLDER PID`` writes ``broker.json`` (or ``failure.txt``) into the folder, and stops the
broker once ``stop`` is there or the process PID is gone. It lives in a session of its own, so that neither ^C nor the
death of the test runner leaves a broker behind.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tcplab.runtime import definitions
from tests.support import apt
from tests.support.ways import PULL_SECONDS, ROOT, START_SECONDS, Found, NoWay, broker

LOOK_SECONDS = 0.3
READY_SECONDS = PULL_SECONDS + apt.SECONDS + 3 * START_SECONDS
VHOST_PREFIX = "tcplab-test-"


def ask(folder: Path, watched: int) -> Found:
    """Return the run's broker; whoever asks first starts its keeper.

    Raises:
        NoWay: there is none.
    """
    with suppress(FileExistsError):
        (folder / "keeper").mkdir()  # only one can
        with (folder / "keeper" / "log.txt").open("wb") as log:
            subprocess.run(
                [sys.executable, "-m", __name__, str(folder), str(watched)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                check=True,
            )
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        found = look(folder)
        if found is not None:
            return found
        if (folder / "failure.txt").exists():
            raise NoWay((folder / "failure.txt").read_text("utf-8"))
        time.sleep(0.1)
    raise NoWay(f"the broker was not ready after {READY_SECONDS} s; see {folder}/keeper/log.txt")


def look(folder: Path) -> Found | None:
    """Return the run's broker if there is one."""
    file = folder / "broker.json"
    return Found(**json.loads(file.read_text("utf-8"))) if file.exists() else None


def release(folder: Path) -> None:
    """Let the keeper stop the broker, and wait until it has."""
    if not (folder / "keeper").exists():
        return
    (folder / "stop").touch()
    until = time.monotonic() + START_SECONDS
    while not (folder / "stopped").exists() and time.monotonic() < until:
        time.sleep(0.1)


def main(folder: Path, watched: int) -> None:
    try:
        with broker(folder) as found:
            users = definitions.build(suffix=f"-{folder.name}")["users"]  # once: RabbitMQ minds two that add the same
            found.management.post("definitions", body={"users": users})
            _write(folder / "broker.json", json.dumps(found.as_dict()))
            while _alive(watched) and not (folder / "stop").exists():
                time.sleep(LOOK_SECONDS)
            _clean(found, folder.name)
    except Exception as error:
        _write(folder / "failure.txt", str(error) if isinstance(error, NoWay | RuntimeError) else repr(error))
    finally:
        (folder / "stopped").touch()
        if not _alive(watched):
            shutil.rmtree(folder)


def _clean(found: Found, run: str) -> None:
    """Remove what this run made on a broker that will outlive it."""
    with suppress(OSError):
        for vhost in found.management.get("vhosts"):
            if vhost["name"].startswith(f"{VHOST_PREFIX}{run}"):
                found.management.delete("vhosts", vhost["name"])
        for user in found.management.get("users"):
            if user["name"].endswith(f"-{run}"):
                found.management.delete("users", user["name"])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write(file: Path, text: str) -> None:
    """Write a file that appears whole."""
    draft = file.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.rename(file)


if __name__ == "__main__" and os.fork() == 0:  # the parent ends at once: nobody waits for the child but the run
    main(Path(sys.argv[1]), int(sys.argv[2]))
