"""The transitions that the engine really takes, found by bounded search, beside those that RFC 9293 allows."""

from tcplab.check.relation.inputs import Arrival, Input, Wait
from tcplab.check.relation.page import page
from tcplab.check.relation.rfc import ABSENT, OWN, RFC, Edge, Trigger
from tcplab.check.relation.search import Found, search
from tcplab.check.relation.subject import Subject

__all__ = ["ABSENT", "OWN", "RFC", "Arrival", "Edge", "Found", "Input", "Subject", "Trigger", "Wait", "page", "search"]
