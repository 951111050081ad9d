"""Claims on texts and on rows: the same experiment with another descriptor, and data that are told apart."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import claim_on_rows
import numpy as np
import pytest
from claim_cases import TINY, claim_of

from contrapose.claims import Ground, by_task, ground_on, nearest_neighbours
from contrapose.claims.claim import Claim
from contrapose.claims.ground import cifar10
from contrapose.claims.measures import Subject, floor_of, subject_of
from contrapose.claims.pairs import scored_sentences
from contrapose.claims.parts import open_parts
from contrapose.claims.unit import configuration
from contrapose.commands.claim_options import ReproduceOptions
from contrapose.commands.reproduce import reproduce
from contrapose.data import Images
from contrapose.data.texts import Texts
from contrapose.errors import ArgumentError, ContraposeError, DataError
from contrapose.evaluation import similarity_scores
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES

SMALL = replace(TINY, images=60, labelled=60, validation=30, test=30)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One table of 240 rows, whose number is a sum of two columns."""
    path, random = tmp_path_factory.mktemp("rows") / "table.csv", np.random.default_rng(0)
    rows = random.normal(size=(240, 3))
    lines = [",".join(f"{cell:.4f}" for cell in (*row, row[0] + row[1])) for row in rows]
    path.write_text("\n".join(["a,b,c,y", *lines]) + "\n")
    return str(path)


def test_an_arm_on_rows_is_judged_by_its_numbers(table: str, tmp_path: Path) -> None:
    options = ReproduceOptions(
        claim=str(Path(claim_on_rows.__file__)), data=table, out=tmp_path / "out", work=tmp_path / "work"
    )
    reproduce(options, say=lambda text: None)
    record = json.loads((tmp_path / "out" / "rows.json").read_text())
    assert list(record["table"]) == ["supremix", "untrained", "standardised columns"]
    assert record["table"]["standardised columns"]["R2"]["value"] > 0.95  # the number is a sum of columns
    assert record["modality"] == "rows"
    unit = next(path for path in (tmp_path / "work" / "rows").glob("test-supremix-seed0-*"))
    config = json.loads(unit.read_text())["config"]
    assert config["encoder"] == "mlp"
    assert "image_size" not in config


def test_a_table_is_cut_the_same_way_every_time(table: str) -> None:
    train, test = open_parts(table, "rows", target="number", number_column="y")
    assert (len(train), len(test)) == (192, 48)
    assert not {*train.identifiers} & {*test.identifiers}
    again = open_parts(table, "rows", target="number", number_column="y")
    assert [part.fingerprint for part in again] == [train.fingerprint, test.fingerprint]


