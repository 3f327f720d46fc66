"""Checkers: independent judges of a journal, which say valid, unknown or invalid, with the evidence.

``run(records, [legal_path, stream_intact, TimeWaitLasts(configs)])`` gives a :class:`Verdict`.
"""

from tcplab.check.back_off import BackOff
from tcplab.check.checker import Checker, Configs, run
from tcplab.check.closed import all_closed
from tcplab.check.conservation import Conservation
from tcplab.check.give_up import GiveUp
from tcplab.check.history import History, paths
from tcplab.check.path import legal_path
from tcplab.check.quiet import quiet
from tcplab.check.stream import stream_intact
from tcplab.check.time_wait import TimeWaitLasts
from tcplab.check.verdict import Finding, Outcome, Result, Verdict

__all__ = [
    "BackOff",
    "Checker",
    "Configs",
    "Conservation",
    "Finding",
    "GiveUp",
    "History",
    "Outcome",
    "Result",
    "TimeWaitLasts",
    "Verdict",
    "all_closed",
    "legal_path",
    "paths",
    "quiet",
    "run",
    "stream_intact",
]
