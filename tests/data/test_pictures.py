"""Finding, decoding and cutting pictures."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_lightning.data.pictures import (
    centre_square,
    decode,
    find_pictures,
    hold_out,
    open_picture,
    passes_of,
    picture_blocks,
    to_rows,
)


def test_pictures_are_found_at_any_depth_in_order_and_nothing_else(tmp_path: Path) -> None:
    names = ["b.JPG", "a/z.png", "a/b/c.webp", "d.bmp", "e.jpeg", "notes.txt", ".hidden.png", "png"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in find_pictures(tmp_path)]
    assert found == ["a/b/c.webp", "a/z.png", "b.JPG", "d.bmp", "e.jpeg"]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").touch()
    (tmp_path / "root" / "inner").mkdir(parents=True)
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "twice").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "inner" / "circle").symlink_to(tmp_path / "root")
    assert find_pictures(tmp_path / "root") == [tmp_path / "root" / "linked" / "a.png"]


@pytest.mark.parametrize(("number", "held"), [(20, 2), (5, 1), (1, 1), (14, 1), (16, 2)])
def test_a_tenth_and_at_least_one_is_held_out(number: int, held: int) -> None:
    train, held_out = hold_out(range(number), 0.1)
    assert len(held_out) == held and sorted(train + held_out) == list(range(number))
    assert hold_out(range(number), 0.1) == (train, held_out)


def test_centre_square_keeps_the_middle_of_a_wide_picture() -> None:
    pixels = np.zeros((4, 12, 3), np.uint8)
    pixels[:, 4:8, 0] = 200
    square = to_rows(centre_square(Image.fromarray(pixels), 4))
    assert square.shape == (3, 4, 4)
    assert np.unique(square[0]).tolist() == [200] and not square[1:].any()


def test_a_square_of_the_right_size_stays_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert np.array_equal(to_rows(centre_square(Image.fromarray(pixels), 8)), pixels.transpose(2, 0, 1))


def test_fine_stripes_shrink_to_grey_rather_than_to_stripes() -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    shrunk = to_rows(centre_square(Image.fromarray(stripes), 16))
    assert np.ptp(shrunk[:, 2:-2, 2:-2].astype(int)) <= 2 and abs(shrunk.mean() - 127.5) < 2


def test_channels_keep_their_order(tmp_path: Path, paint: Callable[..., Path]) -> None:
    path = paint(tmp_path / "orange.png", colour=(250, 120, 10))
    assert to_rows(open_picture(path, 3))[:, 5, 5].tolist() == [250, 120, 10]
    assert to_rows(open_picture(path, 1)).shape == (1, 32, 32)


def test_a_grey_picture_becomes_three_equal_channels(tmp_path: Path, paint: Callable[..., Path]) -> None:
    path = paint(tmp_path / "grey.png", colour=77, mode="L")
    assert np.unique(to_rows(open_picture(path, 3))).tolist() == [77]


def test_a_photograph_on_its_side_is_put_upright(tmp_path: Path) -> None:
    picture = Image.fromarray(np.array([[10, 200]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    picture.save(tmp_path / "side.png", exif=exif)
    assert to_rows(open_picture(tmp_path / "side.png", 1)).tolist() == [[[10], [200]]]


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_what_is_transparent_becomes_white(mode: str, tmp_path: Path) -> None:
    picture = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    picture.putpixel((0, 0), (0, 0, 255, 255))
    picture.convert(mode).save(tmp_path / "logo.png")
    pixels = to_rows(open_picture(tmp_path / "logo.png", 3))
    assert pixels[:, 0, 0].tolist() == [0, 0, 255] and pixels[:, 1, 1].tolist() == [255, 255, 255]


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp"])
def test_a_truncated_picture_is_named(suffix: str, tmp_path: Path, paint: Callable[..., Path]) -> None:
    path = paint(tmp_path / f"cut.{suffix}", (64, 64))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=rf"cut.{suffix} is not a readable picture") as caught:
        open_picture(path, 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a picture"])
def test_a_file_that_is_no_picture_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "fake.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"fake.png is not a readable picture"):
        open_picture(tmp_path / "fake.png", 3)


def test_a_picture_of_16_bits_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 40000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match=r"deep.png is not a readable picture .*8 bits"):
        open_picture(tmp_path / "deep.png", 1)


def test_blocks_hold_all_pictures_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_lightning.data.pictures.BLOCK_SIZE", 3)
    whole = picture_blocks(range(7), lambda items: np.array(items, np.uint8)[:, None, None, None], range(7))
    blocks = [read() for read in whole.reads]
    assert whole.rows == 7
    assert [len(images) for images, _ in blocks] == [3, 3, 1]
    assert np.concatenate([images for images, _ in blocks]).flatten().tolist() == list(range(7))
    assert [label for _, labels in blocks if labels is not None for label in labels] == list(range(7))


def test_many_pictures_are_decoded_in_their_order() -> None:
    images = decode(range(40), lambda number: Image.new("RGB", (4, 2), (number, 0, 9)))
    assert images.shape == (40, 3, 2, 4) and images.dtype == np.uint8
    assert images[:, 0, 1, 3].tolist() == list(range(40)) and np.unique(images[:, 2]).tolist() == [9]


def test_a_picture_is_read_from_its_content_and_named_as_told(tmp_path: Path, paint: Callable[..., Path]) -> None:
    content = paint(tmp_path / "a.webp").read_bytes()
    assert np.array_equal(to_rows(open_picture(content, 3)), to_rows(open_picture(tmp_path / "a.webp", 3)))
    with pytest.raises(ValueError, match=r"^the third is not a readable picture"):
        open_picture(content[:100], 3, name="the third")


def jpeg(**settings: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(
        file, "JPEG", **settings
    )
    return file.getvalue()


def test_passes_over_a_picture_are_those_of_its_own_alone() -> None:
    assert passes_of(jpeg()) == 1
    progressive = passes_of(jpeg(progressive=True))
    assert 5 < progressive < 20
    other = b"\xff\xda" * 1000
    assert passes_of(jpeg(progressive=True, exif=b"Exif\0\0" + other, comment=other)) == progressive
    assert passes_of(jpeg(progressive=True) + other) == progressive
    assert open_picture(jpeg() + other, 3, name="a motion picture").size == (64, 64)


def test_a_picture_of_many_passes_is_refused() -> None:
    whole = jpeg(progressive=True)
    last = whole.rindex(b"\xff\xda")
    with pytest.raises(ValueError, match=r"^many[^\n]*more than 100 passes over the picture"):
        open_picture(whole[:-2] + whole[last:-2] * 200 + whole[-2:], 3, name="many")