def test_the_test_part_of_rows_has_the_columns_of_the_training_part(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a,b,y\n" + "".join(f"{n},{n % 5},{n}.5\n" for n in range(30)))
    (tmp_path / "test.csv").write_text("b,a,y\n" + "".join(f"1,{n},{n}.5\n" for n in range(20)))
    train, test = open_parts(str(tmp_path), "rows", target="number", number_column="y")
    assert [column.name for column in test.columns] == [column.name for column in train.columns] == ["a", "b"]
    assert test.values[:, 0].tolist() == list(range(20))


def labelled_texts(source: str, protocol: Any, seed: int) -> Ground:
    """Texts of two classes, made by the claim's own function."""
    texts = Texts([f"{('red', 'blue')[row % 2]} thing {row % 11}" for row in range(120)], np.arange(120) % 2)
    some = [texts.subset(np.arange(start, end)) for start, end in ((0, 60), (60, 90), (90, 120))]
    return Ground({"pretraining": some[0]}, some[0], some[1], some[2])


def on_texts(**changes: Any) -> Claim:
    return claim_of(**{"ground": labelled_texts, "modality": "text", "source": None, **changes})


def test_measures_of_classes_and_the_floor_are_those_of_texts() -> None:
    ground = labelled_texts("", SMALL, 0)
    floor = floor_of(ground, ground.test, 0)
    assert nearest_neighbours(floor) == {"kNN": 1.0}  # a word tells the class
    found = by_task("labelled-table")(floor)
    assert found["kNN"] == found["linear probe"] == 1.0
    assert on_texts().floors == ("untrained", "word counts")
    config = configuration("simclr", {"epochs": 1, "batch_size": 8, "encoder": "bag_of_words"}, "text")
    learner, views = assemble(config, ground.pretraining["pretraining"])
    subject = subject_of(learner.eval(), views, ground, ground.test, 0)
    assert subject.embeddings(ground.test).shape == (30, learner.encoder.dimension)
    assert subject.projections(8).shape == (2, 8, config.projection_dimension)
    assert subject.batch(8).labels is not None


def test_an_option_of_pictures_is_none_of_texts() -> None:
    with pytest.raises(ContraposeError, match="image_size"):
        configuration("simclr", {"image_size": 16}, "text")
    assert configuration("simclr", {"image_size": 16}, "image").modality == "image"


def test_a_task_asks_the_question_of_its_part(sentence_parts: str) -> None:
    ground = scored_sentences(sentence_parts, SMALL, 0)
    known = {*ground.pretraining["pretraining"].texts}
    assert len(known) == 60
    assert not known & {f"{a}" for a in ground.questions["test"]["sentence1"]}
    measure = by_task("scored-pairs")
    for part, asked in (("validation", ground.validation), ("test", ground.test)):
        question = ground.questions[part]
        assert asked.texts == [*question["sentence1"], *question["sentence2"]]
        subject = floor_of(ground, asked, 0)
        rows = subject.embed(asked)
        expected = similarity_scores(rows[:30], rows[30:], question["score"], correlation="spearman").value
        assert measure(subject)["Spearman"] == pytest.approx(expected)
        assert expected > 0.8  # sentences that share words are scored high
    assert scored_sentences(sentence_parts, SMALL, 7).test.fingerprint == ground.test.fingerprint


def test_embeddings_are_not_those_of_samples_that_are_gone() -> None:
    ground = labelled_texts("", SMALL, 0)
    subject = Subject(lambda samples: np.full((len(samples), 1), len(samples)), ground, ground.test, 0)
    for count in range(1, 30):  # a new object each time, whose number a former one may have had
        assert len(subject.embeddings(ground.test.subset(np.arange(count)))) == count


def test_what_was_trained_beside_the_encoder_is_asked_by_name(pictures: np.ndarray) -> None:
    images = Images(pictures[:32], np.arange(32) % 2)
    ground = Ground({"pretraining": images}, images, images, images)
    learner, views = assemble(configuration("moco", {"queue": 64, "batch_size": 8}, "image"), images)
    subject = subject_of(learner.eval(), views, ground, images, 0)
    assert list(subject.artifacts) == ["encoder", "teacher"]
    own, teacher = subject.embeddings(images), subject.beside("teacher").embeddings(images)
    assert np.array_equal(own, teacher)  # before the first step it is a copy
    next(learner.encoder.parameters()).data.mul_(-1)
    assert not np.allclose(subject.beside("encoder").embeddings(images), subject.beside("teacher").embeddings(images))
    with pytest.raises(ArgumentError, match=r"Did you mean 'teacher'\? There is: encoder, teacher"):
        subject.beside("teachr")
    assert floor_of(ground, images, 0).artifacts == {}


@pytest.mark.parametrize("make", [ground_on("text"), scored_sentences, ground_on("rows")])
def test_a_claim_on_something_else_is_not_given_pictures(make: Any, picture_parts: str) -> None:
    with pytest.raises(DataError, match=r"The claim is measured on (texts|rows), and .*train.npz looks like pictures"):
        make(picture_parts, SMALL, 0)


def test_a_claim_on_pictures_is_not_given_texts(sentence_parts: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The claim is measured on pictures, and .*train.csv looks like texts. Give"):
        cifar10(sentence_parts, SMALL, 0)
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    (tmp_path / "train" / "one.txt").write_text("some words\n")
    with pytest.raises(DataError, match="looks like texts"):
        cifar10(str(tmp_path), SMALL, 0)


def test_what_a_claim_lacks_is_said(table: str, sentence_parts: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no labels, and a claim is measured with them: name their column"):
        open_parts(sentence_parts, "text", text_column="sentence1")
    with pytest.raises(DataError, match="has no numbers"):
        open_parts(table, "rows", target="number")
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").write_text("text,label\n" + "some words of a text,1\nwords of another,0\n" * 20)
    with pytest.raises(DataError, match=r"measured on scored pairs, which .*train.csv does not have: a table with two"):
        scored_sentences(str(tmp_path), SMALL, 0)
    with pytest.raises(ArgumentError, match=r"asks for 90 training and 30 test texts; .* has 40"):
        ground_on("text")(str(tmp_path), SMALL, 0)
    with pytest.raises(ArgumentError, match="301 pairs to choose on"):
        scored_sentences(sentence_parts, replace(SMALL, validation=301), 0)
    pairs = scored_sentences(sentence_parts, SMALL, 0)
    with pytest.raises(DataError, match="no labels, and this claim measures by classes"):
        nearest_neighbours(floor_of(pairs, pairs.test, 0))
    plain = labelled_texts("", SMALL, 0)
    with pytest.raises(DataError, match="The task scored-pairs needs a table"):
        by_task("scored-pairs")(floor_of(plain, plain.test, 0))


def test_data_that_have_to_be_told_are_asked_for() -> None:
    with pytest.raises(ArgumentError, match="measured on texts of your own: say where they are with --data"):
        reproduce(ReproduceOptions(claim="simclr-sentences"), say=lambda text: None)


def test_a_claim_says_its_kind_of_data_rightly(picture_parts: str) -> None:
    wrong = replace(on_texts(), ground=claim_of().ground)
    with pytest.raises(ArgumentError, match=re.escape("is on texts, and its ground of")):
        wrong.make_ground(picture_parts, TINY, 0)
    with pytest.raises(ArgumentError, match="Unknown modality 'txt'"):
        on_texts(modality="txt")
    floor_of_pictures = replace(claim_of().predictions[0], arms=("simclr", "raw pixels"))
    with pytest.raises(ArgumentError, match="something of the arm 'raw pixels', which is missing"):
        on_texts(predictions=(floor_of_pictures,))


def test_a_ground_is_of_one_kind(pictures: np.ndarray) -> None:
    texts, images = Texts(["a", "b"]), Images(pictures[:2])
    with pytest.raises(ArgumentError, match="one kind, and this one has pretraining texts, labelled pictures"):
        Ground({"pretraining": texts}, images, images, images)
    assert Ground({"pretraining": texts}, texts, texts, texts).modality is MODALITIES["text"]
