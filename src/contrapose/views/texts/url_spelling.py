"""Other spellings of a URL that lead to the same place: they vary in logs and mails, and must not change an answer."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from contrapose.errors import ArgumentError
from contrapose.views.texts.url_address import (
    DEFAULT_PORTS,
    UNRESERVED,
    Address,
    address_of,
    changed_codes,
    is_site,
    is_tracking,
)

Operator = Callable[[str, np.random.Generator], str]
"""A URL and what is drawn from -> another spelling of it, or the URL itself where it has no other of that kind."""

APPENDED: dict[str, tuple[str, ...]] = {
    "utm_source": ("newsletter", "google", "facebook", "twitter", "bing"),
    "utm_medium": ("email", "cpc", "social", "referral"),
    "utm_campaign": ("spring_sale", "launch", "weekly", "brand"),
    "fbclid": (),
    "gclid": (),
}
"""Tracking keys that are appended, and their usual values; of the others a value is drawn letter by letter."""

Change = Callable[[Address, np.random.Generator], Address]

OPERATORS: dict[str, Operator] = {}
"""All of them by name, in the order in which `respell` takes them."""
_CHANGES: list[Change] = []

_ENCODED_AT_ONCE = 3
_FREE = UNRESERVED - {"."}
"""What is encoded and decoded: a dot may be a step of the path (`..`), and stays as it is written."""


def operator(change: Change) -> Operator:
    """A change of the parts of an address as one of URLs; what is no address of the web stays."""

    @functools.wraps(change)
    def on_url(url: str, random: np.random.Generator) -> str:
        address = address_of(url)
        return url if address is None else str(change(address, random))

    OPERATORS[change.__name__] = on_url
    _CHANGES.append(change)
    return on_url


@operator
def fragment(address: Address, random: np.random.Generator) -> Address:
    """Leave out the fragment, `#top`, which no server sees; one that begins with `#!` names a page, and stays."""
    kept = (address.fragment or "").startswith("!")
    return address if kept else address._replace(fragment=None)


@operator
def tracking(address: Address, random: np.random.Generator) -> Address:
    """Leave out, move or append what tracks visitors (`utm_source=mail`); all other pairs stay in their order."""
    pairs = address.query.split("&") if address.query else []
    others, own = [pair for pair in pairs if not is_tracking(pair)], [pair for pair in pairs if is_tracking(pair)]
    choice = int(random.integers(3)) if own else 2
    if choice == 0:
        return address._replace(query="&".join(others) or None)
    if choice == 2:
        own = [_tracking_pair(random)]
        others = pairs
    for pair in own:
        others.insert(int(random.integers(len(others) + 1)) if choice == 1 else len(others), pair)
    return address._replace(query="&".join(others))


@operator
def encoding(address: Address, random: np.random.Generator) -> Address:
    """Percent-encode up to three letters of the path that need it not, or write those in plain letters that were."""
    plain = changed_codes(address.path, lambda letter, code: letter if letter in _FREE else code)
    if plain != address.path and random.random() < 0.5:
        return address._replace(path=plain)
    letters = list(address.path)
    codes = {place + after for place, letter in enumerate(letters) if letter == "%" for after in (0, 1, 2)}
    free = [place for place, letter in enumerate(letters) if letter in _FREE and place not in codes]
    count = min(len(free), int(random.integers(1, _ENCODED_AT_ONCE + 1)))
    for place in random.permutation(len(free))[:count].tolist():
        letters[free[place]] = f"%{ord(letters[free[place]]):02X}"
    return address._replace(path="".join(letters))


@operator
def slash(address: Address, random: np.random.Generator) -> Address:
    """Put a slash at the end of the path or take it away; a path that ends in the name of a file stays."""
    whole = address.path.removesuffix("/")
    if "." in whole.rpartition("/")[2] or whole.endswith("/"):
        return address
    return address._replace(path=f"{whole}/" if whole == address.path else whole)


@operator
def port(address: Address, random: np.random.Generator) -> Address:
    """Write the port that the scheme has by default, or leave it out; without a scheme nothing is sure."""
    usual = address.default_port
    if usual is None or address.port not in (None, "", usual):
        return address
    return address._replace(port=None if address.port else usual)


@operator
def scheme(address: Address, random: np.random.Generator) -> Address:
    """Exchange http and https; with a port of its own an address has one of them alone, and stays."""
    if address.scheme is None or address.port not in (None, "", address.default_port):
        return address
    (other,) = DEFAULT_PORTS.keys() - {address.scheme.lower()}
    return address._replace(scheme=other, port=DEFAULT_PORTS[other] if address.port else address.port)


@operator
def www(address: Address, random: np.random.Generator) -> Address:
    """Put `www.` before the host or take it away, where the rest is a name that somebody registered."""
    if address.host.lower().startswith("www."):
        rest = address.host[4:]
        return address._replace(host=rest) if is_site(rest) else address
    return address._replace(host=f"www.{address.host}") if is_site(address.host) else address


@operator
def case(address: Address, random: np.random.Generator) -> Address:
    """Write some letters of the host large, which names of hosts do not care about."""
    large = random.random(len(address.host)) < random.random()
    host = "".join(
        letter.upper() if up and letter.isascii() else letter for letter, up in zip(address.host, large, strict=True)
    )
    return address._replace(host=host)


def respelled(url: str, random: np.random.Generator, *, chance: float = 0.5) -> str:
    """Another spelling of one URL, each of `OPERATORS` being applied by chance."""
    address = address_of(url)
    if address is None:
        return url
    for change, luck in zip(_CHANGES, random.random(len(_CHANGES)), strict=True):
        if luck < chance:
            address = change(address, random)
    return str(address)


def respell(urls: Sequence[str], *, chance: float = 0.5, seed: int = 0) -> list[str]:
    """Other spellings of URLs that lead to the same places: a test set against which an answer should not change.

        table["url"] = respell(table["url"], seed=1)

    Tracking keys, percent-encoding of characters that need none, trailing slash, default port, http or https, `www.`,
    letters of the host, fragment: registered name, words of the path and all other keys stay, so that
    `destination(respelled) == destination(url)`. What is no address of the web (another scheme, blanks in the host)
    stays as it is. A URL without a scheme keeps being one.

    Arguments:
        chance: of each of these to be tried; 0.5 [design]. At 0 all stay.
        seed: the same one gives each URL the same spelling, whatever others stand beside it.

    Errors:
        ArgumentError: no URLs, one that is no text, a chance outside [0, 1].

    The idea of variants of one URL is that of URLBERT's abstract, https://arxiv.org/abs/2402.11495; its code has none.
    """
    urls = [urls] if isinstance(urls, str) else list(urls)
    if not urls:
        raise ArgumentError("No URLs were given: give a list of them, or a column of a table.")
    strange = [(row, url) for row, url in enumerate(urls) if not isinstance(url, str)]
    if strange:
        raise ArgumentError(f"URL {strange[0][0]} is {strange[0][1]!r}, and no text: leave rows without a URL out.")
    if not 0 <= chance <= 1:
        raise ArgumentError(f"chance is {chance}; it must be a number from 0 to 1.")
    return [respelled(url, _stream(url, seed), chance=chance) for url in urls]


def _stream(url: str, seed: int) -> np.random.Generator:
    named = hashlib.sha256(f"{seed} {url}".encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng(int.from_bytes(named[:8], "big"))


def _tracking_pair(random: np.random.Generator) -> str:
    key = list(APPENDED)[int(random.integers(len(APPENDED)))]
    values = APPENDED[key]
    if values:
        return f"{key}={values[int(random.integers(len(values)))]}"
    letters = sorted(UNRESERVED - set(".~"))
    return f"{key}=" + "".join(letters[place] for place in random.integers(len(letters), size=20))
