"""Clauses of other RFCs that the lab goes by. These do not number theirs, so that sections stand in the names."""

from typing import Final

from tests.rfc.clause import Clause

OTHER_CLAUSES: Final = (
    Clause("RFC1337-F1", "fix F1", "A RST in TIME_WAIT is ignored."),
    Clause("RFC1337-H1", "hazard H1", "No old duplicate is taken for the data of a new incarnation."),
    Clause("RFC1337-H2", "hazard H2", "Two ends do not acknowledge each other for ever."),
    Clause("RFC4987-2.2", "2.2", "A listener holds a bounded number of half-open connections."),
    Clause("RFC5681-2", "2", "A duplicate ACK carries no data, moves no window and acknowledges SND.UNA."),
    Clause("RFC5681-3.2", "3.2", "Three duplicate ACKs send the missing segment at once."),
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
)
