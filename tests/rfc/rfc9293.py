"""Every clause of RFC 9293's Appendix B, in its order of numbers, and why some are not shown by a test."""

from typing import Final

from tests.rfc.clause import Clause

_NO_ICMP: Final = "nothing in the lab speaks ICMP: a packet that is lost is lost in silence"
_NO_IP_OPTIONS: Final = "the lab's packets have addresses and two ECN bits of an IP header, and no IP options"
_NO_DIFFSERV: Final = "the lab's packets carry no Differentiated Services field, and its network would not heed one"
_NO_URGENT: Final = "urgent data is taken like any other: RFC 9293 tells new applications to do without (SHLD-13)"
_NO_PUSH_CALL: Final = "SEND has no PUSH flag, so that MUST-60 and MUST-61 hold instead"
_NO_SOFT_ERRORS: Final = "the application is told of failures alone; of every retransmission, observers are told"

MUSTS: Final = (
    Clause("MUST-1", "3.1", "A window is an unsigned number."),
    Clause(
        "MUST-2",
        "3.1",
        "The sender computes the checksum.",
        beyond="a packet that is intact travels as JSON without one",
    ),
    Clause(
        "MUST-3",
        "3.1",
        "The receiver verifies the checksum.",
        beyond="a packet that is intact travels as JSON without one",
    ),
    Clause("MUST-4", "3.1", "The options EOL, NOP and MSS are supported."),
    Clause("MUST-5", "3.1", "An option may stand on any segment."),
    Clause("MUST-6", "3.1", "An option that is not known is passed over without error."),
    Clause("MUST-7", "3.1", "An option whose length cannot be right is borne."),
    Clause("MUST-8", "3.4.1", "ISNs are driven by a clock that ticks every 4 µs or so."),
    Clause("MUST-9", "3.4.1", "Nobody outside of the host can compute an ISN's offset."),
    Clause("MUST-10", "3.5", "Both ends may open at once."),
    Clause("MUST-11", "3.5", "SYN_RECEIVED remembers whether the OPEN was passive or active."),
    Clause("MUST-12", "3.6", "The application learns whether the peer closed in order or aborted."),
    Clause("MUST-13", "3.6.1", "Whoever closes actively stays in TIME_WAIT for 2 MSL."),
    Clause("MUST-14", "3.7.1", "The MSS option is sent, and heeded when received."),
    Clause(
        "MUST-15",
        "3.7.1",
        "Without an MSS option from the peer, 536 octets are assumed.",
        beyond="IPv6's 1220: the lab has IPv4 alone",
    ),
    Clause("MUST-16", "3.7.1", "A segment is as large as the lesser of what the peer takes and what IP lets out."),
    Clause("MUST-17", "3.7.4", "An application can switch Nagle's algorithm off for one connection."),
    Clause("MUST-18", "3.8.1", "The RTO is that of RFC 6298, with Karn's algorithm."),
    Clause("MUST-19", "3.8.2", "Slow start, congestion avoidance, and a back-off of the RTO."),
    Clause(
        "MUST-20",
        "3.8.3",
        "What is sent again and again reaches a threshold R1, then R2, which closes the connection.",
        beyond="R1's advice to IP about a dead gateway: the lab has no gateways",
    ),
    Clause("MUST-21", "3.8.3", "An application can set R2 of one connection, to infinity too."),
    Clause("MUST-22", "3.8.3", "A SYN that is sent again and again is treated alike, and the application told."),
    Clause("MUST-23", "3.8.3", "R2 of a SYN is 3 minutes at least."),
    Clause("MUST-24", "3.8.4", "An application can switch keep-alives on and off for one connection."),
    Clause("MUST-25", "3.8.4", "Keep-alives are off unless asked for."),
    Clause(
        "MUST-26",
        "3.8.4",
        "A keep-alive is sent only where nothing is outstanding and nothing came for an interval.",
    ),
    Clause("MUST-27", "3.8.4", "That interval can be set."),
    Clause("MUST-28", "3.8.4", "It is two hours at least where nobody set it."),
    Clause("MUST-29", "3.8.4", "One keep-alive without an answer does not end the connection."),
    Clause("MUST-30", "3.8.5", "The urgent mechanism is supported.", not_done=_NO_URGENT),
    Clause("MUST-31", "3.8.5", "Urgent data may have any length.", not_done=_NO_URGENT),
    Clause(
        "MUST-32", "3.8.5", "The application is told when urgent data begins or its end moves on.", not_done=_NO_URGENT
    ),
    Clause(
        "MUST-33", "3.8.5", "The application can learn whether more urgent data is to be read.", not_done=_NO_URGENT
    ),
    Clause("MUST-34", "3.8.6", "A sender bears a window that shrinks, beyond what it has sent too."),
    Clause("MUST-35", "3.8.6", "A window that shrinks to zero is probed."),
    Clause("MUST-36", "3.8.6.1", "A window of zero is probed."),
    Clause("MUST-37", "3.8.6.1", "A connection stays open as long as its probes are answered."),
    Clause("MUST-38", "3.8.6.2.1", "The sender sends no silly segments."),
    Clause("MUST-39", "3.8.6.2.2", "The receiver offers no silly windows."),
    Clause("MUST-40", "3.8.6.3", "An ACK is delayed by less than half a second."),
    Clause("MUST-41", "3.9.1.1", "A passive OPEN makes a new record or is an error; it alters no other connection."),
    Clause("MUST-42", "3.9.1.1", "One can LISTEN on a port that a connection in SYN_SENT or SYN_RECEIVED uses."),
    Clause(
        "MUST-43",
        "3.9.1.1",
        "OPEN can be told the local address.",
        not_here="a host has one address: whoever chooses it chooses the host",
    ),
    Clause(
        "MUST-44",
        "3.9.1.1",
        "Without one, IP chooses the local address before the first SYN.",
        beyond="there is one address to choose from: a host is not multihomed",
    ),
    Clause("MUST-45", "3.9.1.1", "Every later segment has the same local address."),
    Clause(
        "MUST-46",
        "3.9.1.1",
        "An active OPEN to a broadcast or multicast address is refused.",
    ),
    Clause("MUST-47", "3.9.1.8", "Soft errors can be reported to the application.", not_done=_NO_SOFT_ERRORS),
    Clause("MUST-48", "3.9.1.9", "An application can set the Differentiated Services field.", not_here=_NO_DIFFSERV),
    Clause(
        "MUST-49",
        "3.9.2",
        "The TTL of segments can be set.",
        not_here="the lab's packets are not routed by hops and have no TTL: their age is bounded instead",
    ),
    Clause("MUST-50", "3.9.2", "IP options that TCP does not know are passed over.", not_here=_NO_IP_OPTIONS),
    Clause("MUST-51", "3.9.2.1", "An application can set a source route for an active OPEN.", not_here=_NO_IP_OPTIONS),
    Clause("MUST-52", "3.9.2.1", "That route counts more than one which a datagram brings.", not_here=_NO_IP_OPTIONS),
    Clause(
        "MUST-53",
        "3.9.2.1",
        "A passive connection answers along the route on which its SYN came.",
        not_here=_NO_IP_OPTIONS,
    ),
    Clause("MUST-54", "3.9.2.2", "An ICMP error reaches the connection that it is about.", not_here=_NO_ICMP),
    Clause("MUST-55", "3.9.2.2", "ICMP Source Quench is discarded in silence.", not_here=_NO_ICMP),
    Clause("MUST-56", "3.9.2.2", "A soft ICMP error does not end a connection.", not_here=_NO_ICMP),
    Clause("MUST-57", "3.9.2.3", "A SYN to a broadcast or multicast address is discarded in silence."),
    Clause("MUST-58", "3.10.7.4", "ACKs are put together where possible."),
    Clause("MUST-59", "3.10.7.4", "All that waits in the queue is processed before an ACK is sent."),
    Clause("MUST-60", "3.9.1.2", "Without a PUSH flag of SEND, data is not held back for ever."),
    Clause("MUST-61", "3.9.1.2", "Without a PUSH flag of SEND, the last segment of what is queued has PSH set."),
    Clause("MUST-62", "3.8.5", "The urgent pointer names the octet after the urgent data.", not_done=_NO_URGENT),
    Clause("MUST-63", "3.9.2.3", "A SYN from an invalid address is ignored, by TCP or by IP."),
    Clause("MUST-64", "3.2", "Options are read wherever they begin, on a word or not."),
    Clause("MUST-65", "3.2", "The MSS option stands on no segment without SYN."),
    Clause("MUST-66", "3.4", "RST and URG count even where the window is zero.", beyond="URG: " + _NO_URGENT),
    Clause(
        "MUST-67", "3.7.1", "The MSS that is told is at most what IP can put together, less the header of 20 octets."
    ),
    Clause("MUST-68", "3.1", "Every option but EOL and NOP has its length on it."),
    Clause("MUST-69", "3.1", "What follows EOL in the header is zeros."),
)

