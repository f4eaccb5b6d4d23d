"""What is shown of a generator."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.functional import pil_to_tensor

from gan_lightning.callbacks import pictures
from gan_lightning.callbacks.pictures import Pictures, send_picture, shown_samples
from gan_lightning.data.digits import Digits
from gan_lightning.data.images import sample_grid, save_grid
from gan_lightning.images import to_uint8
from gan_lightning.sampling import Sampler


def flat_images() -> Tensor:
    """A hundred 16x16 images of one shade each, 0 to 99."""
    return torch.arange(100, dtype=torch.uint8).reshape(100, 1, 1, 1).expand(100, 1, 16, 16)


def test_grid_holds_a_hundred_images_row_by_row_three_times_enlarged() -> None:
    grid = sample_grid(flat_images())
    assert grid.shape == (3, 10 * 51 + 3, 10 * 51 + 3) and grid.dtype == torch.uint8
    centres = grid[0, 27::51, 27::51].flatten()
    assert centres.tolist() == list(range(100))


class Shaded(nn.Module):
    def forward(self, latents: Tensor) -> Tensor:
        return latents[:, :1, None, None].tanh().expand(-1, 1, 16, 16)


def test_the_grid_shown_is_of_the_module_s_sampler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "draw_curves", lambda directory: None)
    sampler = Sampler(Shaded(), latent_dim=2, device=torch.device("cpu"))
    trainer: Any = SimpleNamespace(global_step=7, max_steps=7, is_global_zero=True, loggers=[])
    module: Any = SimpleNamespace(sampler=sampler, seed=5)
    directory: Any = SimpleNamespace(samples=tmp_path)
    data = Digits(image_shape=(1, 16, 16), batch_size=8, n_critic=1, seed=0)
    Pictures(data, directory=directory, every=100).on_train_batch_end(trainer, module)
    shown = pil_to_tensor(Image.open(tmp_path / "000007.png"))
    assert torch.equal(shown, sample_grid(to_uint8(sampler.samples(100, seed=5, purpose="samples"))))


class Painted(nn.Module):
    """Each class has a shade of its own, whatever the latent."""

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        return flat_images()[labels]


def test_classes_of_a_conditional_generator_are_columns_of_the_grid() -> None:
    sampler = Sampler(Painted(), latent_dim=2, device=torch.device("cpu"), classes=10)
    shades = sample_grid(shown_samples(sampler, 100, seed=5))[0, 27::51, 27::51]
    assert torch.equal(shades, torch.arange(10, dtype=torch.uint8).expand(10, 10))


def test_a_dashboard_is_sent_the_picture_that_was_written(tmp_path: Path) -> None:
    save_grid(sample_grid(flat_images()), tmp_path / "000007.png")
    logger = TensorBoardLogger(tmp_path)
    sent: list[Any] = []
    logger.experiment.add_image = lambda *arguments, **_: sent.append(arguments)
    send_picture(logger, tmp_path / "000007.png", step=7)
    ((name, picture, step),) = sent
    assert (name, step) == ("samples", 7)
    assert torch.equal(torch.tensor(picture).permute(2, 0, 1), sample_grid(flat_images()))
