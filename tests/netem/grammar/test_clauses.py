"""Profiles as text: what is taken, and which word is at fault where something is not."""

import pytest

from tcplab.netem.grammar import GrammarError
from tcplab.netem.loss_models import Bursts, FourStates, GilbertElliott
from tcplab.netem.profile import Profile
from tcplab.netem.traces import DelayTrace, RateTrace
from tcplab.netem.values import Slot
from tcplab.units import MILLISECOND, SECOND, Duration

MS = MILLISECOND


def test_no_clause_is_a_perfect_link() -> None:
    assert Profile.parse(" \n") == Profile()


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("delay 100ms", Profile(delay=100 * MS)),
        ("latency 100ms 20ms", Profile(delay=100 * MS, jitter=20 * MS)),
        ("delay 9ms 2ms 25%", Profile(delay=9 * MS, jitter=2 * MS, delay_correlation=0.25)),
        (
            "distribution normal delay 9ms 2ms",
            Profile(delay=9 * MS, jitter=2 * MS, distribution="normal"),
        ),
        ("delay 0ms 2ms distribution Pareto", Profile(jitter=2 * MS, distribution="pareto")),
        ("delay 9ms 1ms distribution uniform", Profile(delay=9 * MS, jitter=MS)),
        ("loss 1%", Profile(loss=0.01)),
        ("drop random 0.3", Profile(loss=0.003)),
        ("loss 1% 25%", Profile(loss=0.01, loss_correlation=0.25)),
        ("loss state 1%", Profile(loss_model=FourStates(0.01, 0.99))),
        ("drop state 1% 10% 2% 50% 3%", Profile(loss_model=FourStates(0.01, 0.1, 0.02, 0.5, 0.03))),
        ("loss gemodel 1%", Profile(loss_model=GilbertElliott(0.01, 0.99))),
        ("loss gemodel 1% 10% 70% 0.1%", Profile(loss_model=GilbertElliott(0.01, 0.1, 0.7, 0.001))),
        ("loss burst 2% 4", Profile(loss_model=Bursts(0.02, 4))),
        ("loss burst 2% 2.5", Profile(loss_model=Bursts(0.02, 2.5))),
        ("ecn loss 1%", Profile(loss=0.01, ecn=True)),
        ("duplicate 0.1%", Profile(duplicate=0.001)),
        ("duplicate 0.1% 50%", Profile(duplicate=0.001, duplicate_correlation=0.5)),
        ("corrupt 0.01%", Profile(corrupt=0.0001)),
        ("corrupt 1% 10%", Profile(corrupt=0.01, corrupt_correlation=0.1)),
        ("delay 1ms reorder 25%", Profile(delay=MS, reorder=0.25)),
        ("gap 5 reorder 25% 50% delay 1ms", Profile(delay=MS, reorder=0.25, reorder_correlation=0.5, gap=5)),
        ("rate 5mbit", Profile(rate=5_000_000)),
        ("rate 5mbit 20", Profile(rate=5_000_000, packet_overhead=20)),
        ("rate 5mbit -20 48 5", Profile(rate=5_000_000, packet_overhead=-20, cell_size=48, cell_overhead=5)),
        ("slot 10ms", Profile(slot=Slot(10 * MS, 10 * MS))),
        ("slot 1ms 2ms bytes 3kb packets 4", Profile(slot=Slot(MS, 2 * MS, 4, 3_072))),
        ("slot 800us limit 7", Profile(slot=Slot(Duration(800_000), Duration(800_000)), limit=7)),
        ("seed 18446744073709551615", Profile(seed=(1 << 64) - 1)),
        ("corr_mode linux", Profile(corr_mode="linux")),
        ("corr_mode exact", Profile()),
        ("limit 200", Profile(limit=200)),
        ("drop 1,3,15", Profile(drop_list=frozenset({1, 3, 15}))),
        ("droplist 7", Profile(drop_list=frozenset({7}))),
        ("delaylist 1:10ms,3:1s", Profile(delay_list={1: 10 * MS, 3: SECOND})),
        ("copylist 2:0s", Profile(copy_list={2: Duration(0)})),
    ],
)
def test_a_clause_sets_its_fields(text: str, profile: Profile) -> None:
    assert Profile.parse(text) == profile


