"""Files from unknown hands."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_lightning.data import files
from gan_lightning.data.files import Bounded, content_of, open_regular, printable, said
from gan_lightning.data.roots import named_file, named_root


def test_a_file_is_read_as_it_is_by_a_link_as_well(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00content")
    (tmp_path / "link").symlink_to("file")
    assert content_of(tmp_path / "file") == content_of(tmp_path / "link") == b"\x00content"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (os.mkfifo, "a fifo"),
        (Path.mkdir, "a folder"),
        (lambda path: path.symlink_to("/dev/null"), "a device"),
    ],
)
def test_what_is_no_file_is_named_by_what_it_is(make: Callable[[Path], None], kind: str, tmp_path: Path) -> None:
    make(tmp_path / "thing")
    with pytest.raises(ValueError, match=rf"^{tmp_path}/thing is {kind}, not a file$"):
        open_regular(tmp_path / "thing")


def test_a_fifo_that_took_a_file_s_place_a_moment_ago_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    looked_at = os.stat(tmp_path / "file")
    monkeypatch.setattr(files.os, "stat", lambda path: looked_at)
    with pytest.raises(ValueError, match="fifo is a fifo, not a file"):
        open_regular(tmp_path / "fifo")


def test_a_file_larger_than_any_of_its_kind_is_refused_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1001))
    assert len(content_of(tmp_path / "file", most=1001)) == 1001
    with pytest.raises(ValueError, match=r"file has 1,001 bytes: no file of its kind has more than 1,000$"):
        content_of(tmp_path / "file", most=1000)


def test_a_stream_ends_in_an_error_where_it_is_more_than_its_packed_bytes_stand_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "MOST_ANYWAY", 10)
    whole = Bounded(io.BytesIO(bytes(200)), packed=2)
    assert [len(whole.read(150)) for _ in range(3)] == [150, 50, 0]
    longer = Bounded(io.BytesIO(bytes(201)), packed=2)
    with pytest.raises(ValueError, match="it unpacks to more than 100 times its size"):
        [longer.read(150) for _ in range(2)]
    assert Bounded(io.BytesIO(bytes(10)), packed=0).read(10)


def test_what_strangers_say_takes_one_line_and_does_nothing_to_a_terminal() -> None:
    assert printable("a\nb\t\x1b[31mc\x07") == "a b ?[31mc?"
    assert len(printable("long " * 10**6)) == files.SHOWN + 1
    assert said(ValueError("x\ny")) == "x y" and said(MemoryError()) == "MemoryError"


@pytest.mark.parametrize("named", [named_root, named_file])
def test_the_home_folder_of_nobody_is_no_root(named: Callable[[str, str], Path]) -> None:
    with pytest.raises(FileNotFoundError, match="~nobody_of_this_name/data lies in the home folder of nobody"):
        named("~nobody_of_this_name/data", "name another")
