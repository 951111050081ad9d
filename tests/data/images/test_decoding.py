from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from made_pictures import colour_picture, png_bytes
from PIL import Image

from contrapose.data.images.pixels import picture_limits
from contrapose.data.images.pixels.decoding import PictureError, decode, stored_size
from contrapose.errors import ArgumentError
from contrapose.preparation import Preparation


def halves(mode: str, left: object, right: object) -> Image.Image:
    picture = Image.new(mode, (8, 8), left)
    picture.paste(right, (4, 0, 8, 8))
    return picture


def pixels_of(picture: object, size: int = 8, channels: int = 3) -> np.ndarray:
    return decode(picture, size=size, channels=channels).pixels


def test_a_picture_of_the_working_size_is_not_resampled() -> None:
    picture = colour_picture(0, 8, 8)
    assert np.array_equal(pixels_of(png_bytes(picture)), np.asarray(picture).transpose(2, 0, 1))


@pytest.mark.parametrize("size", [(13, 8), (8, 13)])
def test_the_central_square_is_cut_at_whole_pixels(size: tuple[int, int]) -> None:
    picture = colour_picture(1, *size)
    array = np.asarray(picture)
    expected = array[:, 2:10] if size[0] > 8 else array[2:10]
    pixels, stored, *_ = decode(png_bytes(picture), size=8, channels=3)
    assert np.array_equal(pixels, expected.transpose(2, 0, 1))
    assert stored == size == stored_size(png_bytes(picture))


def test_reduction_averages_rather_than_picks() -> None:
    lines = np.zeros((64, 64), np.uint8)
    lines[:, ::2] = 255  # picking every eighth column would give 0 or 255
    assert np.abs(pixels_of(png_bytes(Image.fromarray(lines)))[0].astype(int) - 127).max() <= 2


