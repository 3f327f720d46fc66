"""Runs a script against a host, in virtual time, and says what came of it."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from tcplab.observe.journal import Journal
from tcplab.observe.ladder import Pair
from tcplab.packetdrill import calls, info
from tcplab.packetdrill.assertions import Assertion, assertions
from tcplab.packetdrill.calls import Call, Expected
from tcplab.packetdrill.endpoint import Result
from tcplab.packetdrill.flow import Flow, Seen
from tcplab.packetdrill.model import CodeSpec, CommandSpec, Event, PacketSpec, Ports, Script, SyscallSpec, When
from tcplab.packetdrill.notation import differences, seconds_text, seen_text
from tcplab.packetdrill.parser import parse
from tcplab.packetdrill.settings import Settings, Variant, settings
from tcplab.packetdrill.source import Place, ScriptError, Unsupported
from tcplab.packetdrill.subject import Subject
from tcplab.tcp.app import InvalidCall
from tcplab.units import START, Duration, Instant
from tcplab.wire.packet import Packet
from tcplab.wire.segment import SYN
from tcplab.wire.seq import MODULUS, SeqNumber

SCRIPT_PORT: Final = 40_000
"""The script's port where it opens a connection without naming one."""
_LONGEST: Final = Duration(7 * 24 * 3600 * 10**9)  # what '*' waits for at most


class Outcome(Enum):
    """How a script ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a script did not pass.

    Attributes:
        place: the word at fault.
        time: when, since the script began; ``None`` before it began.
        message: what is wrong, in one line.
        expected: what the script expected, as it would write it, and when.
        came: what came in its place, and when.
    """

    place: Place
    time: Instant | None
    message: str
    expected: str = ""
    came: str = ""

    def __str__(self) -> str:
        """Return the problem in one line, its place first."""
        return f"{self.place}: {self.message}"


class Verdict(NamedTuple):
    """What came of a script.

    Attributes:
        file: its name.
        outcome: how it ended.
        problem: why, unless it passed.
        text: of the script; ``None`` where it could not be read.
        journal: what happened; ``None`` where it did not begin.
        connection: the connection that it was about at last, for the ladder.
    """

    file: str
    outcome: Outcome
    problem: Problem | None = None
    text: str | None = None
    journal: Journal | None = None
    connection: Pair | None = None