SHOULDS: Final = (
    Clause("REC-1", "3.1", "Windows are computed with 32 bits."),
    Clause("SHLD-1", "3.4.1", "ISN = M + F(local, local port, remote, remote port, secret key)."),
    Clause("SHLD-2", "3.5.3", "A RST may carry data."),
    Clause("SHLD-3", "3.6.1", "After a half-duplex close, data that nobody will read is answered with RST."),
    Clause("SHLD-4", "3.6.1", "With timestamps, a new SYN may cut TIME_WAIT short (RFC 6191)."),
    Clause("SHLD-5", "3.7.1", "Every SYN tells the MSS, unless it is the default."),
    Clause(
        "SHLD-6",
        "3.7.3",
        "Where the MTU varies, the MSS goes by the least of them.",
        not_here="a host's MTU does not vary: its MSS is a setting",
    ),
    Clause("SHLD-7", "3.7.4", "Nagle's algorithm puts short segments together."),
    Clause("SHLD-8", "3.8.2", "ECN is supported (RFC 3168)."),
    Clause("SHLD-9", "3.8.3", "The application is told when R1 is reached.", not_done=_NO_SOFT_ERRORS),
    Clause("SHLD-10", "3.8.3", "R1 is three retransmissions at least.", not_done="there is no R1 (SHLD-9)"),
    Clause("SHLD-11", "3.8.3", "R2 is 100 seconds at least."),
    Clause("SHLD-12", "3.8.4", "A keep-alive carries no data."),
    Clause(
        "SHLD-13",
        "3.8.5",
        "New applications do not use the urgent mechanism.",
        not_here="none can: SEND has no URGENT flag",
    ),
    Clause("SHLD-14", "3.8.6", "A receiver does not move the right edge of its window to the left."),
    Clause("SHLD-15", "3.8.6", "A sender sends no new data into a window that has shrunk."),
    Clause("SHLD-16", "3.8.6", "It retransmits what lies within that window."),
    Clause("SHLD-17", "3.8.6", "It does not give up because of data beyond that window."),
    Clause("SHLD-18", "3.8.6.3", "ACKs are delayed."),
    Clause("SHLD-19", "3.8.6.3", "Every second full-sized segment is acknowledged at once."),
    Clause(
        "SHLD-20",
        "3.9.1.8",
        "An application can do without reports of soft errors.",
        not_here="there are none to be switched off (MUST-47)",
    ),
    Clause("SHLD-21", "3.9.1.9", "An application can change the Differentiated Services field.", not_here=_NO_DIFFSERV),
    Clause("SHLD-22", "3.9.1.9", "That field reaches IP unaltered.", not_here=_NO_DIFFSERV),
    Clause("SHLD-23", "3.9.2", "An application does not change that field during a connection.", not_here=_NO_DIFFSERV),
    Clause(
        "SHLD-24", "3.9.2.1", "A source route that comes later takes the place of the former.", not_here=_NO_IP_OPTIONS
    ),
    Clause("SHLD-25", "3.9.2.2", "The application can learn of soft ICMP errors.", not_here=_NO_ICMP),
    Clause("SHLD-26", "3.9.2.2", "A hard ICMP error ends the connection.", not_here=_NO_ICMP),
    Clause("SHLD-27", "3.9.1.2", "Successive PSH bits collapse where their data fits one segment."),
    Clause("SHLD-28", "3.9.1.2", "Segments are of maximum size where possible."),
    Clause("SHLD-29", "3.8.6.1", "A window is first probed once it has been zero for an RTO."),
    Clause("SHLD-30", "3.8.6.1", "The intervals between probes grow exponentially."),
    Clause("SHLD-31", "3.10.7.4", "Segments ahead of a hole are kept."),
)

