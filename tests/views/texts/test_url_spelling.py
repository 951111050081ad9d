"""Other spellings of URLs: each operator alone, where they lead by Python's own reading, and what is no URL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError, OptionError
from contrapose.padded import Padded
from contrapose.views.texts import TextViewMaker, TextViews, destination, respell
from contrapose.views.texts.url_address import address_of, is_site
from contrapose.views.texts.url_spelling import OPERATORS, respelled

URLS = [
    "http://www.Example.com:80/a%7Eb/c-d?x=1&utm_source=mail&y=2#top",
    "https://example.co.uk/news/article_12/",
    "https://login.bank.example.org:8443/%2e%2e/x/../index.html?next=%2Fhome&ref=mail",
    "http://192.168.0.1/fk/cnmb.php",
    "http://[2001:db8::1]:80/x",
    "https://user:Pa%41ss@www.shop.com",
    "http://a-b.net?b=2&a=1&a=3&fbclid=Zz_9",
    "https://app.example.com/#!/inbox/7",
    "kenh14.vn/2-tek/ban-thiet-ke",
    "example.com:8080/",
    "http://localhost:3000/metrics",
    "https://münchen.de/straße%C3%9F//",
]
OTHERS = [
    "", " ", "no url", "mailto:me@home.net", "ftp://files.net/a", "javascript:alert(1)", "plain", "a.b .com/x",
    "C:/x.y", "http://[half", "http://a.com:port/", "me@home.net", "https:///path", "data:text/html,x.y",
]  # fmt: skip


def draws(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def is_tracking(pair: str) -> bool:
    key = pair.split("=")[0]
    return key.startswith("utm_") or key in {"fbclid", "gclid", "ref"}


def place_of(url: str) -> tuple[object, ...]:
    """Where a URL leads, as Python's library reads it: the scheme and `www.` do not matter, nor what tracks."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    port = None if parts.port == {"http": 80, "https": 443}[parts.scheme] else parts.port
    pairs = [pair for pair in parts.query.split("&") if pair and not is_tracking(pair)]
    host = (parts.hostname or "").removeprefix("www.")
    route = parts.fragment if parts.fragment.startswith("!") else ""
    return parts.username, parts.password, host, port, unquote(parts.path).rstrip("/"), pairs, route


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_keeps_the_destination_and_changes_something(name: str) -> None:
    changed = 0
    for seed in range(8):
        for url in URLS:
            other = OPERATORS[name](url, draws(seed))
            assert place_of(other) == place_of(url), (url, other)
            assert destination(other) == destination(url), (url, other)
            assert other == OPERATORS[name](url, draws(seed))
            assert ("://" in other) == ("://" in url)
            changed += other != url
    assert changed >= 8


@pytest.mark.parametrize("name", OPERATORS)
def test_what_is_no_address_of_the_web_stays(name: str) -> None:
    for text in OTHERS:
        assert OPERATORS[name](text, draws()) == text
        assert destination(text) == text


def test_addresses_come_back_to_the_last_character() -> None:
    for url in URLS:
        assert str(address_of(url)) == url


def test_operators_do_what_they_are_called() -> None:
    def once(name: str, url: str, seed: int = 0) -> str:
        return OPERATORS[name](url, draws(seed))

    assert once("fragment", "http://a.com/x#top") == "http://a.com/x"
    assert once("slash", "a.com/x") == "a.com/x/"
    assert once("slash", "a.com/x/") == "a.com/x"
    assert once("slash", "a.com/x.html") == "a.com/x.html"
    assert once("slash", "http://a.com?x=1") == "http://a.com/?x=1"
    assert once("port", "https://a.com/x") == "https://a.com:443/x"
    assert once("port", "https://a.com:443/x") == "https://a.com/x"
    assert once("port", "https://a.com:80/x") == "https://a.com:80/x"
    assert once("port", "a.com/x") == "a.com/x"
    assert once("scheme", "http://a.com:80/x") == "https://a.com:443/x"
    assert once("scheme", "https://a.com") == "http://a.com"
    assert once("scheme", "http://a.com:8080") == "http://a.com:8080"
    assert once("www", "a.com/www") == "www.a.com/www"
    assert once("www", "https://WWW.a.co.uk/") == "https://a.co.uk/"
    assert once("www", "login.a.com") == "login.a.com"
    assert once("www", "http://10.0.0.1/") == "http://10.0.0.1/"
    assert once("case", "http://a-site.com/Path").lower() == "http://a-site.com/path"
    assert once("case", "http://a-site.com/Path").endswith("/Path")


def test_tracking_keys_are_left_out_moved_or_appended_and_others_keep_their_order() -> None:
    url = "a.com/x?b=2&utm_source=mail&a=1&a=3"
    seen = {OPERATORS["tracking"](url, draws(seed)) for seed in range(60)}
    assert "a.com/x?b=2&a=1&a=3" in seen
    assert "a.com/x?utm_source=mail&b=2&a=1&a=3" in seen
    assert any(other.startswith(url + "&") for other in seen)
    bare = {OPERATORS["tracking"]("a.com", draws(seed)) for seed in range(60)}
    assert all(other.startswith("a.com?") and is_tracking(other.partition("?")[2]) for other in bare)
    assert len({other.partition("=")[0] for other in bare}) >= 4


