"""Published files: found, verified, downloaded, or missed in one line."""

import hashlib
import socket
from pathlib import Path
from urllib.error import URLError

import pytest

from gan_lightning.data.published import Published

CONTENT = {"one": b"1", "two": b"22"}


def write(root: Path) -> None:
    folder = root / "set" / "raw"
    folder.mkdir(parents=True)
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)


def published(download=None) -> Published:
    def offline(root: Path) -> None:
        (root / "half").touch()
        raise URLError("[Errno -2] Name or service\nnot known")

    sums = {name: hashlib.md5(content, usedforsecurity=False).hexdigest() for name, content in CONTENT.items()}
    return Published(name="Set", folder="set/raw", checksums=sums, download=download or offline)


def test_files_in_a_named_root_are_found_and_verified(tmp_path: Path) -> None:
    write(tmp_path / "mine")
    assert published().locate(str(tmp_path / "mine"), verify=True) == tmp_path / "mine" / "set" / "raw"


def test_other_checksums_are_accepted_only_when_told(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "set" / "raw" / "two").write_bytes(b"other")
    with pytest.raises(ValueError, match=r"raw/two is not the published file of Set .*data.verify=false"):
        published().locate(str(tmp_path), verify=True)
    assert published().locate(str(tmp_path), verify=False)


@pytest.mark.parametrize("verify", [True, False])
def test_a_missing_file_is_named(verify: bool, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "set" / "raw" / "one").unlink()
    with pytest.raises(FileNotFoundError, match=r"raw/one is missing: Set is one, two"):
        published().locate(str(tmp_path), verify=verify)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "data.root=.*nowhere is not an existing folder: name a folder that holds set/raw/"),
        ("empty", "data.root=.*empty is an empty folder"),
        ("other", "data.root=.*other does not hold set/raw/ with one, two"),
    ],
)
def test_a_named_root_is_neither_made_nor_downloaded_into(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "thing").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=message):
        published(write).locate(str(tmp_path / name), verify=True)
    assert not (tmp_path / "nowhere").exists() and not list((tmp_path / "empty").iterdir())


def test_without_a_root_the_set_is_downloaded_once_to_the_default_folder() -> None:
    calls: list[Path] = []

    def download(root: Path) -> None:
        calls.append(root)
        write(root)

    for _ in range(2):
        assert published(download).locate(None, verify=True) == Path("data/set/raw")
    assert len(calls) == 1
    assert [path.name for path in Path("data").iterdir()] == ["set"]


def test_the_environment_names_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_LIGHTNING_DATA", str(tmp_path / "sets"))
    assert published(write).locate(None, verify=True) == tmp_path / "sets" / "set" / "raw"


def test_without_internet_one_line_names_both_remedies_and_nothing_is_left() -> None:
    with pytest.raises(FileNotFoundError, match=r"Set is not in data/set/raw") as caught:
        published().locate(None, verify=True)
    message = str(caught.value)
    assert "internet access" in message and "data.root=DIR" in message and "\n" not in message
    assert not Path("data").exists()


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_lightning.data.published.PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def ask(root: Path) -> None:
            with socket.create_connection(silent.getsockname()) as connection:
                connection.recv(1)

        with pytest.raises(FileNotFoundError, match=r"cannot be downloaded .timed out."):
            published(ask).locate(None, verify=True)
    assert socket.getdefaulttimeout() is None
