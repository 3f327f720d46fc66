import pytest

from tcplab.netem.roles import Roles
from tcplab.node import Address

ROLES = Roles({"client": "10.0.1.0/24", "server": "10.0.2.0/25"})


@pytest.mark.parametrize(
    ("address", "role"),
    [
        ("10.0.1.0", "client"),
        ("10.0.1.255", "client"),
        ("10.0.2.127", "server"),
        ("10.0.2.128", None),
        ("10.0.0.255", None),
        ("10.0.1.01", None),
        ("fe80::1", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_an_address_belongs_to_the_role_whose_prefix_holds_it(address: str, role: str | None) -> None:
    assert ROLES.of(Address(address)) == role


@pytest.mark.parametrize(
    ("prefixes", "wanted"),
    [
        ({"client": "10.0.1.0/33"}, "role 'client': '10.0.1.0/33' is no IPv4 prefix"),
        ({"client": "10.0.1.7/24"}, "role 'client': '10.0.1.7/24' is no IPv4 prefix"),
        ({"client": ""}, "role 'client': '' is no IPv4 prefix"),
        ({"a>b": "10.0.1.0/24"}, "role 'a>b': a name must not"),
        ({"": "10.0.1.0/24"}, "role '': a name must not"),
        ({"elsewhere": "10.0.1.0/24"}, "role 'elsewhere': a name must not"),
        (
            {"client": "10.0.0.0/16", "server": "10.0.2.0/24"},
            r"roles 'client' \(10.0.0.0/16\) and 'server' \(10.0.2.0/24\) share addresses",
        ),
    ],
)
def test_roles_that_cannot_be_are_refused_by_name(prefixes: dict[str, str], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        Roles(prefixes)
