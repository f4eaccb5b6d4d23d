"""Text: lines, symbols, one-hot and back."""

import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gan_lightning.data import text as text_module
from gan_lightning.data.text import RELEASE, TRAINING, BillionWord, TextData, TextFile, most_frequent, rows_of_lines
from gan_lightning.randomness import RandomStreams

SMALL = {"length": 4, "vocabulary": 6, "held_out": 0.25, "batch_size": 1, "n_critic": 1, "seed": 0}


def text_file(root: Path | None, **changes: Any) -> TextFile:
    return TextFile(root=None if root is None else str(root), **{**SMALL, **changes})


def billion_word(root: Path | None, **changes: Any) -> BillionWord:
    return BillionWord(root=None if root is None else str(root), **{**SMALL, "vocabulary": 256, **changes})


def lines(data: TextData, part: int | None = None) -> list[str]:
    """Of one split or of both, as they are shown."""
    parts = (0, 1) if part is None else (part,)
    data.prepare()
    return [line for i in parts for line in data.text(data.splits[i].rows(torch.arange(len(data.splits[i])))[0])]


def bytes_of_lines(content: bytes, length: int = 4) -> list[bytes]:
    return [row.tobytes() for rows in rows_of_lines(io.BytesIO(content), length) for row in rows]


@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 5, 2**20])
@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"ab\nabcd\nabcdef\n", [b"ab``", b"abcd", b"abcd"]),
        (b"\nab\n\n", [b"````", b"ab``", b"````"]),
        (b"ab\nlast", [b"ab``", b"last"]),
        (b"ab\r\n\r\nabcd\r\nab\rc", [b"ab``", b"````", b"abcd", b"ab\rc"]),
        ("é\nabcé\n".encode(), [b"\xc3\xa9``", b"abc\xc3"]),
        (b"", []),
    ],
)
def test_lines_are_cut_off_and_filled_up_wherever_a_piece_ends(
    content: bytes, rows: list[bytes], piece_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_module, "PIECE_BYTES", piece_bytes)
    assert bytes_of_lines(content) == rows


