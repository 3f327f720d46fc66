"""The transitions that the engine really takes, found by bounded search, beside those that RFC 9293 allows."""

from tcplab.check.relation.inputs import Arrival, Input, Wait
from tcplab.check.relation.page import page
from tcplab.check.relation.rfc import ABSENT, BY_DEFAULT_ABSENT, OWN, RFC, Edge, Trigger
from tcplab.check.relation.search import Found, search
from tcplab.check.relation.settings import DEFAULT, search_all
from tcplab.check.relation.subject import Subject

__all__ = [
    "ABSENT",
    "BY_DEFAULT_ABSENT",
    "DEFAULT",
    "OWN",
    "RFC",
    "Arrival",
    "Edge",
    "Found",
    "Input",
    "Subject",
    "Trigger",
    "Wait",
    "page",
    "search",
    "search_all",
]