def test_letters_are_encoded_and_decoded_and_codes_that_mean_something_else_stay() -> None:
    seen = {OPERATORS["encoding"]("a.com/ab/%2F%C3%9f?q=ab", draws(seed)) for seed in range(60)}
    assert all("%2F%C3%9f?q=ab" in other for other in seen)
    assert "a.com/%61b/%2F%C3%9f?q=ab" in seen
    assert "a.com/a/b" in {OPERATORS["encoding"]("a.com/%61/%62", draws(seed)) for seed in range(20)}
    assert all("/../" in OPERATORS["encoding"]("a.com/../b", draws(seed)) for seed in range(20))


@pytest.mark.parametrize("name", ["slash", "port", "scheme", "www"])
def test_what_goes_there_comes_back(name: str) -> None:
    for url in ("https://example.com/words", "http://www.example.com/words/"):
        there = OPERATORS[name](url, draws())
        assert there != url
        assert OPERATORS[name](there, draws()) == url


def test_one_spelling_for_all_and_of_itself() -> None:
    for url in URLS:
        plain = destination(url)
        assert destination(plain) == plain
        for seed in range(10):
            assert destination(respelled(url, draws(seed), chance=0.7)) == plain
    assert destination("HTTP://www.Example.com:80/a%7Eb/?x=1&utm_source=mail#top") == "example.com/a~b?x=1"
    different = ["a.com/x", "a.com/X", "a.com/y", "b.com/x", "a.com/x?y=1", "x.a.com/x", "a.com:81/x", "a.com/x?y=2"]
    assert len({destination(url) for url in different}) == len(different)
    assert destination("OPERATORS") == "OPERATORS"


def test_a_table_is_spelled_the_same_whatever_stands_beside_it() -> None:
    whole = respell(URLS, seed=3)
    assert whole == respell(URLS, seed=3)
    assert whole != respell(URLS, seed=4)
    assert whole[2:3] == respell(URLS[2:3], seed=3)
    assert respell(URLS, chance=0.0) == URLS
    assert sum(one != other for one, other in zip(whole, URLS, strict=True)) >= 10
    with pytest.raises(ArgumentError, match="No URLs were given"):
        respell([])
    with pytest.raises(ArgumentError, match=r"URL 1 is None, and no text"):
        respell(["a.com", None])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="chance is 2"):
        respell(["a.com"], chance=2)


def test_registered_names_are_short() -> None:
    assert all(map(is_site, ("a.com", "example.co.uk", "münchen.de")))
    assert not any(map(is_site, ("com", "co.uk", "www.a.com", "10.0.0.1", "a..com", "")))


def test_views_of_urls_are_other_spellings_drawn_by_the_generator() -> None:
    prepared: list[list[str]] = []

    def prepare(texts: list[str]) -> Padded:
        prepared.append(texts)
        ones = torch.ones(len(texts), 2, dtype=torch.long)
        return Padded(ones, ones.bool(), torch.tensor([[0, 1]]).expand(len(texts), 2))

    options = TextViews(crop_min=1.0, delete=0.0, respell=0.5)
    assert not options.are_copies
    assert "URLs spelled otherwise, each way by 50 %" in options.in_words()
    make = TextViewMaker(options, prepare)
    views = make(URLS, generator=torch.Generator().manual_seed(0))
    assert [len(view) for view in views] == [len(URLS)] * 2
    first, second = prepared
    assert first != second
    for side in (first, second):
        assert [destination(url) for url in side] == [destination(url) for url in URLS]
    make(URLS, generator=torch.Generator().manual_seed(0))
    assert prepared[2:] == [first, second]
    with pytest.raises(OptionError, match=r"respell is 0\.5, and these texts are numbers of tokens already"):
        make(prepare(["a"]))
    with pytest.raises(OptionError, match=r"respell is 1\.5"):
        TextViews(respell=1.5)


def test_of_real_urls_nothing_but_the_spelling_changes(shared_data: Callable[[str], Path]) -> None:
    pandas = pytest.importorskip("pandas")
    urls = pandas.read_parquet(shared_data("urls/test.parquet")).url.iloc[::40].tolist()
    other = respell(urls, seed=1)
    assert sum(one != two for one, two in zip(urls, other, strict=True)) > 0.9 * len(urls)
    for one, two in zip(urls, other, strict=True):
        assert destination(one) == destination(two), (one, two)


def test_codes_pairs_and_hosts_that_are_read_in_two_ways_stay() -> None:
    for seed in range(20):
        assert OPERATORS["encoding"]("a.com/%%3661", draws(seed)) != "a.com/%661"
        assert "id=5" in OPERATORS["tracking"]("a.com/?utm_source=x;id=5", draws(seed))
    assert OPERATORS["www"]("http://0x7f.0x1/", draws()) == "http://0x7f.0x1/"
    assert respelled("http://evil.com\\@good.com/x", draws(), chance=1.0) == "http://evil.com\\@good.com/x"
