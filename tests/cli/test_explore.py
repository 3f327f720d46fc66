"""What ``tcplab explore`` tells, and how it ends."""

from typer.testing import CliRunner, Result

from tcplab.cli.app import app

SMALL = ("--losses", "1", "--duplicates", "0", "--delays", "0")


def explore(*options: str) -> Result:
    return CliRunner().invoke(app, ["explore", *options])


def test_it_tells_its_bounds_and_its_numbers() -> None:
    result = explore(*SMALL, "--no-counter-examples")

    assert result.exit_code == 0
    assert "at most: lost 1, copied 0, held back 0" in result.output
    assert "MSL 2, TIME_WAIT 4" in result.output
    assert " states, " in result.output
    assert "✓ no octet of one incarnation is accepted in another" in result.output
    assert "✗" not in result.output


def test_it_draws_what_happens_without_time_wait() -> None:
    result = explore("--no-time-wait")

    assert result.exit_code == 0
    nothing, accepted, reset = result.output.split("Without TIME_WAIT")
    assert nothing.strip() == ""
    assert "network's copy" in accepted
    assert "Here the server read b'ba', and its peer had sent b'b'." in accepted
    assert "reset: no connection" in reset
    assert "Here the server was reset in LAST_ACK." in reset


def test_what_is_broken_is_drawn_and_ends_with_1() -> None:
    result = explore(*SMALL, "--no-counter-examples", "--time-wait", "0")

    assert result.exit_code == 1
    assert "✗ no reset answers a retransmitted FIN: broken" in result.output
    assert "├─ RST" in result.output


def test_what_tcp_does_not_promise_is_drawn_on_demand() -> None:
    result = explore("--losses", "0", "--octets", "0", "--no-counter-examples", "--limits")

    assert result.exit_code == 0
    assert "TCP does not promise these" in result.output
    assert "Here the server was reset in CLOSE_WAIT." in result.output


def test_by_default_both_parts_are_told() -> None:
    result = explore("--losses", "0", "--duplicates", "0", "--delays", "0")

    assert result.exit_code == 0
    assert result.output.index("Explored") < result.output.index("Without TIME_WAIT")


def test_a_search_that_is_not_exhaustive_does_not_pass() -> None:
    result = explore(*SMALL, "--no-counter-examples", "--most", "100")

    assert result.exit_code == 1
    assert "There are more than 100 states" in result.output


def test_bounds_that_make_no_sense_are_named() -> None:
    result = explore("--isn-step", "0", "1")

    assert result.exit_code == 2
    assert "isn_step must not be 0" in result.output
