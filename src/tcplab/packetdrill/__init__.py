"""Packetdrill scripts against the lab's TCP: in-process, on a virtual clock, without privileges.

The language is that of github.com/google/packetdrill; docs/packetdrill.md says which part of it is understood.
"""

from tcplab.packetdrill.model import Script
from tcplab.packetdrill.parser import parse
from tcplab.packetdrill.runner import Outcome, Problem, Verdict, run, run_text
from tcplab.packetdrill.settings import Variant
from tcplab.packetdrill.source import Place, ScriptError, Unsupported

__all__ = [
    "Outcome",
    "Place",
    "Problem",
    "Script",
    "ScriptError",
    "Unsupported",
    "Variant",
    "Verdict",
    "parse",
    "run",
    "run_text",
]
