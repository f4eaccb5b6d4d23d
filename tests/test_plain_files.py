"""Plain files are read, by a link where links are followed, and of nothing else anything."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_lightning import plain_files
from gan_lightning.plain_files import open_plain, read_plain


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


OTHERS: dict[str, Callable[[Path], None]] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a socket": bind,
}


@pytest.mark.parametrize("follow_links", [True, False])
@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_plain_file_is_named_and_nothing_waits(
    kind: str, follow_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may have a hundred bytes
    path = Path("file")
    OTHERS[kind](path)
    with pytest.raises(ValueError, match=rf"^{path} is {kind}, and a plain file is needed: move it away$"):
        open_plain(path, follow_links=follow_links)


def test_a_link_is_followed_where_links_are_and_what_it_leads_to_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00content")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "endless").symlink_to("/dev/zero")
    assert read_plain(tmp_path / "link", largest=8, follow_links=True) == b"\x00content"
    with pytest.raises(ValueError, match=r"endless is a device, and a plain file is needed"):
        read_plain(tmp_path / "endless", largest=8, follow_links=True)
    for name in ("link", "endless"):
        with pytest.raises(ValueError, match=rf"{name} is a link, and a plain file is needed"):
            read_plain(tmp_path / name, largest=8, follow_links=False)


@pytest.mark.parametrize("follow_links", [True, False])
def test_a_plain_file_is_read_whole_and_a_larger_one_refused_with_its_size(follow_links: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1001))
    assert len(read_plain(tmp_path / "file", largest=1001, follow_links=follow_links)) == 1001
    with pytest.raises(ValueError, match=r"file has 1,001 bytes: no file of its kind has more than 1,000$"):
        read_plain(tmp_path / "file", largest=1000, follow_links=follow_links)


@pytest.mark.parametrize("follow_links", [True, False])
def test_a_missing_file_is_missing(follow_links: bool, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_plain(tmp_path / "file", follow_links=follow_links)


@pytest.mark.parametrize("follow_links", [True, False])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("fifo")])
def test_what_took_a_file_s_place_a_moment_ago_is_neither_waited_for_nor_read(
    make: Callable[[Path], None], follow_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    make(tmp_path / "thing")
    looked_at = os.stat(tmp_path / "file")
    monkeypatch.setattr(plain_files.os, "stat", lambda path, *, follow_symlinks: looked_at)
    with pytest.raises((ValueError, OSError), match=r"thing is a pipe|symbolic links: \S*thing|No such file"):
        open_plain(tmp_path / "thing", follow_links=follow_links)
