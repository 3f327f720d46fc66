"""How the tests find their broker, where there is none to find."""

from pathlib import Path

import pytest

from tests.support import ways


def test_where_no_way_leads_to_a_broker_all_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TCPLAB_AMQP_URL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ways.NoWay) as refused, ways.broker(tmp_path):
        pytest.fail("there was a broker")

    for way in (ways.NAMED, ways.CONTAINER, ways.NODE, ways.APT):
        assert f"\n  - {way}: " in str(refused.value)


def test_a_named_broker_that_does_not_answer_is_not_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TCPLAB_AMQP_URL", "amqp://admin:secret@127.0.0.1:1")
    monkeypatch.setenv("TCPLAB_MANAGEMENT_URL", "http://127.0.0.1:1")

    with pytest.raises(RuntimeError) as refused, ways.broker(tmp_path):
        pytest.fail("there was a broker")

    assert str(refused.value).startswith("TCPLAB_AMQP_URL: its management at http://127.0.0.1:1 fails")
    assert "secret" not in str(refused.value)


def test_an_image_that_cannot_be_had_is_no_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\ncase $1 in version) echo 99 ;; *) exit 1 ;; esac\n", encoding="ascii")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("RABBITMQ_IMAGE", "no/such:image")

    with pytest.raises(ways.NoWay, match=r"^no/such:image cannot be pulled$"):
        ways.container(tmp_path)