def test_symbols_are_numbered_by_frequency_and_equally_frequent_ones_by_byte() -> None:
    rows = torch.tensor([[5, 5, 9, 9], [7, 7, 7, 200]], dtype=torch.uint8)
    assert most_frequent(rows, 255) == [7, 5, 9, 200]
    assert most_frequent(rows, 2) == [7, 5]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Eight lines, all different."""
    path = tmp_path / "text.txt"
    path.write_bytes(b"aaaa\nabab\nba\n\nabc\ncab\nbbbbbb\nac\n")
    return path


def test_every_line_is_in_one_of_the_splits(written: Path) -> None:
    data = text_file(written, vocabulary=256)
    assert (len(data.splits[0]), len(data.splits[1])) == (6, 2)
    assert sorted(lines(data)) == ["````", "aaaa", "abab", "abc`", "ac``", "ba``", "bbbb", "cab`"]


def test_held_out_lines_do_not_depend_on_the_seed_and_lines_are_shuffled(tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").write_text("".join(f"{i:04}\n" for i in range(100)))
    first, other = (text_file(tmp_path / "numbers.txt", vocabulary=20, seed=seed) for seed in (1, 2))
    assert lines(first, 1) == lines(other, 1) != sorted(lines(first, 1))
    assert lines(first, 0) != sorted(lines(first, 0))


def test_the_rarest_symbols_become_unknown(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("aaab\n" * 40 + "aacb\n" * 8)
    data = text_file(tmp_path / "text.txt", vocabulary=3)
    assert (data.splits[0].samples.max(), data.symbols) == (2, [ord("a"), ord("b")])
    assert set(lines(data)) == {"aaab", "aa�b"}
    assert data.title == "text_file, 36 lines of 2 symbols"


def streams() -> RandomStreams:
    return RandomStreams(0, rank=0, world_size=1, device=torch.device("cpu"))


def test_networks_see_one_hot_lines_as_wide_as_the_setting(written: Path) -> None:
    data = text_file(written)
    rows = data.splits[0].rows(torch.arange(6))[0]
    assert rows.dtype == torch.uint8 and rows.shape == (6, 4)
    real = data.to_real(rows, streams())
    assert real.shape == (6, 4, 6) and real.dtype == torch.float32
    assert torch.equal(real.sum(-1), torch.ones(6, 4)) and torch.equal(real.argmax(-1), rows.long())
    assert not real[..., 5].any()  # the text has four symbols


def test_samples_are_shown_by_their_likeliest_symbols_with_back_ticks_left_in(written: Path, tmp_path: Path) -> None:
    data = text_file(written)
    data.prepare()
    rows = data.splits[0].rows(torch.arange(6))[0]
    generated = torch.softmax(3 * data.to_real(rows, streams()) + torch.rand(6, 4, 6), -1)
    shown = data.show(generated, tmp_path / "samples" / "000001")
    assert shown == tmp_path / "samples" / "000001.txt"
    assert shown.read_text(encoding="utf-8").splitlines() == lines(data, 0)


def test_symbols_that_stand_for_nothing_and_broken_characters_are_shown_as_such(written: Path) -> None:
    data = text_file(written)
    data.load_state_dict({"symbols": [0xC3, 0xA9, 0x61]})
    assert data.text(torch.tensor([[1, 2, 3, 3], [3, 1, 3, 0], [5, 3, 2, 4]])) == ["éaa", "a�a�", "�a��"]


def test_the_symbols_travel_in_the_state_of_a_checkpoint(written: Path) -> None:
    data, other = text_file(written), text_file(None)
    data.prepare()
    rows: Tensor = data.splits[0].rows(torch.arange(6))[0]
    with pytest.raises(RuntimeError, match="symbols are not known yet"):
        other.text(rows)
    other.load_state_dict(data.state_dict())
    assert other.text(rows) == data.text(rows)


@pytest.mark.parametrize(("suffix", "pack"), [(".xz", lzma.compress), (".gz", gzip.compress)])
def test_a_packed_text_is_the_text(suffix: str, pack: Callable[[bytes], bytes], written: Path) -> None:
    packed = written.with_name(f"packed.txt{suffix}")
    packed.write_bytes(pack(written.read_bytes()))
    assert text_file(packed).provenance == text_file(written).provenance
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(ValueError, match=rf"^{packed} cannot be read as text: [^\n]+$"):
        text_file(packed).prepare()
    packed.write_bytes(b"not packed at all")
    with pytest.raises(ValueError, match=rf"^{packed} cannot be read as text: [^\n]+$"):
        text_file(packed).prepare()


def test_text_is_read_once_whatever_the_vocabulary(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = text_file(written).provenance
    monkeypatch.setattr(text_module, "rows_of_file", None)
    assert text_file(written).provenance == first
    assert text_file(written, vocabulary=3).provenance != first


def test_provenance_is_that_of_the_lines_and_the_users_name(written: Path, tmp_path: Path) -> None:
    first = text_file(written).provenance
    assert first.startswith("text_file, 6 lines of 4 symbols 4, sha256 ") and str(tmp_path) not in first
    moved = written.rename(tmp_path / "moved.txt")
    assert text_file(moved).provenance == first
    assert text_file(moved, name="poem").provenance == first.replace("text_file", "poem")
    moved.write_bytes(moved.read_bytes().replace(b"cab", b"cac"))
    assert text_file(moved).provenance != first


def test_so_many_lines_are_taken_from_the_start(written: Path) -> None:
    assert sorted(lines(text_file(written, lines=3))) == ["aaaa", "abab", "ba``"]
    with pytest.raises(ValueError, match=r"text.txt holds 8 lines, and 9 are needed: .*data.lines=null"):
        text_file(written, lines=9).prepare()


@pytest.mark.parametrize("content", [b"\x89PNG\0\0", "text".encode("utf-16")])
def test_a_file_that_is_no_text_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "picture.txt").write_bytes(b"a\nb\n" + content)
    with pytest.raises(ValueError, match=r"^\S*picture.txt cannot be read as text: it has zero bytes"):
        text_file(tmp_path / "picture.txt").prepare()


def test_a_text_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^data=text_file needs data.root=FILE"):
        text_file(None).prepare()
    with pytest.raises(FileNotFoundError, match=r"nowhere.txt is not an existing file: name a text file"):
        text_file(tmp_path / "nowhere.txt").prepare()
    with pytest.raises(FileNotFoundError, match=r"is not an existing file: name a text file"):
        text_file(tmp_path).prepare()
    (tmp_path / "empty.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"empty.txt is an empty file: name a text file"):
        text_file(tmp_path / "empty.txt").prepare()
    (tmp_path / "empty.txt.xz").write_bytes(lzma.compress(b""))
    with pytest.raises(ValueError, match=r"empty.txt.xz holds 0 lines, and 2 are needed"):
        text_file(tmp_path / "empty.txt.xz").prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(written: Path) -> None:
    written.chmod(0)
    with pytest.raises(PermissionError, match=r"Permission denied: '.*text.txt'"):
        text_file(written).prepare()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length": 0}, "data.length=0 is not possible: a whole number of at least 1 is needed"),
        ({"vocabulary": 1}, "data.vocabulary=1 is not possible: a whole number of at least 2 is needed"),
        (
            {"vocabulary": 257},
            "data.vocabulary=257 is not possible: a whole number of at least 2 is needed, and of 256 at most",
        ),
        ({"lines": 1}, "data.lines=1 is not possible: a whole number of at least 2 is needed"),
        ({"held_out": 0}, "data.held_out=0 is not possible: a number between 0 and 1 is needed"),
        ({"held_out": 1}, "data.held_out=1 is not possible: a number between 0 and 1 is needed"),
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        text_file(Path("x"), **changes)


def shard(number: int) -> str:
    return f"news.en-{number:05}-of-00100"


def content_of(number: int) -> bytes:
    """Three lines that tell their shard."""
    return b"".join(b"%02d.%d more\n" % (number, line) for line in range(3))


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder as the archive unpacks to, with six shards and a held-out one."""
    folder = tmp_path / "unpacked" / RELEASE
    held_out = folder / "heldout-monolingual.tokenized.shuffled"
    for path in (folder / TRAINING, held_out):
        path.mkdir(parents=True)
    for number in range(1, 7):
        (folder / TRAINING / shard(number)).write_bytes(content_of(number))
    (held_out / "news.en.heldout-00001-of-00050").write_bytes(b"held out\n")
    return folder


