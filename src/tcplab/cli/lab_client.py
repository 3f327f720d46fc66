"""The command line's side of the lab service's API."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Final

import httpx
import typer

from tcplab.cli.troubles import HOPELESS, WRONG

PATIENCE: Final = 10.0  # seconds for any answer

LabUrl = Annotated[
    str | None,
    typer.Option(
        "--lab", metavar="URL", envvar="TCPLAB_LAB_URL", help="The lab service; http://127.0.0.1:8080 unless told."
    ),
]
By = Annotated[str, typer.Option("--by", help="Who you are, for the history.")]


class Refused(Exception):
    """The lab service refused a request; lines for people.

    Attributes:
        status: HTTP's.
    """

    def __init__(self, status: int, lines: str) -> None:
        super().__init__(lines)
        self.status = status


class LabClient:
    """Asks one lab service."""

    def __init__(self, url: str | None, by: str = "") -> None:
        """Ask the service at ``url``, as whoever ``by`` names."""
        self.url: Final = (url or f"http://127.0.0.1:{os.environ.get('LAB_PORT') or 8080}").rstrip("/")
        self._http = httpx.Client(base_url=self.url, headers={"Lab-By": by}, timeout=PATIENCE, trust_env=False)

    def get(self, path: str, **query: str | int) -> Any:
        """Read something."""
        return self._ask("GET", path, params=query)

    def change(self, lines: str, traces: Mapping[str, str], lease: str | None = None) -> Any:
        """Make changes that are said in lines; ``traces``: the files that they name."""
        query = {} if lease is None else {"lease": lease}
        return self._ask("PATCH", "/network", json={"lines": lines, "traces": dict(traces)}, params=query)

    def clear(self) -> Any:
        """Let nothing stand."""
        return self._ask("DELETE", "/network")

    def begin_lease(self, ttl: float) -> str:
        """Begin a lease that lasts ``ttl`` seconds, and return its identity."""
        return str(self._ask("POST", "/leases", json={"ttl": ttl})["id"])

    def renew(self, lease: str) -> None:
        """Renew a lease."""
        self._ask("PUT", f"/leases/{lease}")

    def release(self, lease: str) -> None:
        """End a lease."""
        self._ask("DELETE", f"/leases/{lease}")

    def events(self) -> Iterator[Any]:
        """Yield what stands, and every change as it is made, until the service ends."""
        with self._http.stream("GET", "/events", timeout=httpx.Timeout(PATIENCE, read=None)) as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                raise _refusal(answer)
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        answer = self._http.request(method, path, **request)
        if answer.is_success:
            return answer.json() if answer.content else None
        raise _refusal(answer)


@contextmanager
def talking(url: str | None, by: str = "") -> Iterator[LabClient]:
    """Give a client, and end the command with a line for people where the service cannot be asked, or refuses."""
    try:
        client = LabClient(url, by)
        yield client
    except httpx.InvalidURL as error:
        _end(f"{url}: {error}; write http://host:port", WRONG)
    except httpx.TransportError as error:
        way_out = "start the lab (make up), or say where it is (--lab URL, or TCPLAB_LAB_URL)"
        _end(f"no lab service answers at {client.url} ({_reason(error)}); {way_out}", HOPELESS)
    except Refused as error:
        _end(
            str(error), WRONG if error.status in (httpx.codes.UNPROCESSABLE_ENTITY, httpx.codes.NOT_FOUND) else HOPELESS
        )


def _refusal(answer: httpx.Response) -> Refused:
    try:
        found: Mapping[str, Any] = answer.json()
        line = str(found["error"])
    except (ValueError, KeyError, TypeError):
        line = f"{answer.request.url} is no lab service: it answers with {answer.status_code}"
        return Refused(HOPELESS, line)
    display = found.get("display")
    return Refused(answer.status_code, f"{line}\n{display}" if display else line)


def _reason(error: httpx.TransportError) -> str:
    return str(error).removeprefix("[Errno 111] ") or type(error).__name__


def _end(lines: str, code: int) -> None:
    first, _, rest = lines.partition("\n")
    typer.echo(f"tcplab netem: {first}" + (f"\n{rest}" if rest else ""), err=True)
    raise typer.Exit(code)
