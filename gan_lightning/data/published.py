"""Published sets: found where the user has them, downloaded where there is internet."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from filelock import FileLock
from torchvision.datasets.utils import check_integrity

from gan_lightning.data.cache import cache_folder
from gan_lightning.data.files import MOST_BYTES
from gan_lightning.data.roots import named_root
from gan_lightning.plain_files import require_size

PATIENCE = 10.0
"""Seconds that a server may keep a download waiting."""


@dataclass(frozen=True)
class Published:
    """A set of files that the world knows.

    Args:
        name: for messages.
        folder: where the files lie under a root, as torchvision lays them out.
        checksums: MD5 by file name.
        download: makes ``folder`` under a root that it is given.
    """

    name: str
    folder: str
    checksums: Mapping[str, str]
    download: Callable[[Path], object]

    def locate(self, root: str | None, *, verify: bool) -> Path:
        """The folder of the files, each there and, with ``verify``, the one the world knows.

        Args:
            root: the user's folder, which is only read. ``None``: ``$GAN_LIGHTNING_DATA``, else ``data`` in the
                working directory, where the set is downloaded if it is not there.
            verify: compare checksums.

        Raises:
            FileNotFoundError: if the set or one of its files is missing and cannot be downloaded.
            ValueError: if a checksum differs, or a file is larger than any published one.
        """
        if root:
            folder = named_root(root, f"name a folder that holds {self.folder}/") / self.folder
            if not folder.is_dir():
                raise FileNotFoundError(f"data.root={root} does not hold {self.folder}/ with {self._files()}")
        else:
            folder = self._downloaded(Path(os.environ.get("GAN_LIGHTNING_DATA") or "data"))
        for name, checksum in self.checksums.items():
            if not (folder / name).is_file():
                raise FileNotFoundError(f"{folder / name} is missing: {self.name} is {self._files()}")
            require_size(folder / name, (folder / name).stat().st_size, MOST_BYTES)
            if verify and not check_integrity(folder / name, checksum):
                raise ValueError(
                    f"{folder / name} is not the published file of {self.name} (its checksum differs): "
                    "replace it, or accept it with data.verify=false"
                )
        return folder

    def _files(self) -> str:
        return ", ".join(self.checksums)

    def _downloaded(self, root: Path) -> Path:
        folder = root / self.folder
        if folder.is_dir():
            return folder
        lock = cache_folder() / f"{self.name}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):  # another process of the sweep may be downloading
            if not folder.is_dir():
                self._download_whole(root)
        return folder

    def _download_whole(self, root: Path) -> None:
        """Download beside the destination and rename, so that what is there is whole."""
        part = root / f"{self.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            with _impatient_sockets():
                self.download(part)
            (root / self.folder).parent.mkdir(parents=True, exist_ok=True)
            os.replace(part / self.folder, root / self.folder)
        except (OSError, RuntimeError, HTTPException) as error:
            reason = " ".join(str(error).split())
            raise FileNotFoundError(
                f"{self.name} is not in {root / self.folder} and cannot be downloaded ({reason}): "
                f"run once with internet access, or name a folder that holds {self.folder}/ by data.root=DIR"
            ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
            with suppress(OSError):
                root.rmdir()  # only if it is empty


@contextmanager
def _impatient_sockets() -> Iterator[None]:
    previous = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(previous)