def packed(release: Path, order: list[int]) -> Path:
    """An archive in which the shards lie in an order of its own, as in the published one."""
    archive = release.parent / f"{RELEASE}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(release, RELEASE, recursive=False)
        for number in order:
            tar.add(release / TRAINING / shard(number), f"{RELEASE}/{TRAINING}/{shard(number)}")
        tar.add(release / "heldout-monolingual.tokenized.shuffled", f"{RELEASE}/heldout-monolingual.tokenized.shuffled")
    return archive


ALL = sorted(f"{number:02}.{line}" for number in range(1, 7) for line in range(3))


@pytest.mark.parametrize("place", [".", "..", TRAINING])
def test_shards_of_a_folder_are_read_in_order_until_there_are_enough_lines(place: str, release: Path) -> None:
    data = billion_word(release / place, lines=7)
    assert sorted(lines(data)) == ALL[:7]
    assert data.title.startswith("Billion Word, 5 lines of ")
    assert sorted(lines(billion_word(release / place))) == ALL


@pytest.mark.parametrize("order", [[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1], [3, 6, 1, 5, 2, 4]])
def test_an_archive_gives_the_lines_that_the_folder_gives_whatever_its_order(order: list[int], release: Path) -> None:
    archive = packed(release, order)
    assert sorted(lines(billion_word(archive))) == ALL
    for number in (2, 3, 7, 18):
        assert lines(billion_word(archive, lines=number)) == lines(billion_word(release, lines=number))


def test_no_more_shards_of_an_archive_are_kept_than_are_needed(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = text_module.rows_of_archive(packed(release, [5, 6, 4, 2, 1, 3]), 4, 4)
    assert [rows[0].tobytes() for rows in kept] == [b"01.0", b"02.0"]


def test_a_missing_shard_is_named(release: Path) -> None:
    archive = packed(release, [1, 2, 4])
    (release / TRAINING / shard(3)).unlink()
    for root in (release, archive):
        with pytest.raises(FileNotFoundError, match=r"news.en-00003-of-00100 is missing beside news.en-0000\d"):
            billion_word(root).prepare()


def test_too_few_lines_are_said_with_the_remedy(release: Path) -> None:
    with pytest.raises(ValueError, match=r"holds 18 lines, and 10000000 are needed: .*data.lines=null"):
        billion_word(release, lines=10_000_000).prepare()


def test_another_folder_or_archive_is_answered_with_what_is_needed(release: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"^data=billion_word needs data.root=FILE or DIR: name {RELEASE}.tar.gz"):
        billion_word(None).prepare()
    with pytest.raises(FileNotFoundError, match=rf"does not hold {TRAINING}/news.en-00001-of-00100: name"):
        billion_word(release / "heldout-monolingual.tokenized.shuffled").prepare()
    with pytest.raises(FileNotFoundError, match=r"nowhere is not an existing folder: name"):
        billion_word(tmp_path / "nowhere").prepare()
    with pytest.raises(FileNotFoundError, match=rf"{RELEASE}.tar.gz does not hold {TRAINING}/news.en-00001-of-00100"):
        billion_word(packed(release, [])).prepare()


@pytest.mark.parametrize("length", [0, 20, 200])
def test_a_broken_archive_is_named(length: int, release: Path) -> None:
    archive = packed(release, [1, 2])
    os.truncate(archive, length)
    said = r"\.tar\.gz (cannot be read as a tar archive|is an empty file)"
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        billion_word(archive).prepare()


def test_a_text_file_is_no_archive_and_read_by_another_name(written: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be read as a tar archive, and data=text_file reads any text: "):
        billion_word(written).prepare()


def test_news_sentences_are_read_with_their_symbols(shared: Path) -> None:
    data = text_file(shared / "data" / "lm1b_heldout_dev.txt.xz", length=32, vocabulary=256, held_out=0.1)
    train, held_out = data.splits
    assert (len(train), len(held_out)) == (10_994, 1_222)
    assert bytes(data.symbols[:2]) == b" e"
    with lzma.open(shared / "data" / "lm1b_heldout_dev.txt.xz") as file:
        expected = sorted(line.rstrip(b"\n")[:32].ljust(32, b"`") for line in file)
    found = np.concatenate([split.rows(torch.arange(len(split)))[0].numpy() for split in data.splits])
    unknown = found == 0
    assert unknown.sum() < 10  # a byte that only held-out lines have
    numbered = np.array([0, *data.symbols], np.uint8)[found]
    assert sum(a != b for a, b in zip(sorted(row.tobytes() for row in numbered), expected, strict=True)) < 10
