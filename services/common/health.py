"""The containers' health check: exits 0 where this machine's /healthz says 200, prints one line where not.

Run as a file, with ``python -I -S``: it is called every few seconds, so it imports next to nothing.
"""

import os
import socket
import sys

PATIENCE = 4.0  # seconds, less than Compose gives the whole check


def status_line(port: int) -> str:
    """Ask /healthz, and return the first line of the answer.

    Raises:
        OSError: nobody answers there.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        with connection.makefile("rb") as answer:
            return answer.readline().decode("latin-1").strip()


def main() -> int:
    """Return the exit code."""
    port = os.environ.get("TCPLAB_METRICS_PORT") or "9100"
    try:
        line = status_line(int(port))
    except (OSError, ValueError) as error:
        line = str(error)
    if " 200 " in f"{line} ":
        return 0
    print(f"port {port}: {line}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