def test_jpeg_reduced_while_decoding_agrees_with_full_decoding() -> None:
    picture = colour_picture(2, 320, 240)
    jpeg, png = png_bytes(picture, "JPEG"), png_bytes(picture)
    difference = pixels_of(jpeg, 16).astype(int) - pixels_of(png, 16)
    assert np.abs(difference).mean() < 2
    assert decode(jpeg, size=16, channels=3).stored == (320, 240)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = np.zeros((16, 16), np.uint8)
    upright[:8], upright[:8, :8] = 120, 250  # every turn and mirror image of this differs
    undo = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    turns = [None, None, 0, 3, 1, 5, 4, 6, 2]
    stored = Image.fromarray(upright)
    if turns[undo] is not None:
        stored = stored.transpose(Image.Transpose(turns[undo]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("PNG", "TIFF"):
        buffer = io.BytesIO()
        stored.save(buffer, kind, exif=exif)
        assert np.array_equal(pixels_of(buffer.getvalue(), 16, 1)[0], upright), kind


@pytest.mark.parametrize("mode", ["I;16", "I"])
def test_sixteen_bits_are_scaled_not_clipped(mode: str) -> None:
    deep = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16 if mode == "I;16" else np.int32)
    picture = Image.fromarray(deep)
    assert picture.mode == mode
    pixels = pixels_of(png_bytes(picture, "TIFF"), channels=1)
    assert np.array_equal(pixels[0], np.round(deep / 257).astype(np.uint8))


@pytest.mark.parametrize("white", [1, 255, 4095])
def test_float_pictures_are_read_by_the_white_level(white: int) -> None:
    values = (np.linspace(0, 1, 64) * white).reshape(8, 8).astype(np.float32)
    file, preparation = png_bytes(Image.fromarray(values), "TIFF"), Preparation(floats=white)
    pixels = decode(file, size=8, channels=1, preparation=preparation).pixels
    assert np.abs(pixels[0] - values * (255 / white)).max() <= 0.51


@pytest.mark.parametrize("values", [[-1.0, 0.5], [0.0, 1e6], [0.0, 255.0], [np.nan, 0.5]])
def test_float_pictures_that_the_white_level_is_not_meant_for_are_refused(values: list[float]) -> None:
    picture = Image.fromarray(np.tile(np.float32(values), (4, 2)))
    with pytest.raises(PictureError, match="values"):
        decode(picture, size=4, channels=1)


@pytest.mark.parametrize(
    ("picture", "left", "right"),
    [
        (halves("RGBA", (255, 0, 0, 255), (255, 0, 0, 0)), (255, 0, 0), (255, 255, 255)),
        (halves("LA", (10, 255), (10, 0)), (10, 10, 10), (255, 255, 255)),
        (halves("1", 0, 1), (0, 0, 0), (255, 255, 255)),
        (halves("RGB", (255, 0, 0), (0, 255, 0)).quantize(2), (255, 0, 0), (0, 255, 0)),
    ],
    ids=["rgba", "la", "bilevel", "palette"],
)
def test_modes_become_rgb_over_white(picture: Image.Image, left: tuple, right: tuple) -> None:
    pixels = pixels_of(png_bytes(picture))
    assert tuple(pixels[:, 0, 0]) == left
    assert tuple(pixels[:, 7, 7]) == right


def test_transparent_palette_entries_show_white() -> None:
    picture = halves("P", 0, 1)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    buffer = io.BytesIO()
    picture.save(buffer, "GIF", transparency=1)
    pixels = pixels_of(buffer.getvalue())
    assert tuple(pixels[:, 0, 0]) == (255, 0, 0)
    assert tuple(pixels[:, 0, 7]) == (255, 255, 255)


def test_half_transparent_is_half_white_at_other_sizes_too() -> None:
    picture = Image.new("RGBA", (32, 32), (0, 0, 0, 128))
    assert np.abs(pixels_of(png_bytes(picture)).astype(int) - 127).max() <= 1


def test_cmyk_becomes_rgb() -> None:
    picture = Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # no cyan, full magenta and yellow: red
    red, green, blue = pixels_of(png_bytes(picture, "JPEG"))[:, 4, 4]
    assert red > 200
    assert green < 60
    assert blue < 60


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("L", (8, 8), value) for value in (200, 10)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert pixels_of(buffer.getvalue(), channels=1).mean() == 200


def test_grey_is_the_luma_and_the_same_for_jpeg_and_png() -> None:
    picture = Image.new("RGB", (16, 16), (200, 100, 50))
    luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    for kind in ("PNG", "JPEG"):
        assert np.abs(pixels_of(png_bytes(picture, kind), channels=1).astype(int) - luma).max() <= 1


def test_a_pillow_image_is_left_as_it_was() -> None:
    picture = Image.open(io.BytesIO(png_bytes(colour_picture(3, 320, 240), "JPEG")))
    pixels_of(picture)
    assert picture.size == (320, 240)


def test_extreme_shapes_are_decoded() -> None:
    assert pixels_of(png_bytes(Image.new("L", (500, 1), 7)), channels=1).mean() == 7


WHOLE = png_bytes(colour_picture(4, 200, 200), "JPEG")


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (b"", "empty"),
        (b"this is text, not a picture", "not a picture"),
        (WHOLE[: len(WHOLE) // 2], "damaged .*truncated"),
        (png_bytes(colour_picture(5))[:60], "damaged|not a picture"),
        (None, "no picture in this row"),
        ("/no/such/file.png", "no such file"),
        (7, "damaged"),
    ],
)
def test_what_cannot_be_used_says_why(picture: object, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode(picture, size=8, channels=3)


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "x.png").touch()
    with pytest.raises(PictureError, match="empty"):
        decode(str(tmp_path / "x.png"), size=8, channels=3)


def test_a_picture_beyond_the_limit_names_the_variable_that_raises_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRAPOSE_MAX_PIXELS", "399")
    with pytest.raises(PictureError, match=r"20 x 20 are 0 million pixels.*CONTRAPOSE_MAX_PIXELS=400"):
        pixels_of(png_bytes(colour_picture(6)))
    monkeypatch.setenv("CONTRAPOSE_MAX_PIXELS", "400")
    assert pixels_of(png_bytes(colour_picture(6))).shape == (3, 8, 8)


def test_a_variable_that_is_no_number_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTRAPOSE_MAX_PIXELS", "many")
    with pytest.raises(ArgumentError, match="give a number of pixels"):
        pixels_of(png_bytes(colour_picture(6)))


def test_the_limit_of_pillow_is_put_aside_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert pixels_of(png_bytes(colour_picture(6))).shape == (3, 8, 8)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_picture_for_which_there_is_no_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_limits, "HUGE", 100)
    monkeypatch.setattr(picture_limits, "_free_memory", lambda: 1000)
    with pytest.raises(PictureError, match=r"20 x 20 need .* GB of memory"):
        pixels_of(png_bytes(colour_picture(6)))
    monkeypatch.setattr(picture_limits, "_free_memory", lambda: 2400)
    assert pixels_of(png_bytes(colour_picture(6))).shape == (3, 8, 8)


@pytest.mark.parametrize(("kind", "pages"), [("TIFF", True), ("GIF", True), ("PNG", True), ("WEBP", True)])
def test_more_pages_than_the_first_are_noticed(kind: str, pages: bool) -> None:
    frames = [colour_picture(seed, 8, 8) for seed in range(2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    assert decode(buffer.getvalue(), size=8, channels=3).pages is pages
    assert decode(png_bytes(frames[0], kind), size=8, channels=3).pages is False


@pytest.mark.parametrize("size", [(12, 4), (4, 12)])
def test_padding_keeps_the_whole_picture_and_continues_its_edge(size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, (200, 100, 50))
    pad = Preparation(fit="pad")
    picture.paste((0, 0, 0), (2, 1, size[0] - 2, size[1] - 1))
    pixels = decode(png_bytes(picture), size=12, channels=3, preparation=pad).pixels
    whole = np.asarray(picture).transpose(2, 0, 1)
    inner = pixels[:, 4:8] if size == (12, 4) else pixels[:, :, 4:8]
    assert np.array_equal(inner, whole)
    outer = np.delete(pixels, slice(4, 8), axis=1 if size == (12, 4) else 2)
    assert np.array_equal(np.unique(outer.reshape(3, -1), axis=1)[:, 0], (200, 100, 50))


def test_a_padded_jpeg_is_reduced_as_a_padded_png_is() -> None:
    picture = colour_picture(2, 640, 200)
    jpeg, png = (
        decode(png_bytes(picture, kind), size=32, channels=3, preparation=Preparation(fit="pad")).pixels.astype(int)
        for kind in ("JPEG", "PNG")
    )
    assert np.abs(jpeg - png).mean() < 2