MAYS: Final = (
    Clause("MAY-1", "3.6.1", "A close may be half-duplex: nothing is read any more."),
    Clause("MAY-2", "3.6.1", "A SYN may open a connection anew straight from TIME_WAIT."),
    Clause("MAY-3", "3.7.1", "The MSS may be told on every SYN."),
    Clause(
        "MAY-4",
        "3.8.1",
        "What is sent again unaltered may have the same IP identification.",
        not_here="the lab's packets have no IP identification; the number that each has is the journal's",
    ),
    Clause("MAY-5", "3.8.4", "There may be keep-alives."),
    Clause(
        "MAY-6",
        "3.8.4",
        "A keep-alive may be set to carry one octet of garbage.",
        not_done="it helps only against TCPs that were wrong in 1989",
    ),
    Clause("MAY-7", "3.8.6", "What lies beyond a window that has shrunk may be sent again."),
    Clause("MAY-8", "3.8.6.1", "A receiver may keep its window closed for ever."),
    Clause(
        "MAY-9",
        "3.9.1.9",
        "The application may be told the Differentiated Services field that came last.",
        not_here=_NO_DIFFSERV,
    ),
    Clause("MAY-10", "3.9.2", "The IP option Timestamp may be supported.", not_here=_NO_IP_OPTIONS),
    Clause("MAY-11", "3.9.2", "The IP option Record Route may be supported.", not_here=_NO_IP_OPTIONS),
    Clause("MAY-12", "3.10.7.4", "An ACK may have to lie near SND.UNA (RFC 5961, section 5)."),
    Clause("MAY-13", "3.10.7.4", "A segment ahead of a hole may be answered with an ACK."),
    Clause(
        "MAY-14",
        "3.9.1.7",
        "There may be a FLUSH call.",
        not_done="ABORT empties the queue, and nobody has asked for less",
    ),
    Clause("MAY-15", "3.9.1.2", "SEND may have a PUSH flag.", not_done=_NO_PUSH_CALL),
    Clause("MAY-16", "3.9.1.2", "What was sent without PUSH may be collected."),
    Clause(
        "MAY-17",
        "3.9.1.3",
        "The application may be told of a PSH that came.",
        not_done="RECEIVE takes what there is, whatever segments brought it",
    ),
    Clause("MAY-18", "3.8.2", "Other congestion control may be used that conforms."),
)

LIFECYCLE: Final = frozenset(
    f"MUST-{number}"
    for numbers in (range(8, 14), range(18, 30), range(34, 47), range(57, 60), range(65, 67))
    for number in numbers
)
"""The clauses about how connections live and die: each that a test shows has a mutant."""
