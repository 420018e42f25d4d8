"""Pictures become inputs: as they are where they have the right form, else as MNIST's digits were made."""

import os
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from engine.data.dataset import SparseRows, Split
from search.pictures import KEPT_PIXELS, ImageError, as_input, as_pictures, as_png, read_gray


def drawn(tmp_path, mode, ground, ink, size=(300, 400), name="drawn.png"):
    """A seven, off centre."""
    image = Image.new(mode, size, ground)
    ImageDraw.Draw(image).line([(60, 80), (220, 80), (120, 330)], fill=ink, width=16)
    image.save(tmp_path / name)
    return tmp_path / name


def centre_of_mass(square):
    rows, columns = np.indices(square.shape)
    return float((rows * square).sum() / square.sum()), float((columns * square).sum() / square.sum())


def test_an_image_of_the_right_size_on_black_is_taken_as_it_is(tmp_path):
    bytes_ = np.zeros((28, 28), np.uint8)
    bytes_[4:24, 7:21] = np.random.default_rng(0).integers(0, 256, (20, 14))
    Image.fromarray(bytes_).save(tmp_path / "digit.png")
    found = as_input(read_gray(tmp_path / "digit.png"), 784, "mnist")
    np.testing.assert_array_equal(found.pixels, bytes_.reshape(-1).astype(np.float32) / np.float32(255))
    assert found.steps == ()


