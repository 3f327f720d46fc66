"""A lab in one process: hosts and the network between them, on the running event loop."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from contextvars import ContextVar
from hashlib import blake2b
from ipaddress import IPv4Address
from itertools import product
from types import TracebackType
from typing import Final, Self

from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.notices import LinkSet
from tcplab.netem.profile import LIMIT_DEFAULT, Profile
from tcplab.netem.roles import DEFAULT_ROLES, link_name
from tcplab.node import Address, Node, Observer, Output
from tcplab.port import Port
from tcplab.runtime.clock import Clock
from tcplab.runtime.loop import Driver
from tcplab.runtime.memory import Hub
from tcplab.runtime.streams.driven import driven
from tcplab.runtime.streams.host import LabHost
from tcplab.runtime.streams.virtual import VirtualLoop
from tcplab.tcp.app import App
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host
from tcplab.units import Duration, Instant, seconds

DEFAULT_HOSTS: Final = ("10.0.1.1", "10.0.2.1")
NETWORK: Final = "netem"
"""The network's name for observers."""

_PACKETS_OF_A_LIFE: Final = 1 << 40  # a host that is switched on again begins to count above its earlier packets
_current: ContextVar["Lab | None"] = ContextVar("tcplab.Lab", default=None)


class Lab:
    """Hosts with a TCP each, and the network between them, as long as the context lasts.

    To be entered, once, on the running event loop::

        async with tcplab.Lab(delay=0.02, loss=0.05, seed=1) as lab:
            reader, writer = await lab.host("10.0.1.1").connect("10.0.2.1", 80)

    Under :func:`tcplab.run` time is virtual and begins at 0, and the same program gives the same run; under
    ``asyncio.run`` it is the machine's. The same settings hold for every link, those within a role too, but for the
    links that have a profile of their own.
    """

    def __init__(
        self,
        hosts: Iterable[str] = DEFAULT_HOSTS,
        *,
        delay: float = 0.0,
        jitter: float = 0.0,
        loss: float = 0.0,
        duplicate: float = 0.0,
        rate: int | None = None,
        limit: int = LIMIT_DEFAULT,
        links: Mapping[str, Profile] | None = None,
        roles: Mapping[str, str] = DEFAULT_ROLES,
        seed: int = 0,
        config: TcpConfig | None = None,
        time_scale: float = 1.0,
        observers: Sequence[Observer] = (),
    ) -> None:
        """Plan a lab; nothing happens before it is entered.

        Args:
            hosts: the addresses of those that are there from the beginning.
            delay: how long each packet is under way, in seconds of the lab.
            jitter: how far the delay varies to either side, in seconds of the lab.
            loss: the probability that a packet is lost, 0..1.
            duplicate: the probability that a packet is doubled, 0..1.
            rate: bits a second of each link, ``None`` for no bound.
            limit: how many packets the queue of a link holds.
            links: profiles of single links, by names such as ``"client>server"``.
            roles: the IPv4 prefix of each role.
            seed: what all that is left to chance comes from.
            config: settings of every host's TCP, the RFCs' by default.
            time_scale: lab seconds in a real one; virtual time takes none but 1.
            observers: told of every event; a node's name is its host's address, the network's is ``netem``.

        Raises:
            ValueError: a setting is out of its bounds; names it.
        """
        self.config: Final = config if config is not None else TcpConfig()
        profile = Profile(seconds(delay), seconds(jitter), loss, duplicate, rate, limit)
        between: dict[LinkName, Profile] = {link_name(*pair): profile for pair in product(roles, repeat=2)}
        between.update({LinkName(name): own for name, own in (links or {}).items()})
        self._network = Network(between, roles=roles, seed=seed, lifetime=self.config.msl)
        self._addresses = [self._check(address) for address in hosts]
        self._clock = Clock(time_scale)
        self._seed = seed
        self._observers = tuple(observers)
        self._hub = Hub()
        self._hosts: dict[Address, LabHost] = {}
        self._lives: dict[Address, int] = {}
        self._power = AsyncExitStack()
        self._error: Exception | None = None

    async def __aenter__(self) -> Self:
        """Switch the network and the hosts on.

        Raises:
            RuntimeError: this lab was entered before.
            ValueError: time is virtual, and scaled.
        """
        if self._lives:
            raise RuntimeError("this lab was entered before; make another one")
        loop = asyncio.get_running_loop()
        self._virtual = isinstance(loop, VirtualLoop)
        if isinstance(loop, VirtualLoop):
            if self._clock.scale != 1:
                raise ValueError(
                    f"time scale {self._clock.scale}: virtual time passes as fast as it can; leave it at 1"
                )
            self._clock = loop.clock()
        async with AsyncExitStack() as stack:
            self._wire = await stack.enter_async_context(
                driven(self._driver(NETWORK, self._network, self._hub.network()), self._fail)
            )
            self._wire.do(self._network.start)
            for address in self._addresses:
                stack.push_async_callback((await self._switch_on(address)).stop)
            self._power = stack.pop_all()
        self._outer = _current.get()
        _current.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Switch everything off, hosts first; what is still open ends with ``ConnectionAbortedError``.

        Raises:
            Exception: what an observer, or the lab itself, raised while it ran.
        """
        _current.set(self._outer)
        await self._power.aclose()
        if self._error is not None:
            raise self._error

    def host(self, address: str) -> LabHost:
        """Return the host of that address.

        Raises:
            ValueError: there is none.
        """
        host = self._hosts.get(Address(address))
        if host is None:
            raise ValueError(f"there is no host {address}; there are {', '.join(self._hosts)}")
        return host

    @property
    def hosts(self) -> Sequence[LabHost]:
        """The hosts, in the order in which they were first switched on."""
        return tuple(self._hosts.values())

    async def start_host(self, address: str, config: TcpConfig | None = None) -> LabHost:
        """Switch another host on, or one anew that was stopped.

        Args:
            address: its IPv4 address, of which some role has the prefix.
            config: settings of its TCP, the lab's by default.

        Raises:
            ValueError: the address is none, is in no role's prefix, or is in use.
        """
        host = await self._switch_on(self._check(address), config)
        self._power.push_async_callback(host.stop)
        return host

    def set_link(self, link: str, profile: Profile) -> None:
        """Let a link go by another profile from the next packet on.

        Raises:
            ValueError: there is no such link.
        """

        def act(_: Instant) -> Output:
            self._network.set(LinkName(link), profile)
            return Output((), (LinkSet(LinkName(link), str(profile)),))

        self._wire.do(act)

    async def _switch_on(self, address: Address, config: TcpConfig | None = None) -> LabHost:
        if address in self._hosts and self._hosts[address].is_running:
            raise ValueError(f"host {address} is there already")
        life = self._lives.get(address, 0)
        self._lives[address] = life + 1
        config = self.config if config is None else config

        def make(app: App) -> tuple[Host, Driver]:
            key = blake2b(f"{self._seed}/{address}/{life}".encode(), digest_size=16).digest()
            host = Host(address, app, config, isn_key=key, first_packet_id=1 + life * _PACKETS_OF_A_LIFE)
            role = self._network.role_of(address) or ""
            return host, self._driver(address, host, self._hub.host(address, role), config.msl)

        host = LabHost(address, make, self._fail)
        await host.start()
        self._hosts[address] = host
        return host

    def _driver(self, name: str, node: Node, port: Port, lifetime: Duration | None = None) -> Driver:
        return Driver(
            name, node, port, self._observers, clock=self._clock, lifetime=lifetime, watch_clocks=not self._virtual
        )

    def _check(self, address: str) -> Address:
        checked = Address(str(IPv4Address(address)))
        if self._network.role_of(checked) is None:
            raise ValueError(f"host {address}: the address is in no role's prefix")
        return checked

    def _fail(self, error: Exception) -> None:
        """A driver cannot go on: without it nothing here would ever end."""
        if self._error is None:
            self._error = error
            for host in self._hosts.values():
                host.fail(error)


def current_lab() -> Lab:
    """Return the lab that was entered last where this is called.

    Raises:
        RuntimeError: there is none.
    """
    lab = _current.get()
    if lab is None:
        raise RuntimeError("there is no lab here: enter one with `async with tcplab.Lab():`, or call a host's method")
    return lab
