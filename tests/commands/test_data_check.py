"""`contrapose data check` on clean data, on every kind of spoilt data, and on data that cannot be opened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import tyro
from PIL import Image

from contrapose.cli import main
from contrapose.commands.data_check import DataCheckOptions, DataReport, data_check
from contrapose.commands.data_problems import find_problems
from contrapose.commands.view_sheet import view_sheet
from contrapose.data import Images, Skipped
from contrapose.data.texts import open_texts
from contrapose.errors import ArgumentError, DataError
from contrapose.modalities import MODALITIES
from contrapose.views import ImageViews


def save(picture: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.transpose(1, 2, 0)).save(path)


@pytest.fixture
def photos(tmp_path: Path, pictures: np.ndarray) -> Path:
    """130 photos of 13 classes of ten, all different."""
    noise = np.random.default_rng(1).integers(0, 255, size=(130, 3, 16, 20), dtype=np.uint8)
    for number, picture in enumerate(noise):
        save(picture, tmp_path / "photos" / f"class-{number % 13:02d}" / f"{number:03d}.png")
    return tmp_path / "photos"


def kinds(report: DataReport) -> list[str]:
    return [problem.kind for problem in report.problems]


def test_clean_data_has_no_problems(photos: Path, tmp_path: Path) -> None:
    report = data_check(str(photos), out=tmp_path / "sheet.png", quiet=True)
    text = report.text().splitlines()
    assert text[0] == f"folder {photos}: 130 pictures, used as 3 x 16 x 16"
    assert text[1].split() == ["class-00/000.png", "20", "x", "16", "class-00"]
    assert len(report.samples) == 3
    assert report.classes is not None
    assert report.classes[0] == ("class-00", 10)
    assert "13 classes: class-00 (10), " in text[4]
    assert text[4].endswith("class-09 (10), and 3 more with 30")
    assert text[-2:] == ["no problems found", f"views drawn in {tmp_path / 'sheet.png'}"]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (8 + 5 * (112 + 8), 8 + 3 * (16 + 112 + 8))


def test_every_spoilt_picture_is_named(photos: Path) -> None:
    first = photos / "class-00"
    (first / "a.png").write_bytes(b"")
    (first / "b.png").write_bytes(b"")
    (first / "c.jpg").write_bytes(b"no picture")
    (photos / "class-01" / "copy.png").write_bytes((first / "000.png").read_bytes())
    (first / "again.png").write_bytes((first / "000.png").read_bytes())
    save(np.full((3, 16, 20), 7, np.uint8), photos / "class-02" / "grey.png")
    save(np.full((3, 16, 20), 9, np.uint8), photos / "class-02" / "dark.png")
    save(np.eye(3, 20, dtype=np.uint8)[:, None].repeat(16, 1) * 200, photos / "rare" / "one.png")
    report = data_check(photos, quiet=True)
    assert kinds(report) == ["skipped", "skipped", "constant", "duplicates", "contradictions", "tiny classes"]
    texts = [problem.text for problem in report.problems]
    assert texts[0].startswith("2 pictures skipped, empty (0 bytes): class-00/a.png, class-00/b.png.")
    assert texts[1].startswith("1 picture skipped, not a picture, or of an unknown format: class-00/c.jpg.")
    assert texts[2].startswith("2 pictures of one single colour")
    assert "class-02/dark.png, class-02/grey.png" in texts[2]
    assert texts[3].startswith("2 exact copies of 1 picture,")
    assert "class-00/000.png = class-00/again.png = class-01/copy.png" in texts[3]
    assert "class-00/000.png (class-00) = class-00/again.png (class-00) = class-01/copy.png (class-01)" in texts[4]
    assert texts[5].startswith("1 class of 14 with fewer than 5 pictures (1 with a single one")
    assert "rare" in texts[5]
    assert all(f"problem: {text}" in report.text() for text in texts)


def test_small_and_one_sided_data(pictures: np.ndarray) -> None:
    report = data_check(pictures[:40], quiet=True)
    assert kinds(report) == ["too few"]
    assert "40 pictures do not fill one batch of 128: training takes batches of 20" in report.text()
    assert "no labels: enough to train on" in report.text()
    images = Images(pictures, np.full(96, 4))
    assert [problem.kind for problem in find_problems(images)] == ["too few", "one class"]
    assert "'4'" in find_problems(images)[1].text


def test_reasons_that_differ_in_numbers_are_one() -> None:
    random = np.random.default_rng(0).integers(0, 255, size=(128, 1, 8, 8), dtype=np.uint8)
    skipped = [Skipped(f"{n}.jpg", f"damaged (image file is truncated ({n} bytes not processed))") for n in range(5)]
    (problem,) = find_problems(Images(random, skipped=skipped))
    assert problem.text.startswith("5 pictures skipped, damaged (image file is truncated (0 bytes not processed)): ")
    assert "0.jpg, 1.jpg, 2.jpg and 2 more" in problem.text


def test_duplicates_are_found_across_blocks() -> None:
    random = np.random.default_rng(0).integers(0, 255, size=(2100, 1, 4, 4), dtype=np.uint8)
    random[2050] = random[3]
    (problem,) = find_problems(Images(random))
    assert "1 exact copy of 1 picture" in problem.text
    assert "3 = 2050" in problem.text


def test_the_sheet_shows_the_pictures_and_what_the_recipe_makes(pictures: np.ndarray) -> None:
    images = Images(pictures)
    sheet = np.asarray(view_sheet(images, [0, 50], options=ImageViews(recipe="none", count=4)))
    side = 112  # 16 pixels, seven times enlarged
    assert sheet.shape == (8 + 2 * (16 + side + 8), 8 + 5 * (side + 8), 3)
    for line, row in enumerate((0, 50)):
        top = 8 + line * (16 + side + 8) + 16
        for tile in range(5):  # without operations, every view is the picture
            left = 8 + tile * (side + 8)
            shown = sheet[top : top + side : 7, left : left + side : 7]
            np.testing.assert_array_equal(shown, pictures[row].transpose(1, 2, 0))
    natural = ImageViews(recipe="natural", count=4)
    first, again = view_sheet(images, [0], options=natural), view_sheet(images, [0], options=natural)
    other = view_sheet(images, [0], options=natural, seed=1)
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_any_number_of_channels_can_be_drawn(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, size=(130, channels, 20, 20), dtype=np.uint8)
    images = Images(pixels, identifiers=[f"a-very-long-name-日本-{row:0100d}" for row in range(130)])
    sheet = np.asarray(view_sheet(images, [0, 1], options=ImageViews(count=4)))
    np.testing.assert_array_equal(sheet[24 : 24 + 120 : 6, 8 : 8 + 120 : 6, 0], pixels[0, 0])


def test_data_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    pytest.importorskip("polars", reason="the tables extra is not installed")
    (tmp_path / "list.csv").write_text('path,label\n"a.png,cat\n')
    with pytest.raises(DataError, match=r"line 2 opens a quotation mark"):
        data_check(tmp_path / "list.csv")
    with pytest.raises(DataError, match="does not exist"):
        data_check(tmp_path / "nowhere")


def test_where_the_sheet_cannot_go(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"Take views\.png"):
        data_check(photos, out="views.jpg")
    with pytest.raises(ArgumentError, match="does not exist"):
        data_check(photos, out=tmp_path / "nowhere" / "views.png")
    assert data_check(photos, out="", quiet=True).sheet is None


def test_options_are_read_as_typed() -> None:
    options = tyro.cli(DataCheckOptions, args=["photos/", "--out", "x.png", "--recipe", "strokes"])
    assert options == DataCheckOptions(data="photos/", out="x.png", recipe="strokes")


def test_real_pictures(shared_data: object) -> None:
    pytest.importorskip("polars", reason="the tables extra is not installed")
    report = data_check(shared_data("cifar10/test.parquet"), limit=600, quiet=True)  # type: ignore[operator]
    assert report.summary.endswith("600 pictures, used as 3 x 32 x 32")
    assert report.classes is not None
    assert len(report.classes) == 10
    assert not report.problems


def test_one_blank_picture_is_a_note_and_two_are_a_problem(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    pictures[3] = 200
    report = data_check(pictures, out=None, quiet=True)
    assert "constant" not in kinds(report)
    assert any("1 picture of one single colour" in note for note in report.notes)
    pictures[4] = 90
    assert "constant" in kinds(data_check(pictures, out=None, quiet=True))


TEXTS = "text,label\n" + "".join(f"thing number {row} broke after a day,{row % 2}\n" for row in range(130))


def test_texts_are_looked_at_as_texts(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    file = tmp_path / "reviews.csv"
    file.write_text(TEXTS + "<b>it</b> works,1\n,0\n")
    report = data_check(str(file), out="data-check.png", max_length=5, quiet=True)
    assert report.summary == f"table {file}: 131 texts, 7 words (median), 1 skipped"
    assert report.samples[0].shown == "thing number 0 broke after a day"
    assert [fact.partition(":")[0] for fact in report.facts] == [
        "words between blanks",
        "script",
        "vocabulary by default",
        "tokens of a text",
    ]
    assert "longer than 5, and cut" in report.facts[3]
    assert kinds(report) == ["skipped"]
    assert [problem.kind for problem in find_problems(open_texts(file)) if problem.harmless] == ["html"]
    assert any("131 texts are few to learn from scratch" in note for note in report.notes)
    assert [len(views) for views in report.views] == [4, 4, 4]
    assert set(report.views[0][0].split()) <= {"thing", "number", "0", "broke", "after", "a", "day"}
    assert "views of 0:\n  " in report.text()
    assert report.views == data_check(str(file), out="x.png", max_length=5, quiet=True).views
    assert data_check(str(file), quiet=True).views == ()


def test_rows_are_looked_at_as_rows(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    file = tmp_path / "people.csv"
    lines = [f"{row},{random.normal():.6f},{'ab'[random.integers(2)]},{row % 2}" for row in range(130)]
    file.write_text("id,age,job,label\n" + "\n".join(lines))
    report = data_check(str(file), out="data-check.png", quiet=True)
    assert report.summary == f"table {file}: 130 rows, 2 numbers and 1 category"
    assert report.facts[0].startswith("id   number    0 to 129")
    assert kinds(report) == ["identifier"]
    assert not Path("data-check.png").exists()
    assert kinds(data_check(str(file), ignore_columns=("id",), quiet=True)) == []
    assert report.views[0][0].startswith("id ")


def test_a_column_that_is_named_says_which_kind(tmp_path: Path, pictures: np.ndarray) -> None:
    pytest.importorskip("tokenizers")
    for number in range(4):
        save(pictures[number], tmp_path / f"{number}.png")
    both = tmp_path / "both.csv"
    both.write_text("image,caption\n" + "".join(f"{n}.png,a picture of {n}\n" for n in range(4)))
    assert "4 pairs" in data_check(both, quiet=True).summary
    for options in ({"text_column": "caption"}, {"modality": "text"}):
        assert "4 texts" in data_check(both, quiet=True, **options).summary
    for options in ({"image_column": "image"}, {"modality": "image"}):
        assert "4 pictures" in data_check(both, quiet=True, **options).summary


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--image-size", "32"], r"image_size \(--image-size\) is not an option of texts; they have text_column"),
        (["--recipe", "natural"], r"recipe \(--recipe\) is not an option of texts"),
        (["--ignore-columns", "label"], "ignore_columns .* is not an option of texts"),
        (["--text-column", "txt"], "has no column 'txt': its columns are text, label"),
        (["--modality", "rows", "--max-length", "9"], r"max_length \(--max-length\) is not an option of rows"),
        (["--modality", "image"], "no column with a usual name for pictures"),
    ],
)
def test_options_of_another_kind_are_refused(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reviews.csv").write_text(TEXTS)
    with pytest.raises(SystemExit) as stop:
        main(["data", "check", str(tmp_path / "reviews.csv"), *words])
    assert stop.value.code == 2
    assert re.search(sentence, capsys.readouterr().err)


def test_histories_are_looked_at_as_they_are_held_out_in_training() -> None:
    lists = [[1, 2, 3, 4]] * 6
    told = data_check(lists, modality="items", hold_out=2, quiet=True).text()
    assert "and the last 2 of each held out" in told
    assert "held out" not in data_check(lists, modality="items", quiet=True).text()
    with pytest.raises(ArgumentError, match="hold_out"):
        data_check(np.zeros((4, 8, 8), np.uint8), modality="image", hold_out=2, quiet=True)


def test_every_kind_can_be_named() -> None:
    choices = get_args(get_args(get_type_hints(DataCheckOptions)["modality"])[0])
    assert {"image", "text", "rows", "frames", "items", "graph", "pairs"} <= set(MODALITIES)
    assert all(name in choices for name, kind in MODALITIES.items() if type(kind).__module__.startswith("contrapose."))


def test_pairs_are_not_said_to_need_labels() -> None:
    assert (
        "evaluate asks for what the data hold themselves"
        in data_check("made:scenes?count=20", modality="pairs", labels="none", quiet=True).text()
    )
