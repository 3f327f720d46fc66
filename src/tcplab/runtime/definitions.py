"""Writes the definitions that a broker imports: a lab's virtual host, its users, what they may do, its exchanges.

``rabbitmq/definitions.json`` is what this writes where nothing is set. To move a lab, set ``TCPLAB_VHOST``, or any of
``TCPLAB_CLIENT_PASSWORD``, ``TCPLAB_SERVER_PASSWORD``, ``TCPLAB_NETEM_PASSWORD``, ``TCPLAB_LAB_PASSWORD`` and
``TCPLAB_OPERATOR_PASSWORD``, and::

    python -m tcplab.runtime.definitions > mine.json     # for a broker yet to start: name it in RABBITMQ_DEFINITIONS
    python -m tcplab.runtime.definitions --into http://operator:operator@127.0.0.1:15672     # for one that runs
    python -m tcplab.runtime.definitions --check rabbitmq/definitions.json

The default passwords, each its user's name, are for brokers that listen on loopback alone. ``operator`` is for people
and may do everything; a lab's own services never are it.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from tcplab.runtime.amqp.topology import EXCHANGES, VHOST_DEFAULT, Permissions, permissions

OPERATOR: Final = "operator"
SALT_OCTETS: Final = 4  # RabbitMQ's rabbit_password_hashing_sha256

_EVERYTHING: Final = Permissions(".*", ".*", ".*")
_FILE: Final = Path("rabbitmq/definitions.json")

Definitions = dict[str, Any]


def build(vhost: str = VHOST_DEFAULT, passwords: Mapping[str, str] | None = None, *, suffix: str = "") -> Definitions:
    """Return a lab's definitions, as RabbitMQ's management exports and imports them.

    Args:
        vhost: the lab's virtual host.
        passwords: by user; a user's name is its password where none is given.
        suffix: put behind every user's name, for labs whose users must not meet another's.

    The salt of a default password comes from the user's name, so that the same input gives the same file; that of any
    other is random.
    """
    users = dict(permissions()) | {OPERATOR: _EVERYTHING}
    given = passwords or {}
    return {
        "vhosts": [{"name": vhost, "default_queue_type": "classic"}],
        "users": [
            {
                "name": name + suffix,
                "password_hash": _hash(given[name]) if name in given else _hash(name, _salt(name)),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": ["administrator"] if name == OPERATOR else [],
            }
            for name in users
        ],
        "permissions": [{"user": name + suffix, "vhost": vhost, **may._asdict()} for name, may in users.items()],
        "exchanges": [
            {
                "name": name,
                "vhost": vhost,
                "type": kind,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name, kind in EXCHANGES.items()
        ],
    }


def differences(found: Definitions, vhost: str, passwords: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a file of definitions, one line for each trouble; salts may differ."""
    wanted = build(vhost, passwords)
    troubles = [
        f"{key}: {found.get(key)!r} should be {wanted.get(key)!r}"
        for key in sorted(wanted.keys() | found.keys())
        if key != "users" and found.get(key) != wanted.get(key)
    ]
    listed = found.get("users")
    users = {user.get("name"): user for user in listed if isinstance(user, dict)} if isinstance(listed, list) else {}
    for user in wanted["users"]:
        name = user["name"]
        its = users.pop(name, None)
        if its is None:
            troubles.append(f"users: {name!r} is missing")
        elif {**its, "password_hash": ""} != {**user, "password_hash": ""}:
            troubles.append(f"users: {name!r} has other properties")
        elif not _fits(passwords.get(name, name), str(its.get("password_hash"))):
            troubles.append(f"users: {name!r} has another password")
    return troubles + [f"users: {name!r} is not one of the lab's" for name in users]


def put(definitions: Definitions, management: str) -> None:
    """Import definitions into a running broker.

    Args:
        definitions: what to import; what is there already is changed, nothing is removed.
        management: ``http://user:password@host:port`` of its management, the user an administrator.

    Raises:
        OSError: the management does not answer, or refuses; names it, but no password.
        ValueError: the URL is none.
    """
    parts = urlsplit(management)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the management's URL must look like http://user:password@host:15672")
    there = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
    who = f"{unquote(parts.username or 'guest')}:{unquote(parts.password or 'guest')}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(who).decode()}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{there}/api/definitions", json.dumps(definitions).encode(), headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a lab's broker is near
    try:
        direct.open(request, timeout=30).close()
    except OSError as error:
        raise OSError(f"{there}: {error}; it takes an administrator's user and password") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tcplab.runtime.definitions",
        description="Write the definitions that RabbitMQ imports, from TCPLAB_VHOST and TCPLAB_<USER>_PASSWORD.",
    )
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--check", nargs="?", const=_FILE, type=Path, metavar="FILE", help=f"compare a file ({_FILE})")
    does.add_argument("--into", metavar="URL", help="import into a broker: http://user:password@host:15672")
    options = parser.parse_args(arguments)

    vhost = os.environ.get("TCPLAB_VHOST") or VHOST_DEFAULT
    given = {name: os.environ.get(f"TCPLAB_{name.upper()}_PASSWORD") for name in (*permissions(), OPERATOR)}
    passwords = {name: password for name, password in given.items() if password}
    try:
        if options.check is not None:
            return _check(options.check, vhost, passwords)
        if options.into is not None:
            put(build(vhost, passwords), options.into)
            print(f"virtual host {vhost!r} and its users are there")
            return 0
    except (OSError, ValueError) as error:
        print(f"definitions: {error}", file=sys.stderr)
        return 1
    print(json.dumps(build(vhost, passwords), indent=2))
    return 0


def _check(file: Path, vhost: str, passwords: Mapping[str, str]) -> int:
    try:
        found = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{file}: definitions are a JSON object")
    troubles = differences(found, vhost, passwords)
    for trouble in troubles:
        print(f"{file}: {trouble}", file=sys.stderr)
    if troubles:
        print(f"to mend it: python -m tcplab.runtime.definitions > {file}", file=sys.stderr)
    return 1 if troubles else 0


def _salt(name: str) -> bytes:
    return hashlib.sha256(f"tcplab {name}".encode()).digest()[:SALT_OCTETS]


def _hash(password: str, salt: bytes | None = None) -> str:
    """Return a password as RabbitMQ stores it: the salt, and SHA-256 of salt and password."""
    salt = secrets.token_bytes(SALT_OCTETS) if salt is None else salt
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode("ascii")


def _fits(password: str, stored: str) -> bool:
    try:
        salt = base64.b64decode(stored, validate=True)[:SALT_OCTETS]
    except ValueError:
        return False
    return hmac.compare_digest(_hash(password, salt), stored)


if __name__ == "__main__":
    sys.exit(main())
