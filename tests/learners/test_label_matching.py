"""LabelMatching: its loss by hand, collisions, what is remembered and exported, slips in words."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.data.batch import Batch
from contrapose.encoders import build
from contrapose.encoders.matcher import matcher, word_vectors
from contrapose.encoders.texts import TextEncoder, build_text, train_tokenizer
from contrapose.encoders.texts.label_texts import label_tokens
from contrapose.errors import ArgumentError
from contrapose.learners import LabelMatching
from contrapose.learners.label_candidates import Candidates, pairing_of, ranked_right, without_collisions
from contrapose.objectives import label_nce

WORDS = ["ship", "harbour", "wave", "flour", "oven", "yeast", "goal", "team", "sport", "sea", "bread"]
TEXTS = ["ship harbour wave", "flour oven yeast", "goal team team", "ship sea"]
NAMES = ["sea", "bread", "sport"]


def each(logits: Tensor, positive: Tensor, valid: Tensor) -> Tensor:
    found: Tensor = label_nce(logits, positive, valid, reduction="none")
    return found


def encoder_of(name: str = "bag_of_words", **arguments: Any) -> TextEncoder:
    return build_text(name, train_tokenizer([" ".join(WORDS)] * 2, "words", max_length=8), seed=0, **arguments)


def learner_of(encoder: TextEncoder, **options: Any) -> LabelMatching:
    width = encoder.table.shape[1]  # type: ignore[attr-defined]
    torch.manual_seed(0)
    made = LabelMatching(
        encoder,
        matcher("perceptron", encoder.dimension, width, hidden=5),
        each,
        label_tokens=lambda names: label_tokens(encoder.tokenizer, names),
        generator=torch.Generator().manual_seed(0),
        **{"by_words": True, "by_labels": True, **options},
    )
    made.see_classes(NAMES)
    return made.eval()


def batch_of(encoder: TextEncoder, labels: list[int] | None = None) -> Batch:
    """Two words of each text, and two of others."""
    chosen = [["ship", "wave", "oven", "goal"], ["oven", "yeast", "sea", "goal"], ["goal", "team", "ship", "flour"]]
    tokens = torch.stack([label_tokens(encoder.tokenizer, words) for words in chosen])  # (3, 4, 1)
    tokens = torch.cat([tokens, torch.full((1, 4, 1), -1)])
    goes = torch.tensor([[1, 1, 0, 0]] * 3 + [[-1] * 4])
    given = None if labels is None else torch.tensor(labels)
    return Batch(views=(encoder.prepare(TEXTS), tokens, goes), indices=torch.arange(4), labels=given)


def logits_of(learner: LabelMatching, encoder: TextEncoder, row: int, words: list[str]) -> Tensor:
    f = encoder(encoder.prepare(TEXTS[row : row + 1]))
    e = word_vectors(encoder, label_tokens(encoder.tokenizer, words))  # type: ignore[arg-type]
    return learner.matcher(f, e.unsqueeze(0))[0]


@pytest.mark.parametrize("name", ["bag_of_words", "word_conv", "transformer"])
def test_the_loss_is_that_of_each_text_over_those_that_have_a_positive(name: str) -> None:
    encoder = encoder_of(name, dimension=8)
    learner = learner_of(encoder, by_labels=False)
    step = learner(batch_of(encoder))
    expected = []
    for row, words in enumerate((["ship", "wave", "oven", "goal"], ["oven", "yeast", "sea", "goal"])):
        logits = logits_of(learner, encoder, row, words)
        expected.append(each(logits[None], torch.tensor([[1, 1, 0, 0]]).bool(), torch.ones(1, 4).bool())[0])
    logits = logits_of(learner, encoder, 2, ["goal", "team", "ship", "flour"])
    expected.append(each(logits[None], torch.tensor([[1, 1, 0, 0]]).bool(), torch.ones(1, 4).bool())[0])
    torch.testing.assert_close(step.loss, torch.stack(expected).mean())
    assert float(step.log["texts_without_words"]) == 0.25
    assert step.pairing.negatives_per_anchor() == pytest.approx(1.5)  # 2 of three texts, none of the last
    step.loss.backward()
    grown = encoder.table.grad  # type: ignore[attr-defined]
    assert grown[encoder.tokenizer.backend.token_to_id("team")].any()


def test_labels_are_asked_beside_words_and_collisions_are_left_out() -> None:
    encoder = encoder_of(dimension=8)
    learner = learner_of(encoder, label_weight=3.0, negatives=2)
    labels = [0, 0, 2, -1]  # the second text is of the label "sea", which was drawn against it
    step = learner(batch_of(encoder, labels))
    words, positive = [], torch.tensor([[1, 1, 0, 0]]).bool()
    for row, chosen in enumerate((["ship", "wave", "oven", "goal"], ["oven", "yeast", "sea", "goal"])):
        valid = torch.tensor([[True, True, chosen[2] != "sea", True]])
        words.append(each(logits_of(learner, encoder, row, chosen)[None], positive, valid)[0])
    chosen = ["goal", "team", "ship", "flour"]
    words.append(each(logits_of(learner, encoder, 2, chosen)[None], positive, torch.ones(1, 4).bool())[0])
    by_label = []
    for row, label in enumerate(labels[:3]):
        others = [NAMES[label], *(name for name in NAMES if name != NAMES[label])]
        logits = logits_of(learner, encoder, row, others)
        by_label.append(each(logits[None], torch.tensor([[1, 0, 0]]).bool(), torch.ones(1, 3).bool())[0])
    expected = (torch.stack(words).mean() + 3 * torch.stack(by_label).mean()) / 4
    torch.testing.assert_close(step.loss, expected)
    assert float(step.log["texts_without_labels"]) == 0.25
    with torch.no_grad():
        for weight in learner.matcher.parameters():
            weight.zero_()
    zero = learner(batch_of(encoder, labels))
    assert float(zero.loss.detach()) == pytest.approx(math.log(2))
    assert learner.chance is not None
    assert learner.chance(zero.pairing) == math.log(2)
    assert float(zero.log["words_ranked_right"]) == 0.5


def test_a_label_that_was_drawn_as_a_word_is_not_told_to_be_wrong() -> None:
    words = Candidates(torch.tensor([[[5], [6], [7]]]), torch.tensor([[True, False, False]]), torch.ones(1, 3).bool())
    labels = Candidates(
        torch.tensor([[[7, 8], [5, -1], [5, 6], [9, -1]]]),
        torch.tensor([[True, False, False, False]]),
        torch.ones(1, 4).bool(),
    )
    kept_words, kept_labels = without_collisions(words, labels)
    assert kept_words is not None
    assert kept_labels is not None
    assert kept_words.valid.tolist() == [[True, True, False]]  # 7 is a word of the text's label
    assert kept_labels.valid.tolist() == [[True, False, True, True]]  # 5 alone was drawn; 5 and 6 were not both
    assert without_collisions(words, None) == (words, None)


def test_fewer_labels_than_there_are_are_drawn_anew_in_each_step() -> None:
    encoder = encoder_of(dimension=8)
    learner = learner_of(encoder, by_words=False, negatives=1)
    labels = torch.tensor([0, 1, 2, 0, 1] * 20)
    seen = set()
    for _ in range(4):
        chosen = learner._others(labels, 1, 0)
        assert chosen.shape == (100, 1)
        assert not (chosen[:, 0] == labels).any()
        assert chosen.equal(learner._others(labels, 1, 0))
        seen.add(tuple(chosen[:, 0].tolist()))
        learner.after_step([])
    assert len(seen) == 4


def test_what_was_learned_from_is_remembered() -> None:
    encoder = encoder_of(dimension=8)
    learner = learner_of(encoder)
    step = learner(batch_of(encoder, [0, 1, 2, 0]))
    learner.after_step([step])
    learner.after_step([step])
    number = encoder.tokenizer.backend.token_to_id
    table = learner.tables()["matcher"]
    assert table["drawn"][number("goal")] == 2
    assert table["drawn"][number("flour")] == 0  # it was drawn against texts alone
    assert table["drawn"].sum() == 12
    assert table["label_tokens"].tolist() == [[number(name)] for name in NAMES]
    assert {"first.weight", "last.bias"} <= table.keys()


def test_how_often_a_positive_is_ahead() -> None:
    positive = torch.tensor([[True, False, False], [True, True, False], [False, False, False]])
    found = Candidates(torch.zeros(3, 3, 1).long(), positive, torch.ones(3, 3).bool())
    logits = torch.tensor([[1.0, 0.0, 2.0], [1.0, 0.5, 0.5], [1.0, 1.0, 1.0]])
    assert float(ranked_right(logits, found)) == (1 + 0 + 1 + 0.5) / 4
    nobody = Candidates(found.tokens, positive, torch.zeros(3, 3).bool())
    assert float(ranked_right(logits, nobody)) == 0.5
    assert pairing_of([nobody]).negatives_per_anchor() <= 1 / 3


def test_without_drawn_words_a_text_goes_with_all_of_its_own() -> None:
    encoder = encoder_of(dimension=8)
    learner = learner_of(encoder, by_labels=False)
    step = learner(Batch(views=(encoder.prepare(TEXTS),), indices=torch.arange(4)))
    positive = torch.eye(4).bool()
    logits = torch.stack([logits_of(learner, encoder, row, TEXTS) for row in range(4)])
    torch.testing.assert_close(step.loss, each(logits, positive, torch.ones(4, 4).bool()).mean())
    assert step.pairing.negatives_per_anchor() == 3


def test_slips_are_told() -> None:
    encoder = encoder_of(dimension=8)
    learner = learner_of(encoder)
    with pytest.raises(ArgumentError, match="texts of labels and the data has none"):
        learner.see_targets({})
    with pytest.raises(ArgumentError, match="have a class 3, and 3 labels have a text"):
        learner.see_targets({"label": torch.tensor([3])})
    by_labels = learner_of(encoder, by_words=False)
    with pytest.raises(ArgumentError, match="nothing to learn by in this batch"):
        by_labels(Batch(views=(encoder.prepare(TEXTS),), indices=torch.arange(4)))
    with pytest.raises(ArgumentError, match="Learning by labels needs an encoder with a table of tokens"):
        LabelMatching(
            build("small_conv", channels=1, image_size=16, seed=0),
            learner.matcher,
            each,
            by_words=True,
            by_labels=True,
            label_tokens=learner.label_tokens,
        )
