"""``%{ assert tcpi_state == TCP_ESTABLISHED }%``: a small language of assertions, read and never executed.

Of Python there are names, numbers, arithmetic, comparisons and Boolean operators; of packetdrill's names, those that
this TCP knows a value for. Anything else is unsupported.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from tcplab.packetdrill.model import CodeSpec
from tcplab.packetdrill.source import Place, ScriptError, Unsupported
from tcplab.tcp.states import State

STATES: Final = {
    "TCP_ESTABLISHED": State.ESTABLISHED,
    "TCP_SYN_SENT": State.SYN_SENT,
    "TCP_SYN_RECV": State.SYN_RECEIVED,
    "TCP_FIN_WAIT1": State.FIN_WAIT_1,
    "TCP_FIN_WAIT2": State.FIN_WAIT_2,
    "TCP_TIME_WAIT": State.TIME_WAIT,
    "TCP_CLOSE": State.CLOSED,
    "TCP_CLOSE_WAIT": State.CLOSE_WAIT,
    "TCP_LAST_ACK": State.LAST_ACK,
    "TCP_LISTEN": State.LISTEN,
    "TCP_CLOSING": State.CLOSING,
}
"""Linux's names of the states."""
CONSTANTS: Final = {name: number for number, name in enumerate(STATES, start=1)}
STATE_NUMBERS: Final = {state: CONSTANTS[name] for name, state in STATES.items()}

_COMPARE: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}
_BINARY: Final[Mapping[type[ast.operator], Callable[[Any, Any], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_UNARY: Final[Mapping[type[ast.unaryop], Callable[[Any], Any]]] = {ast.Not: operator.not_, ast.USub: operator.neg}
_DEEPEST: Final = 50


class Assertion:
    """One ``assert``, ready to be judged."""

    def __init__(self, test: ast.expr, text: str, place: Place) -> None:
        self.text = text
        self.place = place
        self._test = test

    def names(self) -> set[str]:
        """Return the names whose values it needs."""
        return {node.id for node in ast.walk(self._test) if isinstance(node, ast.Name)} - CONSTANTS.keys()

    def holds(self, values: Mapping[str, int]) -> bool:
        """Return whether it is true with those values of its names.

        Raises:
            ScriptError: it compares what cannot be compared.
        """
        try:
            return bool(_value(self._test, {**CONSTANTS, **values}))
        except TypeError:
            raise ScriptError(self.place, f"expected what can be compared, found {self.text!r}") from None


def assertions(spec: CodeSpec, known: frozenset[str]) -> list[Assertion]:
    """Return the assertions of a piece of code.

    Args:
        spec: the code.
        known: the names that have values.

    Raises:
        ScriptError: it is no Python.
        Unsupported: it is more than assertions, or names what nobody knows here.
    """
    text = spec.text.strip()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ScriptError(spec.place, "expected assertions in Python between %{ and }%") from None
    found = []
    for statement in tree.body:
        if not isinstance(statement, ast.Assert):
            raise Unsupported(spec.place, f"{ast.unparse(statement).splitlines()[0]!r} (only assertions are)")
        _refuse_unknown(statement.test, spec.place, known, _DEEPEST)
        found.append(Assertion(statement.test, ast.unparse(statement.test), spec.place))
    return found


def _refuse_unknown(node: ast.expr, place: Place, known: frozenset[str], depth: int) -> None:
    children: list[ast.expr]
    match node:
        case ast.Name(name) if name in known or name in CONSTANTS:
            return
        case ast.Name(name):
            raise Unsupported(place, f"the value {name}")
        case ast.Constant(value) if isinstance(value, int | float | bool):
            return
        case ast.Compare(left, operators, comparators) if all(type(each) in _COMPARE for each in operators):
            children = [left, *comparators]
        case ast.BoolOp(_, children):
            pass
        case ast.BinOp(left, operator_, right) if type(operator_) in _BINARY:
            children = [left, right]
        case ast.UnaryOp(operator_, operand) if type(operator_) in _UNARY:
            children = [operand]
        case ast.Tuple(children) | ast.List(children) | ast.Set(children):
            pass
        case _:
            raise Unsupported(place, f"the expression {ast.unparse(node)!r}")
    if not depth:
        raise Unsupported(place, "an expression as deep as this")
    for child in children:
        _refuse_unknown(child, place, known, depth - 1)


def _value(node: ast.expr, names: Mapping[str, int]) -> Any:
    match node:
        case ast.Name(name):
            return names[name]
        case ast.Constant(value):
            return value
        case ast.Compare(left, operators, comparators):
            values = [_value(each, names) for each in (left, *comparators)]
            return all(_COMPARE[type(each)](*values[at : at + 2]) for at, each in enumerate(operators))
        case ast.BoolOp(kind, nodes):
            combine = all if isinstance(kind, ast.And) else any
            return combine(_value(each, names) for each in nodes)
        case ast.BinOp(left, kind, right):
            return _BINARY[type(kind)](_value(left, names), _value(right, names))
        case ast.UnaryOp(kind, operand):
            return _UNARY[type(kind)](_value(operand, names))
        case ast.Tuple(nodes) | ast.List(nodes) | ast.Set(nodes):
            return [_value(each, names) for each in nodes]
        case _:
            raise AssertionError(f"{ast.dump(node)} was let through")
