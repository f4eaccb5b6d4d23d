"""The folders of plain files are found in a checkout and in an installed package."""

from pathlib import Path

import pytest

from gan_lightning import resources
from gan_lightning.resources import project_folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "gan_lightning"
    package.mkdir()
    monkeypatch.setattr(resources, "PACKAGE", package)
    return package


def test_checkout_keeps_its_folders_beside_the_package(package: Path) -> None:
    (package.parent / "sweeps").mkdir()
    assert project_folder("sweeps") == package.parent / "sweeps"


def test_installed_package_prefers_its_own_folder(package: Path) -> None:
    (package.parent / "conf").mkdir()
    (package / "conf").mkdir()
    assert project_folder("conf") == package / "conf"


def test_missing_folder_is_one_line(package: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^no folder 'conf': looked for .*gan_lightning/conf and .*/conf;.*$"):
        project_folder("conf")