class _Failure(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _SystemCall(NamedTuple):
    call: Call
    expected: Expected
    ends: Duration | None


class _Step(NamedTuple):
    event: Event
    action: PacketSpec | _SystemCall | list[Assertion]


class _Waiting(NamedTuple):
    """A system call that has not returned yet."""

    step: _Step
    call: _SystemCall
    since: Instant
    ends: Instant | None


def run_text(text: str, file: str, variant: Variant | None = None) -> Verdict:
    """Read a script and run it; never raises for what a script may hold."""
    try:
        script = parse(text, file)
    except ScriptError as error:
        return Verdict(file, Outcome.INVALID, Problem(error.place, None, error.message), text)
    except Unsupported as error:
        return Verdict(file, Outcome.UNSUPPORTED, Problem(error.place, None, f"{error.what} is not supported"), text)
    return run(script, variant)


def run(script: Script, variant: Variant | None = None) -> Verdict:
    """Run a script."""
    variant = Variant() if variant is None else variant
    play = None
    try:
        steps = [_Step(event, _prepared(event)) for event in script.events]
        play = _Play(script, settings(script.options, variant.config), variant)
        play.all(steps)
        outcome, problem = Outcome.PASSED, None
    except _Failure as failure:
        outcome, problem = Outcome.FAILED, failure.problem
    except ScriptError as error:
        outcome, problem = Outcome.INVALID, Problem(error.place, None, error.message)
    except Unsupported as error:
        outcome, problem = Outcome.UNSUPPORTED, Problem(error.place, None, f"{error.what} is not supported")
    if play is None:
        return Verdict(script.file, outcome, problem, script.text)
    return Verdict(script.file, outcome, problem, script.text, play.subject.journal, play.connection)


def _prepared(event: Event) -> PacketSpec | _SystemCall | list[Assertion]:
    """Return what an event asks for; whatever is not supported is found here, before anything happens."""
    match event.action:
        case PacketSpec():
            return event.action
        case SyscallSpec():
            return _SystemCall(calls.compiled(event.action), calls.expected(event.action), event.action.ends)
        case CodeSpec():
            return assertions(event.action, info.KNOWN)
        case CommandSpec():
            raise Unsupported(event.place, "a shell command")


class _Play:
    """One run of a script."""

    def __init__(self, script: Script, chosen: Settings, variant: Variant) -> None:
        self._lines = script.text.splitlines()
        self.subject = Subject(chosen, variant.local_isn)
        self._settings = chosen
        self._variant = variant
        self._flows: dict[tuple[int, int], Flow] = {}
        self._current: Flow | None = None
        self._waiting: _Waiting | None = None
        self._last = START  # when the event before was to happen

    @property
    def connection(self) -> Pair | None:
        """The connection that lines without ports are about."""
        if self._current is None:
            return None
        here, there = self._settings.local, self._settings.remote
        return Pair((here, self._current.local), (there, self._current.remote))

    def all(self, steps: list[_Step]) -> None:
        """Do one step after the other, and see that nothing is left over."""
        for step in steps:
            low, high = self._times(step.event.when)
            tolerance = self._tolerance(high)
            match step.action:
                case PacketSpec(inbound=False):
                    self._expect(step, step.action, low, high, tolerance)
                case PacketSpec():
                    self._be_at(step, low, tolerance)
                    self._send(step.action)
                case _SystemCall():
                    self._be_at(step, low, tolerance)
                    self._call(step, step.action, low)
                case _:
                    self._be_at(step, low, tolerance)
                    self._judge(step.action)
            self._last = self.subject.now
        self._finish_waiting()
        if self.subject.sent:
            self._refuse_unexpected(steps[-1].event.place, "the script ends without it")

    # --- time --------------------------------------------------------------------------------------------------------

    def _times(self, when: When) -> tuple[Instant, Instant]:
        if when.kind == "any":
            return self.subject.now, self.subject.now + _LONGEST
        base = self.subject.now if when.kind in ("relative", "relative_range") else START
        return base + when.start, base + when.end

    def _tolerance(self, time: Instant) -> Duration:
        chosen = self._settings
        return Duration(max(chosen.tolerance, int((time - self._last) * chosen.tolerance_percent / 100)))

    def _be_at(self, step: _Step, time: Instant, tolerance: Duration) -> None:
        """Let time pass until a step's; what was sent long before it has nobody who expects it."""
        if time < self.subject.now - tolerance:
            late = f"it is {seconds_text(self.subject.now)} s already"
            raise self._failure(step.event.when.place, f"{late}, this was to happen at {seconds_text(time)} s")
        while self.subject.step(time):
            self._try_again()
        self.subject.rest(time)
        self._refuse_overdue(tolerance)
        if self.subject.sent and self.subject.sent[0][0] < self.subject.now - tolerance:
            self._refuse_unexpected(step.event.place, "nothing before this line expects it")

    # --- segments ----------------------------------------------------------------------------------------------------

    def _send(self, spec: PacketSpec) -> None:
        self.subject.deliver(self._flow_of(spec.ports).to_wire(spec), spec.ecn or 0)
        self._try_again()

    def _flow_of(self, ports: Ports | None) -> Flow:
        """Return the flow of a segment that the script sends; a new one becomes the current one."""
        if ports is not None:
            return self._flow(ports.target, ports.source)
        return self._current or self._flow(self._settings.bind_port, SCRIPT_PORT)

    def _flow(self, local: int, remote: int) -> Flow:
        flow = self._flows.get((local, remote))
        if flow is None:
            base = SeqNumber(self._variant.local_isn % MODULUS)
            flow = self._current = self._flows[local, remote] = Flow(local, remote, base, self._variant.remote_isn)
        return flow

    def _expect(self, step: _Step, spec: PacketSpec, low: Instant, high: Instant, tolerance: Duration) -> None:
        latest = high + tolerance
        while not self.subject.sent and self.subject.step(latest):
            self._try_again()
        wanted = f"{self._text(step.event)} {_when_text(step.event.when, low, high)}"
        if not self.subject.sent:
            if step.event.when.kind != "any":
                self.subject.rest(latest)
            until = "" if step.event.when.kind == "any" else f" until {seconds_text(latest)} s"
            raise self._failure(step.event.place, "the host did not send this", wanted, f"nothing{until}")
        time, packet = self.subject.take(0 if self._settings.strict_segments else spec.length)
        flow, seen = self._seen(packet, spec)
        came = f"{seen_text(seen)} at {seconds_text(time)} s"
        wrong = differences(spec, seen, flow.position(seen), self._settings.tick, tolerance)
        ports = (packet.segment.sport, packet.segment.dport)
        if spec.ports is None and flow is not self._current:
            wrong.append(f"ports {ports[0]} > {ports[1]}, of another connection")
        elif spec.ports is not None and ports != (spec.ports.source, spec.ports.target):
            wrong.append(f"ports {ports[0]} > {ports[1]}, expected {spec.ports.source} > {spec.ports.target}")
        if not low - tolerance <= time <= latest:
            wrong.append(f"time {seconds_text(time)} s")
        if wrong:
            raise self._failure(step.event.place, "; ".join(wrong), wanted, came)

    def _seen(self, packet: Packet, spec: PacketSpec | None) -> tuple[Flow, Seen]:
        segment = packet.segment
        flow = self._flow(segment.sport, segment.dport)
        incarnation = None
        if segment.flags & SYN:
            status = self.subject.status(flow.local, flow.remote)
            if status is not None and status.connection.remote_port:
                incarnation = status.connection.incarnation
        return flow, flow.to_script(packet, incarnation, spec)

    def _refuse_unexpected(self, place: Place, why: str) -> None:
        time, packet = self.subject.sent[0]
        _, seen = self._seen(packet, None)
        came = f"{seen_text(seen)} at {seconds_text(time)} s"
        raise self._failure(place, f"the host sent a segment too many: {why}", "no segment", came)

    # --- system calls ------------------------------------------------------------------------------------------------

    def _call(self, step: _Step, call: _SystemCall, called: Instant) -> None:
        self._finish_waiting()
        base = called - step.event.when.start if step.event.when.kind == "relative" else START
        ends = None if call.ends is None else base + call.ends
        self._waiting = _Waiting(step, call, self.subject.now, ends)
        self._try_again()
        if self._waiting is not None and ends is None:
            raise self._failure(
                step.event.place, "the call waits, and is to return at once", f"{call.expected}", "no return"
            )

    def _try_again(self) -> None:
        """Attempt the call that waits, if one does, and compare what it returns."""
        waiting = self._waiting
        if waiting is None:
            return
        expected = waiting.call.expected
        new = expected.value if expected.value is not None and expected.value >= 0 else None
        try:
            result = self.subject.sockets.attempt(waiting.call.call, self.subject.now, waiting.since, new)
        except InvalidCall as error:
            raise self._failure(waiting.step.event.place, f"the host refuses the call: {error}") from None
        if result is None:
            return
        self._waiting = None
        self._compare(waiting, result)

    def _compare(self, waiting: _Waiting, result: Result) -> None:
        expected, place, now = waiting.call.expected, waiting.step.event.place, self.subject.now
        wanted, came = f"{expected}", f"{result} at {seconds_text(now)} s"
        if waiting.ends is not None:
            wanted = f"{wanted} at {seconds_text(waiting.ends)} s"
        if result.fault:
            raise self._failure(place, result.fault, wanted, came)
        if (expected.value is not None and result.value != expected.value) or result.errno != expected.errno:
            raise self._failure(place, f"the call returned {result}, expected {expected}", wanted, came)
        if waiting.ends is not None and abs(now - waiting.ends) > self._settings.tolerance:
            raise self._failure(place, f"the call returned at {seconds_text(now)} s", wanted, came)

    def _finish_waiting(self) -> None:
        """Let the call that waits return: the next one comes after it."""
        while (waiting := self._waiting) is not None:
            assert waiting.ends is not None, "one that must not wait was refused"
            if not self.subject.step(waiting.ends + self._settings.tolerance):
                self.subject.rest(waiting.ends + self._settings.tolerance + 1)
                self._refuse_overdue(self._settings.tolerance)
            self._try_again()

    def _refuse_overdue(self, tolerance: Duration) -> None:
        waiting = self._waiting
        if waiting is not None and waiting.ends is not None and self.subject.now > waiting.ends + tolerance:
            wanted = f"{waiting.call.expected} at {seconds_text(waiting.ends)} s"
            raise self._failure(waiting.step.event.place, "the call has not returned", wanted, "no return")

    # --- assertions --------------------------------------------------------------------------------------------------

    def _judge(self, asserted: list[Assertion]) -> None:
        flow = self._current
        ports = (self._settings.bind_port, SCRIPT_PORT) if flow is None else (flow.local, flow.remote)
        values = info.values(self.subject.status(*ports))
        for assertion in asserted:
            if not assertion.holds(values):
                came = ", ".join(f"{name} is {info.text(name, values[name])}" for name in sorted(assertion.names()))
                raise self._failure(assertion.place, "the assertion does not hold", assertion.text, came)

    def _text(self, event: Event) -> str:
        """Return what the script has written of an event, from its action on, as far as its line goes."""
        return self._lines[event.place.line - 1][event.place.column - 1 :].partition("//")[0].strip()

    def _failure(self, place: Place, message: str, expected: str = "", came: str = "") -> _Failure:
        return _Failure(Problem(place, self.subject.now, message, expected, came))


def _when_text(when: When, low: Instant, high: Instant) -> str:
    if when.kind == "any":
        return "at any time"
    if low != high:
        return f"from {seconds_text(low)} s to {seconds_text(high)} s"
    return f"at {seconds_text(low)} s"
