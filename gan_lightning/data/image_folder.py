"""Any folder of pictures."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from gan_lightning.data.base import Split
from gan_lightning.data.cache import cached_splits, listing
from gan_lightning.data.images import ImageData
from gan_lightning.data.pictures import (
    SUFFIXES,
    centre_square,
    decode,
    find_pictures,
    hold_out,
    open_picture,
    picture_blocks,
)
from gan_lightning.data.roots import named_root
from gan_lightning.ranges import Share


@dataclass(kw_only=True, eq=False, repr=False)
class ImageFolder(ImageData):
    """All pictures under a folder, cut to centred squares, resized, and cached; without labels.

    Args:
        root: the folder; sub-folders are read too.
        name: what the user calls these pictures.
        held_out: share of the pictures that is not trained on, the same ones in every run.

    Raises:
        ValueError: if ``held_out`` is out of range.
    """

    root: str | None = None
    name: str | None = None
    held_out: Share = 0.1

    def load(self) -> tuple[Split, Split]:
        if not self.root:
            raise ValueError("data=image_folder needs data.root=DIR, a folder of pictures")
        root = named_root(self.root, "name a folder of pictures")
        files = find_pictures(root)
        if not files:
            raise FileNotFoundError(f"data.root={self.root} holds no pictures ({', '.join(SUFFIXES)})")
        self.title = f"{self.name or 'image_folder'}, {len(files)} pictures"
        train, held_out = hold_out(files, self.held_out)
        description = {
            "set": "image_folder",
            "root": str(root.resolve()),
            "pictures": [len(train), len(held_out)],
            "files": listing(files),
        }
        read = partial(decode, picture=self._picture)
        return cached_splits(
            description,
            lambda: (picture_blocks(train, read), picture_blocks(held_out, read)),
            row_shape=self.image_shape,
        )

    def _picture(self, path: Path) -> Image.Image:
        channels, resolution, _ = self.image_shape
        return centre_square(open_picture(path, channels), resolution)
