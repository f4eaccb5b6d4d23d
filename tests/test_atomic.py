"""Files and folders that are there whole or not at all."""

from pathlib import Path

import pytest

from gan_lightning.atomic import atomic_file, atomic_folder


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


def test_folder_appears_when_its_block_ends_and_leaves_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder"
    with atomic_folder(path) as temporary:
        (temporary / "file.txt").write_text("text")
        assert not path.exists()
    assert (path / "file.txt").read_text() == "text"
    assert list(path.parent.iterdir()) == [path]


def test_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="half way"), atomic_folder(tmp_path / "folder") as temporary:
        (temporary / "file.txt").write_text("te")
        raise RuntimeError("half way")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_of_a_folder_is_thrown_away(tmp_path: Path) -> None:
    block = atomic_folder(tmp_path / "folder")
    (block.__enter__() / "half.txt").write_text("ha")  # and never ended
    with atomic_folder(tmp_path / "folder") as temporary:
        assert list(temporary.iterdir()) == []
    assert list(tmp_path.iterdir()) == [tmp_path / "folder"]


def test_folder_that_another_process_made_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with pytest.raises(OSError), atomic_folder(path) as temporary:
        (temporary / "file.txt").write_text("ours")
        path.mkdir()
        (path / "file.txt").write_text("theirs")
    assert (path / "file.txt").read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [path]
