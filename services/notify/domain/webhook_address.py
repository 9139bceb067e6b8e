"""
Where a webhook may go. Endpoints are named by strangers: none may make us knock at a door inside.

A name is checked when it is registered, and what it resolves to each time before we connect, because
its owner may point it somewhere else at any time.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from services.shared.kernel.errors import Invalid

# Prefixes behind which another address hides that is not the one we would connect to: NAT64, 6to4, Teredo.
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"),
               IPv6Network("2001::/32"))  # fmt: skip


class WebhookAddressRefused(Invalid):
    """Webhooks do not go there."""

    code = "notify.webhook_address_refused"


@dataclass(frozen=True)
class Target:
    """A checked address. *path* with its query."""

    secure: bool
    host: str
    port: int
    path: str


def target_of(url: str, *, allow_insecure: bool) -> Target:
    """
    Where *url* leads.

    Args:
        url: As it was registered.
        allow_insecure: Demo and tests only: http, and addresses of this machine.

    Raises:
        WebhookAddressRefused: No https, no host, credentials in it, or an address inside.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise WebhookAddressRefused("this is no address") from error
    if not url.isascii() or any(character.isspace() or ord(character) < 32 for character in url):
        raise WebhookAddressRefused("an address is plain ASCII")
    if parts.scheme != "https" and not (allow_insecure and parts.scheme == "http"):
        raise WebhookAddressRefused("https only")
    if not parts.hostname or parts.username is not None or parts.password is not None:
        raise WebhookAddressRefused("a host is needed, and no credentials")
    host = parts.hostname.rstrip(".")
    literal = _literal(host)
    if literal is not None:
        if is_inside(literal, allow_loopback=allow_insecure):
            raise WebhookAddressRefused("this address is inside")
    elif not allow_insecure and ("." not in host or host.endswith((".localhost", ".local", ".internal"))):
        raise WebhookAddressRefused("this name is inside")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port or (443 if parts.scheme == "https" else 80), path)


def is_inside(address: IPv4Address | IPv6Address, *, allow_loopback: bool) -> bool:
    """
    Whether *address* is not one of the public internet.

    An IPv4 address written as IPv6 counts as the IPv4 address that it is.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_inside(address.ipv4_mapped, allow_loopback=allow_loopback)
        if any(address in network for network in _TRANSLATED):
            return True
    if address.is_loopback:
        return not allow_loopback
    return not address.is_global or address.is_multicast or address.is_reserved


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None
