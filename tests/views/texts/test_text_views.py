from __future__ import annotations

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.views.texts import TextViewMaker, TextViews
from contrapose.views.texts.remembered import Remembered

CLS, MASK = 2, 3
HIDDEN = -1
OFF = {"crop_min": 1.0, "delete": 0.0}


def words_of(*counts: int, pieces: int = 2, end: bool = False) -> Padded:
    """Rows of so many words behind a [CLS]; word w (from 1) is `pieces` tokens 100 w, 100 w + 1, ...; -1 ends a row."""
    rows, groups = [], []
    for count in counts:
        tokens = [(100 * word + piece, word) for word in range(1, count + 1) for piece in range(pieces)]
        tokens = [(CLS, 0), *tokens, *([(9, 0)] if end else [])]
        rows.append([token for token, _ in tokens])
        groups.append([word for _, word in tokens])
    T = max(map(len, rows))
    mask = torch.tensor([[True] * len(row) + [False] * (T - len(row)) for row in rows])
    values, numbers = (torch.tensor([row + [0] * (T - len(row)) for row in part]) for part in (rows, groups))
    return Padded(values, mask, numbers)


def maker(**options: float) -> TextViewMaker:
    return TextViewMaker(TextViews(**{**OFF, **options}), lambda raw: raw, mask_token=MASK)


def tokens_of(view: Padded) -> list[list[int]]:
    return [values[mask].tolist() for values, mask in zip(view.values, view.mask, strict=True)]