def test_clauses_stand_in_any_order_and_in_any_case() -> None:
    assert Profile.parse("LOSS 1% Delay 100MS\n  drop 3,4\tlimit 5") == Profile(
        delay=100 * MS, loss=0.01, limit=5, drop_list=frozenset({3, 4})
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("delay 100ms los 1%", "'los' at column 13: there is no such clause; did you mean 'loss'?"),
        ("dupliacte 1%", "'dupliacte' at column 1: there is no such clause; did you mean 'duplicate'?"),
        ("jitter 5ms", "'jitter' at column 1: there is no such clause"),
        ("reorder 25%", "'reorder' at column 1: needs a delay clause: what is sent at once overtakes others"),
        ("delay 0ms reorder 5%", "'reorder' at column 11: needs a delay clause: what is sent at once overtakes others"),
        ("delay 1ms gap 5", "'gap' at column 11: needs a reorder clause above 0%, such as reorder 25%"),
        (
            "distribution normal",
            "'distribution' at column 1: needs a delay clause with a jitter, such as delay 100ms 20",
        ),
        ("delay 5ms distribution normal", "'distribution' at column 11: needs a delay clause with a jitter"),
        ("delay 5ms 1ms distribution gauss", "'gauss' at column 28: DISTRIBUTION must be one of uniform, normal, par"),
        ("delay 5ms 1ms distribution nromal", "'nromal' at column 28: DISTRIBUTION must be one of uniform, normal, pa"),
        ("ecn delay 5ms", "'ecn' at column 1: needs a loss clause above 0%: it marks what would be lost"),
        (
            "loss 1% loss gemodel 1%",
            "'loss' at column 9: a profile has one clause of this kind, and has 'loss' already",
        ),
        (
            "loss modem 1%",
            "'modem' at column 6: PERCENT must be a percentage such as 1%, or one of random, state, gemod",
        ),
        ("loss state", "at the end of 'loss state': P13 is missing"),
        ("loss state 60% 50% 60%", "'60%' at column 20: P32 and P31 lead away from one state: they are 100% at most"),
        ("loss state 60% 5% 5% 5% 41%", "'41%' at column 25: P14 and P13 lead away from one state: they are 100% at m"),
        ("loss state 5% 101%", "'101%' at column 15: P31 must be from 0% to 100%"),
        ("loss gemodel 1% x", "'x' at column 17: there is no such clause"),
        ("loss gemodel 1% 2% 3% 4% 5%", "'5%' at column 26: there is no such clause"),
        ("loss burst 2%", "at the end of 'loss burst 2%': LENGTH is missing"),
        ("loss burst 2% 0.5", "'0.5' at column 15: LENGTH must be 1 packet or more; it is 0.5"),
        ("loss burst 80% 2", "'2' at column 16: LENGTH must be 4 packets or more where so many are lost"),
        (
            "loss burst 100% 9",
            "'9' at column 17: LENGTH must be infinitely many packets or more where so many are lost",
        ),
        ("loss 1% 5ms", "'5ms' at column 9: CORRELATION must be a percentage such as 1%"),
        ("slot 2ms 1ms", "'1ms' at column 10: MAX must be no less than MIN"),
        ("slot 2ms packets 0", "'0' at column 18: PACKETS must be 1 or more"),
        ("slot 2ms bytes 1gb", "'1gb' at column 16: BYTES must be a size such as 1500b (b, k, kb, m, mb)"),
        ("slot 2ms packets 1 packets 2", "'packets' at column 20: a slot has one bound of this kind"),
        ("rate 5mbit x", "'x' at column 12: there is no such clause"),
        ("rate 5mbit 0.5", "'0.5' at column 12: PACKETOVERHEAD must be a whole number such as 3"),
        ("rate 5mbit 0 -1", "'-1' at column 14: CELLSIZE must be a whole number such as 3"),
        ("rate 5mbit 0 0 5", "'5' at column 16: CELLOVERHEAD needs cells: CELLSIZE is 0"),
        ("seed 18446744073709551616", "'18446744073709551616' at column 6: SEED must be 18446744073709551615 or less"),
        ("corr_mode exakt", "'exakt' at column 11: MODE must be one of exact, linux; did you mean 'exact'?"),
        ("trace loss x", "'loss' at column 7: what is traced must be one of delay, rate"),
        (
            "trace rate a.txt",
            "'a.txt' at column 12: no rate trace: 'a.txt' cannot be read here: there are no trace files",
        ),
        ("gap 0 reorder 5% delay 1ms", "'0' at column 5: PACKETS must be 1 or more"),
        ("xyzzy", "'xyzzy' at column 1: there is no such clause"),
        ("100ms", "'100ms' at column 1: there is no such clause"),
        ("delay", "at the end of 'delay': TIME is missing"),
        ("delay loss 1%", "'loss' at column 7: TIME must be a time such as 100ms (units: s, ms, us, ns)"),
        ("delay 100", "'100' at column 7: TIME needs a unit: 100s, 100ms, 100us or 100ns"),
        ("delay 1s 2", "'2' at column 10: JITTER needs a unit: 2s, 2ms, 2us or 2ns"),
        ("loss 101%", "'101%' at column 6: PERCENT must be from 0% to 100%"),
        ("loss -1", "'-1' at column 6: PERCENT must be from 0% to 100%"),
        ("loss 1% drop 2%", "'drop' at column 9: a profile has one clause of this kind, and has 'loss' already"),
        ("rate 50%", "'50%' at column 6: RATE cannot be a share of a device: there is none; say it in bits, such as "),
        ("limit 0", "'0' at column 7: PACKETS must be 1 or more"),
        ("limit x", "'x' at column 7: PACKETS must be a whole number such as 3"),
        ("drop 1,0", "'1,0' at column 6: LIST must be places of packets, 1 for the first, such as 1,3,15"),
        ("delaylist 1:5", "'1:5' at column 11: LIST of packet 1 needs a unit: 5s, 5ms, 5us or 5ns"),
    ],
)
def test_an_error_names_the_word_at_fault(text: str, complaint: str) -> None:
    with pytest.raises(GrammarError) as raised:
        Profile.parse(text)

    assert str(raised.value).startswith(complaint)
    assert raised.value.text[raised.value.position :].startswith(raised.value.word)


