"""The broker's address, as people write it."""

import pytest

from tcplab.node import Address
from tcplab.runtime.amqp import Broker, HostEnd


@pytest.mark.parametrize(
    ("url", "vhost", "expected"),
    [
        ("amqp://u:p@h:1234/v", None, Broker("h", 1234, "u", "p", "v")),
        ("amqp://u:p@h", "lab", Broker("h", 5672, "u", "p", "lab")),
        ("amqp://u:p@h/own", "lab", Broker("h", 5672, "u", "p", "own")),
        ("amqp://h/", None, Broker("h", 5672, "guest", "guest", "/")),
        ("amqp://h/%2F", "lab", Broker("h", 5672, "guest", "guest", "/")),
        ("amqps://u%40x:p%2Fq@h/v%20w", None, Broker("h", 5671, "u@x", "p/q", "v w", tls=True)),
        ("amqp://u:p@[::1]:9/v", None, Broker("::1", 9, "u", "p", "v")),
    ],
)
def test_a_url_is_read(url: str, vhost: str | None, expected: Broker) -> None:
    assert Broker.from_url(url, vhost) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "rabbitmq:5672",
        "http://u:secret@h",
        "amqp://",
        "amqp://u:secret@h:port",
        "amqp://u:secret@h:99999",
        "amqp://u:secret@[h",
        "amqp://u:secret@h/v?heartbeat=1",
    ],
)
def test_what_is_no_broker_is_refused_in_a_line_without_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^the broker's URL .*amqp://") as refusal:
        Broker.from_url(url)

    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_password_is_never_shown() -> None:
    broker = Broker.from_url("amqp://u:secret@h")

    assert "secret" not in f"{broker} {broker!r}"


def test_an_address_outside_of_its_services_prefix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^address 10\.0\.2\.9 is not in 10\.0\.1\.0/24"):
        HostEnd("10.0.1.0/24", Address("10.0.2.9"))
