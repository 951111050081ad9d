"""Translator and critic: what goes in and comes out, that no picture depends on another, and the folder on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import contrapose
from contrapose.encoders.generator_folder import check_fits, generator_folder, read_translator, save_generator
from contrapose.encoders.images.critic import Critic
from contrapose.encoders.images.translator import Translator
from contrapose.errors import ArgumentError, RunError
from contrapose.preparation import Preparation


def small(**options: object) -> Translator:
    torch.manual_seed(0)
    usual = {"channels": 3, "image_size": 8, "classes": ("cat", "dog"), "width": 4, "blocks": 1}
    translator = Translator(**{**usual, **options}).eval()  # type: ignore[arg-type]
    for name, weight in translator.named_parameters():  # as if it had learned
        if name.endswith(("change.weight", "scale", "shift")):
            torch.nn.init.normal_(weight, std=0.1 if name == "change.weight" else 1.0)
    return translator


def pictures(count: int = 3, side: int = 8, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, channels, side, side), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize(("side", "halvings", "channels"), [(8, 1, 3), (9, 0, 1), (28, 2, 1), (64, 2, 3)])
def test_translations_are_pictures_of_the_same_size(side: int, halvings: int, channels: int) -> None:
    translator = small(image_size=side, halvings=None if side != 28 else 2, channels=channels)
    assert translator.arguments["halvings"] == halvings
    made = translator(pictures(2, side, channels), torch.tensor([0, 1])).detach()
    assert made.shape == (2, channels, side, side)
    assert 0 <= float(made.min()) <= float(made.max()) <= 1


def test_a_new_translator_changes_nothing() -> None:
    x, new = pictures(), Translator(channels=3, image_size=8, classes=("cat", "dog"), width=4)
    torch.testing.assert_close(new(x, torch.tensor([0, 1, 0])).detach(), x / 255)


def test_a_translation_depends_on_its_class_and_on_no_other_picture() -> None:
    translator, x = small().train(), pictures()
    with torch.no_grad():
        made = translator(x, torch.tensor([0, 1, 1]))
        torch.testing.assert_close(made[1:2], translator(x[1:2], torch.tensor([1])))
        assert (made[0] - translator(x[:1], torch.tensor([1]))[0]).abs().max() > 1e-4
        torch.testing.assert_close(made, translator(x.float() / 255, torch.tensor([0, 1, 1])))


def test_the_class_is_told_to_pictures_without_a_border() -> None:
    """Constant planes beside the picture are subtracted by the norm behind them, all but what padding leaves."""
    translator, grey = small(halvings=0), torch.full((1, 3, 8, 8), 128, dtype=torch.uint8)
    grey[..., 4, 4] = 255
    with torch.no_grad():
        cat, dog = (translator(grey, torch.tensor([number]))[0] for number in (0, 1))  # (C, H, W) each
    assert (cat - dog)[:, 3:5, 3:5].abs().max() > 1e-2


@pytest.mark.parametrize(
    ("given", "classes", "said"),
    [
        (pictures(2, 6), [0, 1], r"takes pictures of shape \(B, 3, 8, 8\), and was given \(2, 3, 6, 6\)"),
        (pictures(2).float(), [0, 1], r"floats in \[0, 1\], and was given 0 to 25"),
        (pictures(2).float() / 255 * 2 - 1, [0, 1], r"was given -1 to"),
        (pictures(2).long(), [0, 1], "was given torch.int64"),
        (pictures(2), [0, 2], "names another"),
        (pictures(2), [-1, 0], "names another"),
        (pictures(2), [0], "needs a class number"),
    ],
)
def test_what_it_cannot_take_is_told(given: torch.Tensor, classes: list[int], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        small()(given, torch.tensor(classes))


def test_one_class_is_none_to_translate_to() -> None:
    with pytest.raises(ArgumentError, match="two at least"):
        small(classes=("cat",))
    with pytest.raises(ArgumentError, match="cannot be halved 2 times"):
        small(image_size=10, halvings=2)


@pytest.mark.parametrize("side", [8, 16, 28, 33])
def test_a_critic_scores_and_names_each_picture_by_itself(side: int) -> None:
    torch.manual_seed(0)
    critic = Critic(channels=1, image_size=side, classes=4, width=4)
    x = torch.rand(3, 1, side, side) * 2 - 1
    scores, logits = critic(x)
    assert (scores.shape, logits.shape) == ((3,), (3, 4))
    torch.testing.assert_close(critic(x[1:2])[0], scores[1:2])
    with pytest.raises(ArgumentError, match="two classes or more"):
        Critic(channels=1, image_size=side, classes=1)


def test_a_score_sees_no_more_than_a_patch() -> None:
    torch.manual_seed(0)
    critic = Critic(channels=1, image_size=32, classes=2, width=4)
    x = torch.rand(1, 1, 32, 32, requires_grad=True)
    h = x
    for layer in critic.layers[: critic.judged]:
        h = layer(h)
    scores = critic.realness(h)  # (1, 1, h, w)
    middle = scores.shape[-1] // 2
    (slope,) = torch.autograd.grad(scores[0, 0, middle, middle], x)
    rows = slope[0, 0].abs().sum(dim=1).nonzero()  # (n, 1)
    assert 8 <= int(rows.max() - rows.min()) + 1 <= 16
    assert Critic(channels=1, image_size=32, classes=2, width=4, patch=1.0).judged > critic.judged


def test_a_generator_is_written_and_read_to_the_bit(tmp_path: Path) -> None:
    translator = small(preparation=Preparation(fit="pad"))
    save_generator(translator, tmp_path / "generator", extra={"verdict": None})
    random = torch.get_rng_state()
    again = read_translator(tmp_path / "generator")
    assert torch.equal(torch.get_rng_state(), random)
    assert (again.form, again.classes, again.arguments) == (translator.form, translator.classes, translator.arguments)
    assert torch.equal(again(pictures(), torch.tensor([0, 1, 0])), translator(pictures(), torch.tensor([0, 1, 0])))
    assert not any(weight.requires_grad for weight in again.parameters())
    assert generator_folder(tmp_path) == tmp_path / "generator"
    assert {file.name for file in (tmp_path / "generator").iterdir()} == {"generator.json", "generator.safetensors"}


def test_what_reads_encoders_refuses_a_generator_in_a_sentence(tmp_path: Path) -> None:
    save_generator(small(), tmp_path / "generator")
    for place in (tmp_path, tmp_path / "generator"):
        with pytest.raises(
            RunError, match=r"holds a generator, which makes pictures and embeds none\. Have it make some"
        ):
            contrapose.load(place)
    with pytest.raises(RunError, match="holds no classifier"):
        contrapose.load_classifier(tmp_path)


def test_damaged_generators_are_refused(tmp_path: Path) -> None:
    save_generator(small(), tmp_path)
    description = json.loads((tmp_path / "generator.json").read_bytes())
    for change, said in (
        ({"format": 99}, "Update contrapose"),
        ({"classes": ["cat"]}, "cannot be built"),
        ({"arguments": {"width": 8, "halvings": 1, "blocks": 1}}, "does not belong to its generator.json"),
    ):
        (tmp_path / "generator.json").write_text(json.dumps({**description, **change}))
        with pytest.raises(RunError, match=said):
            read_translator(tmp_path)
    (tmp_path / "generator.json").write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        read_translator(tmp_path)
    with pytest.raises(RunError, match="holds no generator"):
        contrapose.load_generator(tmp_path / "nowhere")


def test_a_translator_of_other_pictures_or_classes_does_not_fit() -> None:
    check_fits(small(), channels=3, image_size=8, classes=("cat", "dog"), source="there")
    with pytest.raises(ArgumentError, match="--image-size 8"):
        check_fits(small(), channels=3, image_size=16, classes=("cat", "dog"), source="there")
    with pytest.raises(ArgumentError, match="knows the classes cat, dog"):
        check_fits(small(), channels=3, image_size=8, classes=("cat", "cow"), source="there")


def test_pictures_of_a_class_are_made_by_name(tmp_path: Path) -> None:
    save_generator(small(), tmp_path)
    generator = contrapose.load_generator(tmp_path)
    data = pictures(5).permute(0, 2, 3, 1).numpy()  # (N, H, W, C)
    made = generator.translate(data, to="dog")
    assert (made.shape, made.dtype) == ((5, 3, 8, 8), pictures().numpy().dtype)
    assert (made == generator.translate(data, to=1)).all()
    with pytest.raises(ArgumentError, match=r"knows no class 'dgo'\. Did you mean 'dog'"):
        generator.translate(data, to="dgo")