def test_the_example_that_has_everything() -> None:
    profile = Profile.parse(
        "delay 100ms 20ms 25% distribution normal loss gemodel 1% 10% duplicate 0.1% corrupt 0.01% "
        "reorder 25% 50% gap 5 rate 5mbit limit 200 ecn seed 7"
    )

    assert profile == Profile(
        delay=100 * MS,
        jitter=20 * MS,
        delay_correlation=0.25,
        distribution="normal",
        loss_model=GilbertElliott(0.01, 0.1),
        duplicate=0.001,
        corrupt=0.0001,
        reorder=0.25,
        reorder_correlation=0.5,
        gap=5,
        rate=5_000_000,
        limit=200,
        ecn=True,
        seed=7,
    )


# --- traces ----------------------------------------------------------------------------------------------------------

FILES = {"wifi.txt": "1\n5\n", "lte.txt": "20 35.5\n"}


def test_traces_are_read_by_whoever_has_files() -> None:
    profile = Profile.parse("trace rate wifi.txt trace delay lte.txt", FILES.__getitem__)

    assert profile == Profile(
        rate_trace=RateTrace("wifi.txt", (1, 5)),
        delay_trace=DelayTrace("lte.txt", ((20 * MS, Duration(35_500_000)),)),
    )
    assert Profile.parse(str(profile), profile.traces().__getitem__) == profile


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("trace rate lte.txt", "'lte.txt' at column 12: no rate trace: lte.txt, line 1: '20 35.5' is no time in whole"),
        ("trace delay wifi.txt", "'wifi.txt' at column 13: no delay trace: wifi.txt, line 1: '1' is no duration and"),
        ("trace rate wifi.txt rate 5mbit", "'trace' at column 1: stands beside a rate clause; there is one line"),
        ("trace rate wifi.txt trace rate wifi.txt", "'trace' at column 21: a profile has one clause of this kind"),
        ("trace rate", "at the end of 'trace rate': FILE is missing"),
        ("trace", "at the end of 'trace': what is traced is missing"),
    ],
)
def test_a_trace_that_is_none_is_named(text: str, complaint: str) -> None:
    with pytest.raises(GrammarError) as raised:
        Profile.parse(text, FILES.__getitem__)

    assert str(raised.value).startswith(complaint)


def test_a_file_that_is_not_there_is_named() -> None:
    def missing(name: str) -> str:
        raise FileNotFoundError(2, "No such file or directory", name)

    with pytest.raises(GrammarError, match="'a' at column 12: no rate trace: No such file or directory"):
        Profile.parse("trace rate a", missing)
