"""Files from unknown hands."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_lightning.data import files
from gan_lightning.data.files import Packed, Unpacked, open_data, printable, read_data, said
from gan_lightning.data.roots import named_file, named_root


def test_a_file_of_data_may_be_a_link_and_is_refused_where_it_is_larger_than_any(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1001))
    (tmp_path / "link").symlink_to("file")
    assert len(read_data(tmp_path / "link", largest=1001)) == 1001
    with open_data(tmp_path / "link") as file:
        assert len(file.read()) == 1001
    with pytest.raises(ValueError, match=r"link has 1,001 bytes: no file of its kind has more than 1,000$"):
        read_data(tmp_path / "link", largest=1000)


def unpacked(size: int, packed: int) -> Unpacked:
    """A stream that comes out of so many packed bytes, all of which have been taken."""
    source = Packed(io.BytesIO(bytes(packed)))
    source.read()
    return Unpacked(io.BytesIO(bytes(size)), source)


def test_a_stream_ends_in_an_error_where_it_is_more_than_its_packed_bytes_stand_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "MOST_ANYWAY", 10)
    whole = unpacked(200, packed=2)
    assert [len(whole.read(150)) for _ in range(3)] == [150, 50, 0]
    longer = unpacked(201, packed=2)
    with pytest.raises(ValueError, match="it unpacks to more than 100 times its size"):
        [longer.read(150) for _ in range(2)]
    assert unpacked(10, packed=0).read(10)


def test_bytes_that_a_file_announces_and_nobody_has_read_stand_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ANYWAY", 10)
    source = Packed(io.BytesIO(bytes(1000)))
    source.read(1)
    with pytest.raises(ValueError, match="it unpacks to more than 100 times its size"):
        Unpacked(io.BytesIO(bytes(101)), source).read(101)


def test_a_stream_may_be_bounded_by_who_reads_it() -> None:
    stream = unpacked(200, packed=2)
    stream.most = 150
    assert len(stream.read(150)) == 150
    with pytest.raises(ValueError, match="it unpacks to more than the 150 bytes that it may have here"):
        stream.read(1)


def test_packed_bytes_that_unpack_to_next_to_nothing_are_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_FOR_NOTHING", 10)
    source = Packed(io.BytesIO(bytes(100)))
    stream = Unpacked(io.BytesIO(bytes(10)), source)
    assert len(source.read(20)) == 20 and len(stream.read(10)) == 10 and len(source.read(20)) == 20
    with pytest.raises(ValueError, match="41 bytes of it unpack to 10"):
        source.read(1)


def test_what_strangers_say_takes_one_line_and_does_nothing_to_a_terminal() -> None:
    assert printable("a\nb\t\x1b[31mc\x07") == "a b ?[31mc?"
    assert len(printable("long " * 10**6)) == files.SHOWN + 1
    assert said(ValueError("x\ny")) == "x y" and said(MemoryError()) == "MemoryError"


@pytest.mark.parametrize("named", [named_root, named_file])
def test_the_home_folder_of_nobody_is_no_root(named: Callable[[str, str], Path]) -> None:
    with pytest.raises(FileNotFoundError, match="~nobody_of_this_name/data lies in the home folder of nobody"):
        named("~nobody_of_this_name/data", "name another")
