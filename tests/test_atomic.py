"""Files that are there whole or not at all."""

import errno
from pathlib import Path

import pytest

from gan_lightning.atomic import atomic_file, remove_leftovers


def test_file_appears_when_its_block_ends_and_leaves_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with atomic_file(path) as temporary:
        temporary.write_text("text")
        assert not path.exists()
    assert path.read_text() == "text"
    assert list(path.parent.iterdir()) == [path]


def test_write_that_fails_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), atomic_file(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "file.txt", tmp_path / "elsewhere.txt"
    elsewhere.write_text("theirs")
    path.symlink_to(elsewhere)
    with atomic_file(path) as temporary:
        assert temporary.is_file()
        temporary.write_text("ours")
    assert elsewhere.read_text() == "theirs"
    assert path.read_text() == "ours"
    assert not path.is_symlink()


def test_no_two_temporary_files_have_one_name(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "file") as one, atomic_file(tmp_path / "file") as other:
        assert one != other


def test_what_cannot_be_written_is_named_and_not_its_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(OSError, match=rf"^\[Errno 28\] No space left on device: '{path}'$"), atomic_file(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    path.mkdir()
    with pytest.raises(OSError, match=rf"Is a directory: '{path}'$"), atomic_file(path):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_killed_processes_are_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / ".lock"
    kept.touch()
    block = atomic_file(tmp_path / "last.ckpt")
    temporary = block.__enter__()
    assert temporary.exists()
    remove_leftovers(tmp_path, besides=("last.ckpt",))
    assert temporary.exists()
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]
