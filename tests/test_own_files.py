"""Of a directory that may be a stranger's, plain files and folders are read and written and nothing else."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_lightning.own_files import check_folder, check_plain, open_own, read_own


def link(path: Path) -> None:
    target = path.with_name("elsewhere")
    target.write_text("secret")
    path.symlink_to(target)


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


OTHERS: dict[str, Callable[[Path], None]] = {
    "a link": link,
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a socket": bind,
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_plain_file_is_named_and_nothing_waits(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may have a hundred bytes
    path = Path("file")
    OTHERS[kind](path)
    for look in (open_own, check_plain, lambda path: read_own(path, largest=100)):
        with pytest.raises(ValueError, match=rf"^{path} is {kind}, and a plain file is needed: move it away$"):
            look(path)


def test_a_plain_file_is_read_whole_and_a_larger_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_own(path, largest=5) == b"12345"
    with pytest.raises(ValueError, match=rf"^{path} has 5 bytes: no file of its kind has more than 4$"):
        read_own(path, largest=4)
    check_plain(path)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_own(tmp_path / "file", largest=5)
    check_plain(tmp_path / "file")


@pytest.mark.parametrize("kind", [kind for kind in OTHERS if kind != "a folder"])
def test_what_is_no_folder_is_not_written_in(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("folder")
    OTHERS[kind](path)
    with pytest.raises(ValueError, match=rf"^{path} is {kind}, and a folder is needed there: move it away$"):
        check_folder(path)


def test_a_link_to_a_folder_or_to_nothing_is_not_written_in(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    for target in ("elsewhere", "nowhere"):
        (tmp_path / target[0]).symlink_to(tmp_path / target)
        with pytest.raises(ValueError, match="is a link"):
            check_folder(tmp_path / target[0])
    assert not (tmp_path / "nowhere").exists()
