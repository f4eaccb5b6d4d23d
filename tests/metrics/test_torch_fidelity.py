"""Our numbers against those that torch-fidelity computes by itself from the same pictures, saved as PNG files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from real_digits import real_digits
from torch import Tensor, nn

from benchmarks.scores import made_up_weights
from gan_lightning import sampling
from gan_lightning.images import to_uint8
from gan_lightning.metrics.image_scorer import ImageScorer
from gan_lightning.randomness import seeded_generator
from gan_lightning.sampling import Sampler

CPU = torch.device("cpu")


def save_pictures(images: Tensor, folder: Path) -> str:
    folder.mkdir()
    for index, image in enumerate(images):
        pixels = image.permute(1, 2, 0).squeeze(-1).numpy()
        Image.fromarray(pixels).save(folder / f"{index:05}.png")
    return str(folder)


def by_torch_fidelity(samples: str, reference: str, **settings: Any) -> list[float]:
    """Inception score with its deviation, and KID; FID if asked for."""
    from torch_fidelity import calculate_metrics

    metrics = calculate_metrics(
        input1=samples,
        input2=reference,
        isc=True,
        kid=True,
        samples_shuffle=False,
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
        **settings,
    )
    names = ["inception_score_mean", "inception_score_std", "frechet_inception_distance"]
    return [metrics[name] for name in [*names, "kernel_inception_distance_mean"] if name in metrics]


def drawn(generator: nn.Module, *, blocks: int, block_size: int) -> Tensor:
    """The samples that a scorer with seed 3 draws, drawn here again."""
    with torch.no_grad():
        latents = [
            torch.randn(block_size, 4, generator=seeded_generator(3, "evaluation latents", block))
            for block in range(blocks)
        ]
        return torch.cat([to_uint8(generator(latent)) for latent in latents])


def test_digits_scores_are_torch_fidelity_s_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Linear(4, 144), nn.BatchNorm1d(144, track_running_stats=False), nn.Tanh(), nn.Unflatten(1, (1, 12, 12))
    )
    reference = real_digits()[:250]
    scorer = ImageScorer(
        extractor="digits_classifier", prefix="digits", scores=["isc", "fid", "kid"], samples=300, splits=5, seed=3
    )
    ours = scorer.score(Sampler(generator, latent_dim=4, device=CPU).followed_by(to_uint8), reference.split(100))
    theirs = by_torch_fidelity(
        save_pictures(drawn(generator, blocks=3, block_size=100), tmp_path / "samples"),
        save_pictures(reference, tmp_path / "reference"),
        fid=True,
        feature_extractor="digits_classifier",
        isc_splits=5,
        kid_subset_size=250,
        batch_size=100,
    )
    assert list(ours) == ["digits_score", "digits_score_std", "digits_fid", "digits_kid"]
    assert list(ours.values()) == pytest.approx(theirs, rel=1e-6)
    assert ours["digits_score"] > 1.05


@pytest.fixture(scope="module")
def inception_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file as torch-fidelity reads it: random weights, large enough that scores differ between images."""
    return made_up_weights(tmp_path_factory.mktemp("inception"))


@pytest.fixture
def blocks_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inception takes its time."""
    monkeypatch.setattr(sampling, "BLOCK", 3)


def inception_scorer(weights: Path | None, *, scores: list[str], samples: int = 100) -> ImageScorer:
    return ImageScorer(
        extractor="inception-v3-compat",
        prefix="inception",
        scores=scores,
        samples=samples,
        splits=2,
        seed=3,
        weights=None if weights is None else str(weights),
    )


@pytest.mark.usefixtures("blocks_of_three")
def test_inception_scores_are_torch_fidelity_s_own(tmp_path: Path, inception_weights: Path) -> None:
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(4, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))
    reference = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    scorer = inception_scorer(inception_weights, scores=["isc", "kid"], samples=6)
    ours = scorer.score(Sampler(generator, latent_dim=4, device=CPU).followed_by(to_uint8), reference.split(3))
    theirs = by_torch_fidelity(
        save_pictures(drawn(generator, blocks=2, block_size=3), tmp_path / "samples"),
        save_pictures(reference, tmp_path / "reference"),
        feature_extractor_weights_path=str(inception_weights),
        isc_splits=2,
        kid_subset_size=5,
        batch_size=3,
    )
    assert list(ours) == ["inception_score", "inception_score_std", "kid"]
    assert list(ours.values()) == pytest.approx(theirs, rel=1e-6)
    assert ours["inception_score"] > 1.01  # above the floor of 1: the samples do differ
    assert ours["kid"] > 0.01
    assert scorer.protocol()["layers"] == {"isc": "logits_unbiased", "kid": "2048"}


@pytest.mark.slow
@pytest.mark.usefixtures("blocks_of_three")
def test_fid_of_inception_features_is_torch_fidelity_s_own(tmp_path: Path, inception_weights: Path) -> None:
    generator = nn.Sequential(nn.Linear(4, 192), nn.Tanh(), nn.Unflatten(1, (3, 8, 8)))
    reference = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8)
    scorer = inception_scorer(inception_weights, scores=["isc", "fid", "kid"], samples=6)
    ours = scorer.score(Sampler(generator, latent_dim=4, device=CPU).followed_by(to_uint8), reference.split(3))
    theirs = by_torch_fidelity(
        save_pictures(drawn(generator, blocks=2, block_size=3), tmp_path / "samples"),
        save_pictures(reference, tmp_path / "reference"),
        fid=True,
        feature_extractor_weights_path=str(inception_weights),
        isc_splits=2,
        kid_subset_size=5,
        batch_size=3,
    )
    assert list(ours.values()) == pytest.approx(theirs, rel=1e-4)


def one_line(error: pytest.ExceptionInfo[Exception]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def test_missing_inception_weights_are_reported_in_one_line_with_both_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(FileNotFoundError) as error:
        inception_scorer(None, scores=["isc"]).prepare()
    message = one_line(error)
    assert "connect to the internet" in message
    assert "metrics.weights=FILE" in message
    assert str(tmp_path) in message


def test_inception_weights_are_downloaded_once_with_their_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inception_weights: Path
) -> None:
    calls: list[str] = []

    def download(url: str, path: str, *, hash_prefix: str, progress: bool) -> None:
        calls.append(hash_prefix)
        Path(path).symlink_to(inception_weights)

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    for _ in range(2):
        inception_scorer(None, scores=["isc"]).prepare()
    assert calls == ["6726825d"]


def test_weights_file_that_does_not_exist_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        inception_scorer(tmp_path / "absent.pth", scores=["isc"]).prepare()
    assert one_line(error) == f"metrics.weights={tmp_path}/absent.pth: no such file"


def truncate(path: Path, whole: Path) -> None:
    path.write_bytes(whole.read_bytes()[:100_000])


def write_text(path: Path, whole: Path) -> None:
    path.write_text("not a weights file")


def save_another_model(path: Path, whole: Path) -> None:
    torch.save(nn.Linear(2, 2).state_dict(), path)


@pytest.mark.parametrize("damage", [truncate, write_text, save_another_model])
def test_weights_file_of_another_kind_is_reported_in_one_line(
    tmp_path: Path, inception_weights: Path, damage: Callable[[Path, Path], None]
) -> None:
    damage(tmp_path / "file.pth", inception_weights)
    with pytest.raises(ValueError, match="does not hold the weights of inception-v3-compat") as error:
        inception_scorer(tmp_path / "file.pth", scores=["isc"]).prepare()
    assert f"metrics.weights: {tmp_path}/file.pth" in one_line(error)
