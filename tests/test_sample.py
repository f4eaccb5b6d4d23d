"""``python -m gan_lightning.sample``."""

import sys
from pathlib import Path

import pytest
import torch
from commands import TINY, Train
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.functional import pil_to_tensor

from gan_lightning import sample
from gan_lightning.sample import interpolations
from gan_lightning.sampling import Sampler


class Labelled(nn.Module):
    """Latents, and the label where there is one."""

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        return latents if labels is None else torch.cat([latents, labels[:, None]], 1)


def rows(classes: int | None = None) -> tuple[Tensor, Tensor]:
    """Rows of interpolations ``(10, 10, *)``, and the latents that they are between."""
    sampler = Sampler(Labelled(), latent_dim=50, device=torch.device("cpu"), classes=classes)
    samples = interpolations(sampler, 10, seed=1, purpose="samples")
    return samples.unflatten(0, (10, 10)), sampler.latents(0, seed=1, purpose="samples")


def test_each_row_goes_from_one_latent_to_another_on_a_quarter_circle() -> None:
    between, latents = rows()
    torch.testing.assert_close(between[:, 0], latents[:10])
    torch.testing.assert_close(between[:, -1], latents[-10:])
    torch.testing.assert_close(between[:, 3], latents[:10] * 0.75**0.5 + latents[-10:] * 0.5)  # 30 degrees


def test_all_of_a_row_have_one_label() -> None:
    between, _ = rows(classes=4)
    assert torch.equal(between[..., -1], (torch.arange(10) % 4)[:, None].expand(10, 10).float())


def picture(path: Path) -> Tensor:
    return pil_to_tensor(Image.open(path))


def test_grid_and_images_are_those_that_training_showed(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    assert train(*TINY, "generator_steps=2", "seed=3", "hydra.run.dir=run").code == 0

    def sampled(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["sample", "run", "--seed", "3", *arguments])
        sample.main()

    sampled("--output", "grid.png")
    sampled("--images", "130", "--output", "images")
    sampled("--interpolate", "--output", "interpolation.png")
    grid = picture(train.folder / "grid.png")
    assert torch.equal(grid, picture(train.folder / "run" / "samples" / "000002.png"))
    assert picture(train.folder / "interpolation.png").shape == grid.shape
    images = sorted((train.folder / "images").iterdir())
    assert [path.name for path in images] == [f"{number:06d}.png" for number in range(130)]
    for number in (0, 9, 10, 99):
        top, left = (3 + 51 * place for place in divmod(number, 10))
        assert torch.equal(picture(images[number])[0], grid[0, top : top + 48 : 3, left : left + 48 : 3])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "-1"], "--seed=-1 is not possible: a whole number of at least 0 is needed"),
        (["--seed", str(2**63)], f"--seed={2**63} is not possible: no number here is as large"),
        (["--output", "/"], "--output=/ is not possible: the name of a file is needed"),
        (["--images", "2", "--interpolate"], "--images beside --interpolate is not possible"),
    ],
)
def test_what_cannot_be_sampled_is_said_before_anything_is_loaded(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sample", "nowhere", *arguments])
    with pytest.raises(SystemExit) as end:
        sample.main()
    assert end.value.code == 2 and said in capsys.readouterr().err
