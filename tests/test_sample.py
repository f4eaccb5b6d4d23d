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
from gan_lightning.data.base import Split
from gan_lightning.nearest import features_by, nearest
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
        (["--nearest", "2", "--seeds", "1"], "--seeds beside --nearest is not possible"),
        (["--truncation", "0.5", "--interpolate"], "--truncation beside --interpolate is not possible"),
        (["--truncation", "0"], "--truncation 0.0 is not possible: a number above 0 is needed"),
        (["--truncation", "nan"], "--truncation nan is not possible"),
        (["--seeds", "5-3"], "--seeds 5-3 is not possible: a number, or two of them such as 0-9"),
        (["--seeds", "a"], "--seeds a is not possible"),
        (["--seeds", "0-99999999"], "--seeds 0-99999999 is not possible: no more than 10,000"),
        (["--animate", "film.avi"], "allowed: a name that ends in .gif or .mp4"),
        (["--animate", "film.gif"], "no pictures of training"),
    ],
)
def test_what_cannot_be_sampled_is_said_before_anything_is_loaded(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sample", "nowhere", *arguments])
    with pytest.raises(SystemExit) as end:
        sample.main()
    assert end.value.code == 2 and said in capsys.readouterr().err


def test_truncated_latents_are_those_of_the_cut_normal_distribution() -> None:
    sampler = Sampler(nn.Identity(), latent_dim=1000, device=torch.device("cpu"))
    whole, cut = (each.latents(0, seed=0, purpose="samples") for each in (sampler, sampler.truncated(1.0)))
    assert cut.abs().max() <= 1
    assert cut.std().item() == pytest.approx(0.5397, abs=0.003)  # of a normal distribution cut off at one sigma
    assert (cut.flatten()[whole.flatten().argsort()].diff() >= 0).all()
    torch.testing.assert_close(sampler.truncated(50.0).latents(0, seed=0, purpose="samples"), whole)
    assert sampler.truncated(1.0).followed_by(torch.neg).truncation == 1.0


def test_a_seeds_image_is_the_first_that_it_makes(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    assert train(*TINY, "generator_steps=2", "hydra.run.dir=run").code == 0
    for arguments in (["--seeds", "3-4", "--output", "seeds"], ["--images", "1", "--seed", "4", "--output", "images"]):
        monkeypatch.setattr(sys, "argv", ["sample", "run", *arguments])
        sample.main()
    assert sorted(path.name for path in (train.folder / "seeds").iterdir()) == ["seed3.png", "seed4.png"]
    of_images = picture(train.folder / "images" / "000000.png")
    assert torch.equal(picture(train.folder / "seeds" / "seed4.png"), of_images)
    assert not torch.equal(picture(train.folder / "seeds" / "seed3.png"), of_images)


def test_an_animation_has_a_frame_for_each_picture_that_training_kept(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(*TINY, "generator_steps=6", "every.pictures=2", "hydra.run.dir=run").code == 0
    (train.folder / "run" / "samples" / "grid-last-seed0.png").write_bytes(b"no picture of training")
    monkeypatch.setattr(sys, "argv", ["sample", "run", "--animate", "film.gif"])
    sample.main()
    with Image.open(train.folder / "film.gif") as film:
        assert (film.n_frames, film.info["loop"]) == (3, 0)
        film.seek(2)
        last = pil_to_tensor(film.convert("RGB"))
    kept = picture(train.folder / "run" / "samples" / "000006.png")
    assert (last[:, 16 : 16 + kept.shape[1], : kept.shape[2]].int() - kept.int()).abs().float().mean() < 8


def test_nearest_finds_the_image_itself_and_tells_how_near_held_out_ones_are(
    train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    training = Split(
        torch.randint(0, 255, (1203, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    )
    features, words = features_by(None)
    found = nearest(training.rows(torch.tensor([7, 1202]))[0], training, count=3, features=features)
    assert words == "pixels in [0, 1]" and found.places[:, 0].tolist() == [7, 1202]
    assert found.distances[:, 0].tolist() == [0, 0] and (found.distances.diff(dim=1) >= 0).all()
    flat = training.rows(torch.arange(1203))[0].flatten(1).double() / 255
    assert found.places[0].tolist() == torch.cdist(flat[7:8], flat)[0].argsort()[:3].tolist()
    digits = ("metrics=digits_classifier", "metrics.samples=100", "metrics.splits=2")
    assert train(*TINY, *digits, "generator_steps=2", "hydra.run.dir=run").code == 0
    monkeypatch.setattr(sys, "argv", ["sample", "run", "--nearest", "4", "--output", "near.png"])
    sample.main()
    assert picture(train.folder / "near.png").shape[0] == 4
    assert "nearest by features of digits_classifier: samples " in capsys.readouterr().err
