"""The settings that decide which transitions there are: everything under the default, what is in order under others."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from tcplab.check.relation.inputs import IN_ORDER
from tcplab.check.relation.search import Found, search
from tcplab.check.relation.subject import CONFIG, Subject
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host
from tcplab.units import SECOND

DEFAULT: Final = "as it is"

OTHERS: Final[Mapping[str, TcpConfig]] = {
    "with a user timeout": replace(CONFIG, user_timeout=3 * SECOND // 2),
    "with keep-alives": replace(
        CONFIG,
        keep_alive=True,
        keep_alive_idle=7 * SECOND,
        keep_alive_interval=SECOND,
        keep_alive_probes=1,
    ),
    "with reuse (MAY-2)": replace(CONFIG, time_wait_reuse=True),
    "with Linux' TIME_WAIT": replace(CONFIG, time_wait_policy="linux"),
}
"""Settings besides the default, by how the page names them."""


def search_all() -> dict[str, Found]:
    """Search under the default settings with every input, and under each of the others with those in order."""
    return {DEFAULT: search(), **dict(_others())}


def _others() -> Iterator[tuple[str, Found]]:
    for name, config in OTHERS.items():
        yield name, search(partial(Subject, Host, config), IN_ORDER)
