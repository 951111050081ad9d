"""Web addresses in their parts, and what of an address decides where it leads."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
"""Characters that mean the same whether percent-encoded or not (RFC 3986, 2.3)."""

DEFAULT_PORTS = {"http": "80", "https": "443"}

TRACKING_PREFIXES = ("utm_",)
TRACKING_KEYS = frozenset({"ref", "fbclid", "gclid", "dclid", "msclkid", "mc_cid", "mc_eid", "igshid"})
"""Keys of a query that say where a visitor comes from, and not where to go."""

_PARTS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?:(?P<user>[^/?#@]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^/?#@:\[\]]*)"
    r"(?::(?P<port>[0-9]*))?(?P<path>/[^?#]*|)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?",
    re.DOTALL,
)
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*\.?")
_NUMBERS = re.compile(r"[0-9.]+")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SECOND_LEVELS = frozenset({"co", "com", "org", "net", "ac", "edu", "gov", "gob", "go", "ne", "or"})


class Address(NamedTuple):
    """The parts of an address, as they are written; None where a part is not there."""

    scheme: str | None
    user: str | None
    host: str
    port: str | None
    path: str
    query: str | None
    fragment: str | None

    def __str__(self) -> str:
        marked = ((self.port, ":"), (self.path, ""), (self.query, "?"), (self.fragment, "#"))
        before = ("" if self.scheme is None else f"{self.scheme}://") + ("" if self.user is None else f"{self.user}@")
        return before + self.host + "".join(mark + part for part, mark in marked if part is not None)

    @property
    def default_port(self) -> str | None:
        """What the port is where none is written; None where the scheme is not written either."""
        return None if self.scheme is None else DEFAULT_PORTS[self.scheme.lower()]

    @property
    def bare_host(self) -> str:
        """The host in small letters, without the `www.` that most sites answer to as well."""
        host = self.host.lower()
        return host[4:] if host.startswith("www.") and is_site(host[4:]) else host


def address_of(url: str) -> Address | None:
    """The parts of an address of the web, with `http`, `https` or no scheme; None of anything else.

    `str` of it is the URL again, to the last character.
    """
    found = _PARTS.fullmatch(url)
    if found is None:
        return None
    address = Address(**found.groupdict())
    if address.scheme is None:  # `localhost`, `me@home.net` and `mailto:me@home.net` may be anything
        web = "." in address.host and address.user is None
    else:
        web = address.scheme.lower() in DEFAULT_PORTS
    known = _NAME.fullmatch(address.host) is not None or address.host.startswith("[")
    plain = "\\" not in f"{address.user}{address.path}"  # browsers take it for a slash, others do not
    return address if web and known and plain else None


def is_site(host: str) -> bool:
    """Whether a host is as short as a name can be that somebody registers: `example.com`, `example.co.uk`.

    Of longer names nobody can say without a list of all registries whether they are hosts of their own, and they count
    as such, as numbers do.
    """
    labels = host.lower().rstrip(".").split(".")
    if _NUMBERS.fullmatch(host) or "" in labels or labels[-1][0].isdigit():  # 0x7f.0x1 is a number too
        return False
    country = len(labels) == 3 and labels[1] in _SECOND_LEVELS and len(labels[2]) == 2
    return country or (len(labels) == 2 and labels[0] not in _SECOND_LEVELS)


def is_tracking(pair: str) -> bool:
    """Whether a pair of a query, `key=value`, is there to track; not where a `;` may begin another pair in it."""
    if ";" in pair:
        return False
    key = pair.partition("=")[0].lower()
    return key in TRACKING_KEYS or key.startswith(TRACKING_PREFIXES)


def changed_codes(text: str, change: Callable[[str, str], str]) -> str:
    """A text with every percent-encoded byte replaced by `change(the character of that number, the code)`; with a `%`
    that begins none it stays, as what is written plainly might then be read as a code."""
    if _BROKEN.search(text):
        return text
    return _ENCODED.sub(lambda found: change(chr(int(found.group(1), 16)), found.group()), text)


def destination(url: str) -> str:
    """Where an address leads, spelled in one way: equal for all spellings of `respell`, and of itself.

        HTTP://www.Example.com:80/a%7Eb/?x=1&utm_source=mail#top   ->   example.com/a~b?x=1

    Without scheme, `www.`, default port, tracking keys, trailing slash and fragment; the host in small letters;
    characters that need no percent-encoding without it. A fragment that begins with ! is a place of its own, and stays.
    What is no address of the web stays as it is.
    """
    address = address_of(url)
    if address is None:
        return url
    port = None if address.port in ("", address.default_port) else address.port
    pairs = [] if address.query is None else [pair for pair in address.query.split("&") if not is_tracking(pair)]
    query = "&".join(pairs)
    fragment = address.fragment if (address.fragment or "").startswith("!") else None
    path = _plain(address.path)
    while path.endswith("/"):
        path = path[:-1]
    scheme = None if port is None or address.scheme is None else address.scheme.lower()
    return str(Address(scheme, address.user, address.bare_host, port, path, query or None, fragment))


def _plain(text: str) -> str:
    return changed_codes(text, lambda letter, code: letter if letter in UNRESERVED else code.upper())