def test_sixteen_bits_keep_their_levels(tmp_path):
    levels = np.zeros((28, 28), np.uint16)
    levels[4:24, 7:21] = 32_768 - np.random.default_rng(0).integers(0, 32_768, (20, 14))
    levels[14, 14] = 32_768
    Image.fromarray(levels).save(tmp_path / "deep.png")
    found = as_input(read_gray(tmp_path / "deep.png"), 784, "mnist")
    assert found.pixels.max() == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(
    ("mode", "ground", "ink"),
    [
        ("L", 0, 255),
        ("L", 235, 20),
        ("RGB", (250, 250, 240), (10, 10, 90)),
        ("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)),
        ("RGBA", (0, 0, 0, 0), (255, 255, 255, 255)),
        ("1", 1, 0),
        ("P", 0, 1),
    ],
)
def test_a_drawing_is_cut_out_scaled_and_centred_by_mass(tmp_path, mode, ground, ink):
    image = drawn(tmp_path, mode, ground, ink)
    if mode == "P":
        with Image.open(drawn(tmp_path, "L", 0, 255)) as gray:
            gray.convert("P").save(image)
    square = as_input(read_gray(image), 784, "mnist").pixels.reshape(28, 28)
    assert np.ptp(np.nonzero(square > 0.3)[0]) + 1 in (19, 20)
    assert square.max() == pytest.approx(1)
    assert np.abs(np.array(centre_of_mass(square)) - 14).max() <= 0.5
    assert square[0].max() == 0


def test_what_was_done_is_said(tmp_path):
    found = as_input(read_gray(drawn(tmp_path, "L", 255, 0)), 784, "mnist")
    assert [step.split(",")[0] for step in found.steps] == ["inverted", "cut out"]
    other = as_input(read_gray(drawn(tmp_path, "L", 255, 0)), 784, "clothes")
    assert other.steps[1] == "scaled from 300 × 400 to 28 × 28"


def test_what_cannot_be_an_input_is_refused(tmp_path):
    with pytest.raises(ImageError, match="no image at"):
        read_gray(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ImageError, match="no picture in a format"):
        read_gray(tmp_path / "text.png")
    Image.new("RGBA", (30, 30), (9, 9, 9, 0)).save(tmp_path / "clear.png")
    with pytest.raises(ImageError, match="transparent"):
        read_gray(tmp_path / "clear.png")
    Image.new("L", (300, 300), 200).save(tmp_path / "blank.png")
    with pytest.raises(ImageError, match=r"blank\.png shows nothing"):
        as_input(read_gray(tmp_path / "blank.png"), 784, "mnist", "blank.png")
    with pytest.raises(ImageError, match="21 numbers"):
        as_input(np.zeros((5, 5), np.float32), 21, "table")


@pytest.fixture
def pictures(tmp_path):
    """One picture of each kind that is not to be read, by name."""
    blank = Image.new("L", (30, 30), 9)
    several = [Image.new("L", (30, 30), level) for level in (9, 99)]
    for kind in ("gif", "png", "webp", "tiff"):
        blank.save(tmp_path / f"several.{kind}", save_all=True, append_images=several)
    Image.new("1", (10_000, 9_000)).save(tmp_path / "large.png")
    blank.save(tmp_path / "lzw.tiff", compression="tiff_lzw")
    Image.fromarray(np.full((30, 30), np.nan, np.float32)).save(tmp_path / "float.tiff")
    data = (tmp_path / "several.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    blank.save(tmp_path / "plain.tiff")
    (tmp_path / "cut.tiff").write_bytes((tmp_path / "plain.tiff").read_bytes()[:300])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "x.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("several.gif", "several pictures"), ("several.png", "several pictures"), ("several.webp", "several pictures"),
        ("several.tiff", "several pictures"), ("large.png", "50 million pixels here, but .* 10,000 × 9,000"),
        ("lzw.tiff", "compressed TIFF"), ("float.tiff", "floating-point levels"), ("cut.png", "several pictures"),
        ("cut.tiff", "cannot be read"), ("empty.png", "no picture in a format"), ("text.png", "no picture in a format"),
        ("x.eps", "no picture in a format"), ("folder.png", "no ordinary file"), ("pipe.png", "no ordinary file"),
        ("none.png", "no image at"), ("a" * 300, "File name too long"), ("a\0b", "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_picture_of_one_digit_is_refused_in_one_line(pictures, capfd, name, says):
    with pytest.raises(ImageError, match=says) as caught:
        read_gray(pictures / name)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_picture_of_many_pixels_comes_back_smaller_and_alike(tmp_path):
    inputs = []
    for scale in (1, 30):
        image = Image.new("L", (100 * scale, 140 * scale), 255)
        ImageDraw.Draw(image).ellipse([20 * scale, 20 * scale, 80 * scale, 120 * scale], outline=0, width=15 * scale)
        image.save(tmp_path / "x.png")
        gray = read_gray(tmp_path / "x.png")
        assert gray.size <= KEPT_PIXELS
        inputs.append(as_input(gray, 784, "mnist").pixels)
    assert np.abs(inputs[0] - inputs[1]).max() < 0.1  # the same drawing, but for its edges at another resolution


def test_uncompressed_tiff_and_deep_levels_are_read(tmp_path):
    levels = np.linspace(0, 65_535, 900).reshape(30, 30).astype(np.uint16)
    for name in ("x.tiff", "x.png"):
        Image.fromarray(levels).save(tmp_path / name)
        assert np.allclose(read_gray(tmp_path / name), levels / 65_535, atol=1e-6)


def test_examples_of_a_data_set_are_shown_as_they_were_in_its_files():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9))
    split = Split(SparseRows.from_dense((pixels / 255).astype(np.float32)), np.zeros(5, np.int64))
    shown = as_pictures(split, np.array([4, 0, 4]))
    assert shown.dtype == np.uint8
    assert np.array_equal(shown, pixels[[4, 0, 4]].reshape(3, 3, 3))
    assert as_pictures(split, np.zeros(0, np.int64)).shape == (0, 3, 3)
    wide = Split(SparseRows.from_dense(np.array([[-1.0, 0, 1, 3]])), np.zeros(1, np.int64))
    assert as_pictures(wide, np.array([0])).tolist() == [[[0, 64], [128, 255]]]
    with pytest.raises(ImageError, match="rows of 5 numbers are no square image"):
        as_pictures(Split(SparseRows.from_dense(np.eye(5)), np.zeros(5, np.int64)), np.array([0]))


def test_png_files_are_made_of_what_may_be_pictures_alone():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64))

    def files(rows, examples=(2, 0)):
        return as_png(Split(SparseRows.from_dense(rows.astype(np.float32)), np.zeros(len(rows), np.int64)), examples)

    shown = [np.asarray(Image.open(BytesIO(file))) for file in files(pixels / 255)]
    assert np.array_equal(shown, pixels[[2, 0]].reshape(2, 8, 8))
    assert files(pixels[:, :9] / 255) == files(pixels[:, :60] / 255) == files(pixels / 255 - 1) == []
