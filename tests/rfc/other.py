"""Clauses of other RFCs that the lab goes by. These do not number theirs, so that sections stand in the names."""

from typing import Final

from tests.rfc.clause import Clause

OTHER_CLAUSES: Final = (
    Clause("RFC1337-F1", "fix F1", "A RST in TIME_WAIT is ignored."),
    Clause("RFC1337-H1", "hazard H1", "No old duplicate is taken for the data of a new incarnation."),
    Clause("RFC1337-H2", "hazard H2", "Two ends do not acknowledge each other for ever."),
    Clause("RFC2018-3", "3", "As many SACK blocks are reported as the header has room for."),
    Clause("RFC2018-4", "4", "The first block holds the segment that came last."),
    Clause("RFC2018-5", "5", "What is selectively acknowledged is not sent again."),
    Clause("RFC2018-8", "8", "A peer may take a selective acknowledgement back."),
    Clause("RFC2883-4", "4", "What came twice is reported in the first block (D-SACK)."),
    Clause("RFC3168-6.1.1", "6.1.1", "The SYNs agree on ECN; one that is sent again does not ask for it."),
    Clause(
        "RFC3168-6.1.2", "6.1.2", "A sender reacts to ECE as to a loss, once for a window of data, and says so by CWR."
    ),
    Clause("RFC3168-6.1.3", "6.1.3", "A receiver echoes a mark until CWR comes."),
    Clause("RFC4987-2.2", "2.2", "A listener holds a bounded number of half-open connections."),
    Clause("RFC4987-3.6", "3.6", "A SYN cookie takes the place of memory, and nobody can forge one."),
    Clause("RFC5681-2", "2", "A duplicate ACK carries no data, moves no window and acknowledges SND.UNA."),
    Clause("RFC5681-3.1", "3.1", "Slow start and congestion avoidance."),
    Clause("RFC5681-3.2", "3.2", "Three duplicate ACKs send the missing segment at once."),
    Clause("RFC5681-4.1", "4.1", "After a pause longer than an RTO the window begins anew."),
    Clause("RFC5961-3.2", "3.2", "Only a RST at RCV.NXT resets; another in the window is challenged."),
    Clause("RFC5961-4.2", "4.2", "A SYN on a synchronized connection is challenged."),
    Clause("RFC5961-5.2", "5.2", "An ACK lies between SND.UNA - MAX.SND.WND and SND.NXT, or is challenged."),
    Clause("RFC5961-7", "7", "Challenge ACKs are throttled."),
    Clause("RFC6298-2.2", "2.2", "The first round trip R sets SRTT to R and RTTVAR to R/2."),
    Clause("RFC6298-2.3", "2.3", "Later ones are smoothed; RTO = SRTT + max(G, 4 RTTVAR)."),
    Clause("RFC6298-2.4", "2.4", "The RTO is a second at least."),
    Clause("RFC6298-2.5", "2.5", "The RTO may have a maximum, of 60 seconds at least."),
    Clause("RFC6298-3", "3", "A segment that was sent again is not timed (Karn)."),
    Clause("RFC6298-5.2", "5.2", "The timer stops once all is acknowledged."),
    Clause("RFC6298-5.3", "5.3", "An ACK of new data restarts it."),
    Clause("RFC6298-5.4", "5.4", "When it goes off, the earliest segment is sent again."),
    Clause("RFC6298-5.5", "5.5", "Then the RTO doubles."),
    Clause("RFC6298-5.7", "5.7", "After a SYN that was sent again, data begins with an RTO of 3 seconds."),
    Clause("RFC6335-6", "6", "Ephemeral ports are 49152 to 65535."),
    Clause("RFC6528-3", "3", "ISN = M + F(4-tuple, secret key)."),
    Clause(
        "RFC6582-3.2", "3.2", "Without SACK, duplicate ACKs inflate the window and partial ones deflate it (NewReno)."
    ),
    Clause("RFC6675-4", "4", "The pipe holds what is neither acknowledged, nor selectively so, nor lost."),
    Clause("RFC6928-2", "2", "The initial window is ten segments."),
    Clause("RFC7323-2.2", "2.2", "Windows are scaled where the SYNs of both sides say so."),
    Clause("RFC7323-2.3", "2.3", "A scale above 14 counts as 14."),
    Clause("RFC7323-3.2", "3.2", "Once agreed on, timestamps stand on every segment."),
    Clause("RFC7323-4.3", "4.3", "The timestamp of the first segment that an ACK acknowledges is echoed."),
    Clause("RFC7323-5.2", "5.2", "PAWS does not apply to a RST."),
    Clause("RFC7323-5.3", "5.3", "What is older than TS.Recent is refused (PAWS)."),
    Clause("RFC7323-5.4", "5.4", "The timestamp clock ticks once in 1 ms to 1 s."),
    Clause("RFC7323-5.5", "5.5", "After 24 days TS.Recent counts for nothing."),
    Clause("RFC9438-4.2", "4.2", "In congestion avoidance the window follows a cubic function of time."),
    Clause("RFC9438-4.3", "4.3", "It is never slower than Reno."),
    Clause("RFC9438-4.6", "4.6", "A loss leaves seven tenths of the window."),
    Clause("RFC9438-4.7", "4.7", "A flow that lost below its old maximum gives way (fast convergence)."),
    Clause("RFC9438-4.8", "4.8", "After a timeout the plateau is where congestion avoidance begins."),
    Clause("RFC9438-4.9", "4.9", "A reduction that proves needless is taken back."),
)
