"""Who may write: EPICS access security.

The user name is what the client claims, on both protocols. The host is not:
the address of the connection decides, as in a C IOC with
``asCheckClientIP=1``.
"""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from ioc.description import AccessGroup


@dataclass(frozen=True, slots=True)
class Client:
    """Who is connected.

    Attributes:
        user: Name as claimed.
        host: Host name as claimed; for the record, never for a decision.
        address: IP address of the connection.
    """

    user: str
    host: str
    address: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One RULE of an access security group.

    Attributes:
        write: Whether it grants writing; reading is granted by either kind.
        users: User names it is for; None for everybody.
        addresses: Addresses it is for; None for every host.
    """

    write: bool
    users: frozenset[str] | None = None
    addresses: frozenset[str] | None = None

    def fits(self, client: Client) -> bool:
        """Tell whether the rule is for this client."""
        return (self.users is None or client.user in self.users) and (
            self.addresses is None or client.address in self.addresses
        )


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Rules by access security group; a group without an entry has those of DEFAULT."""

    groups: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def may_write(self, group: AccessGroup, client: Client) -> bool:
        """Tell whether a client may write to the PVs of a group."""
        rules = self.groups.get(group, self.groups.get(AccessGroup.DEFAULT, ()))
        return any(rule.write and rule.fits(client) for rule in rules)


def built_in_rules() -> AccessRules:
    """Give the rules of a deployment without access file: writes from this host only."""
    return AccessRules({AccessGroup.DEFAULT: (Rule(write=True, addresses=own_addresses()),)})


def own_addresses() -> frozenset[str]:
    """Give the addresses by which this host reaches itself."""
    found = {"127.0.0.1", "::1"}
    try:
        found |= set(resolve(socket.gethostname()))
    except OSError:
        # A host whose own name does not resolve still has its loopback.
        return frozenset(found)
    return frozenset(found)


def resolve(host: str) -> frozenset[str]:
    """Give the addresses of a host name.

    Raises:
        OSError: The name does not resolve.
    """
    try:
        return frozenset({str(ipaddress.ip_address(host))})
    except ValueError:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
        return frozenset(str(entry[4][0]) for entry in found)