def whole_words(tokens: list[int]) -> list[int]:
    """The words of a row in order; fails where the pieces of one are not together."""
    assert tokens[0] == CLS
    rest = tokens[1:]
    assert len(rest) % 2 == 0
    for first, second in zip(rest[::2], rest[1::2], strict=True):
        assert second == first + 1 or first == second == MASK
    return [first // 100 if first != MASK else HIDDEN for first in rest[::2]]


ALL = {"crop_min": 0.3, "crop_max": 0.9, "delete": 0.3, "mask": 0.2, "swap": 0.5}


@pytest.mark.parametrize("options", [{}, {"crop_min": 0.2}, {"delete": 0.4}, {"mask": 0.4}, {"swap": 0.8}, ALL])
def test_views_are_whole_words_packed_to_the_left(options: dict[str, float]) -> None:
    texts = words_of(1, 7, 0, 12, 3, 20)
    generator = torch.Generator().manual_seed(0)
    for view in maker(count=5, **options)(texts, generator=generator):
        assert len(view) == 6
        lengths = view.mask.sum(dim=1)
        assert view.shape[1] == int(lengths.max())
        assert (view.mask == (torch.arange(view.shape[1]) < lengths[:, None])).all()
        assert (view.values[~view.mask] == 0).all()
        assert view.groups is not None
        for row, (tokens, count) in enumerate(zip(tokens_of(view), (1, 7, 0, 12, 3, 20), strict=True)):
            words = whole_words(tokens)
            assert min(count, 1) <= len(words) <= count
            assert count == 0 or any(word != HIDDEN for word in words), "something must be left to read"
            found = view.groups[row][view.mask[row]].tolist()
            assert found == [0, *[place for place in range(1, len(words) + 1) for _ in range(2)]]


def test_all_off_gives_copies() -> None:
    texts = words_of(3, 1)
    views = maker(count=3)(texts)
    assert len(views) == 3
    for view in views:
        assert torch.equal(view.values, texts.values)
        assert torch.equal(view.mask, texts.mask)
    assert TextViews(**OFF).are_copies
    assert not TextViews().are_copies


def test_the_generator_decides() -> None:
    texts = words_of(*[15] * 30)

    def drawn(seed: int) -> list[Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return [view.values for view in maker(**ALL)(texts, generator=generator)]

    state = torch.get_rng_state()
    one, again, other = drawn(1), drawn(1), drawn(2)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert one[0].shape != other[0].shape or not torch.equal(one[0], other[0])
    assert one[0].shape != one[1].shape or not torch.equal(one[0], one[1])


def test_words_are_left_out_as_often_as_said() -> None:
    rows, n, p = 4000, 3, 0.6
    (view,) = maker(count=1, delete=p)(words_of(*[n] * rows), generator=torch.Generator().manual_seed(0))
    kept = sum(len(whole_words(tokens)) for tokens in tokens_of(view)) / (rows * n)
    expected = 1 - p + p**n / n  # the luckiest word of a text always stays
    assert abs(kept - expected) < 4 * (0.25 / (rows * n)) ** 0.5
    (all_out,) = maker(count=1, delete=1.0)(words_of(5, 1, 0))
    assert [len(whole_words(tokens)) for tokens in tokens_of(all_out)] == [1, 1, 0]


def test_words_are_hidden_as_often_as_said() -> None:
    rows, n = 3000, 20
    texts = words_of(*[n] * rows)
    (view,) = maker(count=1, delete=0.2, mask=0.3)(texts, generator=torch.Generator().manual_seed(0))
    words = [whole_words(tokens) for tokens in tokens_of(view)]
    hidden = sum(row.count(HIDDEN) for row in words) / (rows * n)
    kept = sum(map(len, words)) / (rows * n)
    assert abs(hidden - 0.3) < 0.01
    assert abs(kept - 0.8) < 0.01


def test_a_crop_is_a_run_of_words_anywhere() -> None:
    rows, n = 3000, 10
    crop = maker(count=1, crop_min=0.3, crop_max=0.6)
    (view,) = crop(words_of(*[n] * rows), generator=torch.Generator().manual_seed(0))
    starts, lengths = [], []
    for tokens in tokens_of(view):
        words = whole_words(tokens)
        assert words == list(range(words[0], words[0] + len(words)))
        starts.append(words[0])
        lengths.append(len(words))
    assert set(lengths) == {3, 4, 5, 6}
    assert {start for start, length in zip(starts, lengths, strict=True) if length == 6} == {1, 2, 3, 4, 5}
    threes = torch.tensor([start for start, length in zip(starts, lengths, strict=True) if length == 3])
    share = torch.bincount(threes, minlength=9)[1:] / len(threes)  # uniform over the 8 places
    assert (share - 1 / 8).abs().max() < 4 * (0.11 / len(threes)) ** 0.5


def test_neighbours_change_places() -> None:
    texts = words_of(*[9] * 500)
    (view,) = maker(count=1, swap=1.0)(texts, generator=torch.Generator().manual_seed(0))
    orders = {tuple(whole_words(tokens)) for tokens in tokens_of(view)}
    assert orders == {(2, 1, 4, 3, 6, 5, 8, 7, 9), (1, 3, 2, 5, 4, 7, 6, 9, 8)}
    (some,) = maker(count=1, swap=0.3)(words_of(*[40] * 500), generator=torch.Generator().manual_seed(0))
    moved = [word != place for tokens in tokens_of(some) for place, word in enumerate(whole_words(tokens), start=1)]
    assert abs(sum(moved) / len(moved) - 0.3 * 39 / 40) < 0.02


@pytest.mark.parametrize("options", [{"swap": 1.0}, {"delete": 0.5}, ALL])
def test_what_ends_every_text_stays_at_its_end(options: dict[str, float]) -> None:
    texts = words_of(5, 0, 8, end=True)
    for view in maker(count=4, **options)(texts, generator=torch.Generator().manual_seed(0)):
        for tokens in tokens_of(view):
            assert tokens[-1] == 9
            whole_words(tokens[:-1])


def test_without_groups_each_token_is_a_word_but_the_first() -> None:
    texts = words_of(6, 2)
    plain = Padded(texts.values, texts.mask)
    (view,) = maker(count=1, delete=1.0)(plain)
    assert [len(tokens) for tokens in tokens_of(view)] == [2, 2]
    assert (view.values[:, 0] == CLS).all()


def test_views_of_views_can_be_made() -> None:
    generator = torch.Generator().manual_seed(0)
    (once,) = maker(count=1, delete=0.5)(words_of(*[12] * 50), generator=generator)
    (twice,) = maker(count=1, crop_min=0.5, crop_max=0.5)(once, generator=generator)
    for before, after in zip(tokens_of(once), tokens_of(twice), strict=True):
        assert len(whole_words(after)) == max(round(len(whole_words(before)) / 2 + 1e-9), 1) or len(before) // 2 % 2
        assert set(after) <= set(before)


def test_raw_texts_are_prepared_first() -> None:
    asked: list[object] = []

    def prepare(raw: object) -> Padded:
        asked.append(raw)
        return words_of(3, 4)

    views = TextViewMaker(TextViews(count=2), prepare)(["one two three", "four"])
    assert asked == [["one two three", "four"]]
    assert [len(view) for view in views] == [2, 2]


def test_each_text_is_prepared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def prepare(texts: list[str]) -> Padded:
        asked.append(list(texts))
        return words_of(*map(int, texts))

    remembered = Remembered(prepare)
    expected = words_of(3, 1, 3)
    for _ in range(2):
        found = remembered(["3", "1", "3"])
        for part in ("values", "mask", "groups"):
            assert torch.equal(getattr(found, part), getattr(expected, part))
    assert asked == [["3", "1"]]
    assert remembered(["1", "2"]).mask.sum(dim=1).tolist() == [3, 5]  # and not as long as the 3 beside it once was
    assert asked[1:] == [["2"]]
    monkeypatch.setattr("contrapose.views.texts.remembered.MOST", 4)
    remembered(["4", "5"])
    assert set(remembered.rows) == {"4", "5"}
    plain = Remembered(lambda texts: Padded(torch.ones(len(texts), 2).long(), torch.ones(len(texts), 2).bool()))
    assert plain(["a", "b"]).groups is None


def test_options_are_checked_and_told_in_words() -> None:
    assert TextViews().total() == 2
    assert TextViews(count=5).total() == 5
    assert (
        TextViews().in_words()
        == "2 views of each text: 50 % to 100 % of the words in a row, 20 % of the words left out"
    )
    assert TextViews(**OFF).in_words() == "2 views of each text: copies, told apart by dropout alone"
    only = TextViews(count=1, crop_min=0.4, crop_max=0.4, delete=0, mask=0.1, swap=0.2)
    assert only.in_words() == (
        "1 view of each text: 40 % of the words in a row, 10 % of the words hidden, 20 % of the words swapped with a "
        "neighbour"
    )
    for name, value, what in (
        ("count", 0, "count is 0; it must be a whole number"),
        ("count", True, "count is True"),
        ("delete", 1.5, "delete is 1.5; it must be a number from 0 to 1"),
        ("swap", "a", "swap is 'a'"),
        ("crop_min", 0.0, "crop_min is 0: it must be above 0"),
        ("crop_max", 0.4, "crop_min is 0.5, above crop_max, which is 0.4"),
        ("mask", 0.9, "delete is 0.2 and mask is 0.9, together above 1"),
    ):
        with pytest.raises(ArgumentError, match=what):
            TextViews(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="no token to hide words with"):
        TextViewMaker(TextViews(mask=0.1), lambda raw: raw)
