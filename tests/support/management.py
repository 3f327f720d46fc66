"""RabbitMQ's management, as far as the tests want it."""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Management:
    """The HTTP API of one broker, used as an administrator."""

    url: str
    user: str
    password: str = field(repr=False)

    def get(self, *path: str) -> Any:
        return self._call("GET", path)

    def post(self, *path: str, body: object) -> Any:
        return self._call("POST", path, body)

    def put(self, *path: str, body: object) -> Any:
        return self._call("PUT", path, body)

    def delete(self, *path: str) -> None:
        """Delete a thing; one that is gone already is fine."""
        try:
            self._call("DELETE", path)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    def version(self) -> str | None:
        """Return the broker's version once it listens to AMQP, ``None`` before."""
        try:
            overview = self.get("overview")
        except OSError:
            return None
        listening = any(listener["protocol"] == "amqp" for listener in overview.get("listeners", ()))
        return str(overview["rabbitmq_version"]) if listening else None

    def _call(self, method: str, path: tuple[str, ...], body: object = None) -> Any:
        where = "/".join((f"{self.url}/api", *(quote(part, safe="") for part in path)))
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(where, data, headers, method=method)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None
