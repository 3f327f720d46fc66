"""Writes segments as scripts do, and says how two differ."""

from dataclasses import replace

from tcplab.packetdrill import payload
from tcplab.packetdrill.flow import Seen
from tcplab.packetdrill.model import PacketSpec
from tcplab.packetdrill.packets import ECN, FAST_OPEN_KIND, LETTERS, MD5_KIND
from tcplab.units import MICROSECOND, Duration
from tcplab.wire.segment import URG, Flags, Options
from tcplab.wire.seq import SeqNumber, seq_diff

_ECN_NAMES = {bits: name for name, bits in ECN.items()}
_OTHER = {MD5_KIND: "md5", FAST_OPEN_KIND: "FO"}


def flags_text(flags: Flags) -> str:
    """Return flags in packetdrill's letters."""
    return "".join(letter for letter, bit in LETTERS.items() if flags & bit) or "-"


def options_text(options: Options) -> str:
    """Return options between angle brackets; empty where there is none."""
    parts = []
    if options.mss is not None:
        parts.append(f"mss {options.mss}")
    if options.sack_ok:
        parts.append("sackOK")
    if options.timestamps is not None:
        parts.append(f"TS val {options.timestamps[0]} ecr {options.timestamps[1]}")
    if options.wscale is not None:
        parts.append(f"wscale {options.wscale}")
    if options.sack:
        parts.append("sack " + " ".join(f"{left}:{right}" for left, right in options.sack))
    if options.user_timeout is not None:
        parts.append(f"uto {options.user_timeout.value} {options.user_timeout.unit}")
    parts += [f"{_OTHER.get(kind, f'kind {kind}')} {octets.hex()}".rstrip() for kind, octets in options.other]
    return f"<{','.join(parts)}>" if parts else ""


def seen_text(seen: Seen) -> str:
    """Return what the host sent as a script would have it."""
    size = len(seen.payload)
    ecn = f"[{_ECN_NAMES[seen.ecn]}] " if seen.ecn else ""
    ack = "" if seen.ack is None else f" ack {seen.ack}"
    urgent = f" urg {seen.urgent}" if seen.flags & URG else ""
    text = f"> {ecn}{flags_text(seen.flags)} {seen.seq}:{seen.seq + size}({size}){ack} win {seen.window}{urgent}"
    return f"{text} {options_text(seen.options)}".rstrip()


def differences(spec: PacketSpec, seen: Seen, position: int, tick: Duration, tolerance: Duration) -> list[str]:
    """Return how what the host sent differs from what the script expects, a few words each.

    Args:
        spec: what is expected.
        seen: what was sent.
        position: where in the host's stream its payload begins.
        tick: how long the host's timestamps count; 0 leaves their values alone.
        tolerance: how far from the expected ones their values may be.
    """
    compared: list[tuple[str, object, object]] = [
        ("flags", flags_text(spec.flags), flags_text(seen.flags)),
        ("sequence number", spec.seq, seen.seq),
        ("length", spec.length, len(seen.payload)),
        ("ack", spec.ack, seen.ack),
    ]
    if spec.window is not None:
        compared.append(("window", spec.window, seen.window))
    if (spec.flags | seen.flags) & URG:
        compared.append(("urgent pointer", spec.urgent, seen.urgent))
    if spec.ecn is not None:
        compared.append(("ECN", _ECN_NAMES[spec.ecn], _ECN_NAMES[seen.ecn]))
    found = [f"{name} {came}, expected {wanted}" for name, wanted, came in compared if wanted != came]
    if spec.options is not None and (came := _near(spec.options, seen.options, tick, tolerance)) != spec.options:
        found.append(f"options {options_text(came) or 'none'}, expected {options_text(spec.options) or 'none'}")
    if not found and seen.payload != payload.from_host(position, len(seen.payload)):
        found.append("the octets are not those that the application wrote")
    return found


def _near(wanted: Options, came: Options, tick: Duration, tolerance: Duration) -> Options:
    """Return the options that came, with the timestamp's value that was wanted where theirs is near enough."""
    if wanted.timestamps is None or came.timestamps is None:
        return came
    apart = abs(seq_diff(SeqNumber(came.timestamps[0]), SeqNumber(wanted.timestamps[0])))
    if apart * tick > tolerance:
        return came
    return replace(came, timestamps=(wanted.timestamps[0], came.timestamps[1]))


def seconds_text(duration: int) -> str:
    """Return nanoseconds as a script's seconds, with microseconds where there are any."""
    whole, micros = divmod(duration // MICROSECOND, 1_000_000)
    decimals = f"{micros:06d}"
    return f"{whole}.{decimals[:3] if decimals.endswith('000') else decimals}"
