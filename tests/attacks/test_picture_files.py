"""Pictures as strangers and broken disks leave them: decoded, or refused in one line that names them."""

import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
from mutations import damaged
from PIL import Image

from gan_lightning.data.pictures import FORMATS, open_picture

SIDES = (50_000, 16_384, 9_500)
"""The last is beyond what Pillow warns of, the first beyond what it refuses by itself."""


def saved(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 24), **settings: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind, **settings)
    return file.getvalue()


def pictures() -> dict[str, bytes]:
    """Whole pictures of every format that is read, in the forms that cameras and programs write."""
    oriented = Image.Exif()
    oriented[0x0112] = 6
    return {
        "JPEG": saved("JPEG"),
        "grey JPEG": saved("JPEG", "L"),
        "CMYK JPEG": saved("JPEG", "CMYK"),
        "progressive JPEG": saved("JPEG", progressive=True, exif=oriented),
        "PNG": saved("PNG"),
        "transparent PNG": saved("PNG", "RGBA"),
        "palette PNG": saved("PNG", "P"),
        "one-bit PNG": saved("PNG", "1"),
        "WEBP": saved("WEBP"),
        "lossless WEBP": saved("WEBP", "RGBA", lossless=True),
        "BMP": saved("BMP"),
        "palette BMP": saved("BMP", "P"),
    }


def assert_decoded_or_refused(content: bytes, channels: int) -> bool:
    """Whether it was decoded."""
    try:
        picture = open_picture(content, channels, name="the picture")
    except ValueError as error:
        assert str(error).startswith("the picture is not a readable picture")
        assert "\n" not in str(error) and len(str(error)) < 400
        return False
    assert picture.mode == {1: "L", 3: "RGB"}[channels] and np.asarray(picture).dtype == np.uint8
    return True


def decoded_of(name: str, content: bytes, seeds: range) -> int:
    """How many of so many broken ones were decoded all the same."""
    return sum(assert_decoded_or_refused(damaged(content, Random(f"{name} {n}")), 1 + n % 2 * 2) for n in seeds)


@pytest.mark.parametrize("name", pictures())
def test_a_broken_picture_is_decoded_or_refused(name: str) -> None:
    content = pictures()[name]
    assert all(assert_decoded_or_refused(content, channels) for channels in (1, 3))
    assert decoded_of(name, content, range(60)) < 60


@pytest.mark.slow
@pytest.mark.parametrize("name", pictures())
def test_many_broken_pictures_are_decoded_or_refused(name: str) -> None:
    assert decoded_of(name, pictures()[name], range(60, 3000)) < 2940


def png(width: int, height: int) -> bytes:
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(100))),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def bmp(width: int, height: int) -> bytes:
    content = saved("BMP")
    return content[:18] + struct.pack("<ii", width, height) + content[26:]


def jpeg(width: int, height: int) -> bytes:
    content = saved("JPEG")
    place = content.index(b"\xff\xc0") + 5
    return content[:place] + struct.pack(">HH", height, width) + content[place + 4 :]


def webp(width: int, height: int) -> bytes:
    side = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + side + saved("WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("make", [png, bmp, jpeg, webp])
@pytest.mark.parametrize("side", SIDES)
def test_a_picture_of_too_many_pixels_is_refused_whatever_its_format(make: Callable[..., bytes], side: int) -> None:
    with pytest.raises(ValueError, match=r"^the picture is not a readable picture \([^\n]+\)$"):
        open_picture(make(side, side), 3, name="the picture")


def test_a_picture_of_too_many_pixels_takes_neither_its_memory_nor_a_warning(tmp_path: Path) -> None:
    for n, side in enumerate(SIDES):
        (tmp_path / f"{n}.png").write_bytes(png(side, side))
    program = """if True:
        import resource, sys
        from pathlib import Path
        from gan_lightning.data.pictures import open_picture
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for path in map(Path, sys.argv[1:]):
            try:
                open_picture(path, 3)
            except ValueError as error:
                print("refused", str(path) in str(error))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000)
    """
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run([sys.executable, "-c", program, *files], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("refused True\n" * 3 + "True\n", "")


def other_formats() -> Iterator[tuple[str, bytes]]:
    """Formats that Pillow knows and that are not read, one of them by a program that it starts."""
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(touch sprung) system\n%%EOF\n"
    yield "EPS", script
    yield "XV", b"P7 332\n#END_OF_COMMENTS\n4 4 255\n" + bytes(16)
    for kind in ("GIF", "TIFF", "PPM", "ICO", "TGA", "PCX", "PDF", "DDS", "JPEG2000", "SGI"):
        yield kind, saved(kind, "L" if kind == "PPM" else "RGB")


@pytest.mark.parametrize(("kind", "content"), [pytest.param(*case, id=case[0]) for case in other_formats()])
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp"])
def test_other_formats_are_not_opened_whatever_they_are_called(
    kind: str, content: bytes, suffix: str, tmp_path: Path
) -> None:
    assert kind not in FORMATS
    path = tmp_path / f"picture.{suffix}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is not a readable picture \(none of BMP, JPEG, PNG, WEBP\)$"):
        open_picture(path, 3)


def test_a_picture_that_is_a_fifo_is_refused_by_the_command_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "whole.png").write_bytes(saved("PNG"))
    os.mkfifo(tmp_path / "pictures" / "pipe.png")
    project = Path(__file__).parents[2]
    settings = ("data=image_folder", "data.root=pictures", "data.resolution=16", "metrics=none", "trainer=cpu")
    command = [sys.executable, str(project / "train.py"), *settings]
    environment = os.environ | {"PYTHONPATH": str(project), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert (
        done.stderr.splitlines()[-1] == "error: pictures/pipe.png is a pipe, and a plain file is needed: move it away"
    )
    assert "Traceback" not in done.stderr
