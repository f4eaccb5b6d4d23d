"""The classifiers in the package: their weights, what they were trained on, and how well they read."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gan_lightning.data.base import Split
from gan_lightning.data.digits import Digits
from gan_lightning.data.images import ImageData
from gan_lightning.data.mnist import MNIST
from gan_lightning.metrics import train_classifier
from gan_lightning.metrics.classifier import CLASSIFIERS, Classifier, ResidualClassifier, shipped_weights
from gan_lightning.metrics.features import load_extractor
from gan_lightning.metrics.image_scorer import ImageScorer
from gan_lightning.metrics.train_classifier import Recipe, read_rightly, shifted_and_mirrored, train

NAMES = sorted(CLASSIFIERS)


def loaded(name: str) -> Classifier:
    classifier = CLASSIFIERS[name]()
    classifier.load_state_dict(load_file(shipped_weights(name)))
    return classifier.eval()


def digits_split(size: int = 8) -> tuple[Split, Split]:
    """Digits trained on and held out."""
    return Digits(image_shape=(1, size, size), batch_size=1, n_critic=1, seed=0).splits


def pictures(size: int, *, channels: int = 1) -> torch.Tensor:
    seeded = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, channels, size, size), dtype=torch.uint8, generator=seeded)


def untrained(name: str) -> Classifier:
    torch.manual_seed(0)
    return CLASSIFIERS[name]()


def small(data: ImageData, **changes: Any) -> Recipe:
    """The recipe of the digits for another set."""
    recipe = train_classifier.RECIPES["digits_classifier"]
    return replace(recipe, data=lambda _verify: data, epochs=1, **changes)


def written(name: str) -> dict[str, str]:
    """What the file of the weights says of itself."""
    with safe_open(shipped_weights(name), "pt") as file:
        return file.metadata()


@pytest.mark.parametrize("name", NAMES)
def test_file_names_the_command_that_made_it(name: str) -> None:
    assert written(name)["made by"] == f"python -m gan_lightning.metrics.train_classifier {name}"


def test_digits_classifier_reads_as_many_held_out_digits_as_its_file_says() -> None:
    assert written("digits_classifier")["reads rightly"] == "291 of 297 held-out images"
    assert read_rightly(loaded("digits_classifier"), digits_split()[1]) == pytest.approx(291, abs=1)


@pytest.mark.parametrize("size", [28, 32])
def test_mnist_classifier_reads_as_many_test_images_as_its_file_says_with_and_without_their_border(
    unpacked: Callable[[str], Path], size: int
) -> None:
    mnist = MNIST(root=str(unpacked("mnist_idx")), image_shape=(1, size, size), batch_size=1, n_critic=1, seed=0)
    assert written("mnist_classifier")["reads rightly"] == "9922 of 10000 held-out images"
    assert read_rightly(loaded("mnist_classifier"), mnist.splits[1]) == pytest.approx(9922, abs=3)


def test_real_mnist_has_the_score_that_the_configuration_states(unpacked: Callable[[str], Path]) -> None:
    mnist = MNIST(root=str(unpacked("mnist_idx")), image_shape=(1, 28, 28), batch_size=1, n_critic=1, seed=0)
    stated = ImageScorer(extractor="mnist_classifier", prefix="mnist", scores=["isc"], samples=100, splits=10, seed=0)
    values = stated.score_images(train_classifier.everything(mnist.splits[1])[0].split(100))
    assert values["mnist_score"] == pytest.approx(9.21, abs=0.02)
    assert values["mnist_score_std"] == pytest.approx(0.16, abs=0.01)


def test_cifar10_classifier_reads_nine_of_ten_photographs(shared: Path) -> None:
    with ZipFile(shared / "data" / "cifar10_test_lossless.zip") as archive:
        sheet = Image.open(archive.open("cifar10_test_lossless/sheet_0.webp")).convert("RGB")  # 25 rows of 40 images
        labels = torch.tensor([int(line) for line in archive.read("cifar10_test_lossless/labels.txt").split()])
    images = torch.from_numpy(np.array(sheet)).view(25, 32, 40, 32, 3).permute(0, 2, 4, 1, 3).reshape(1000, 3, 32, 32)
    assert read_rightly(loaded("cifar10_classifier"), Split(images, labels[:1000])) == pytest.approx(914, abs=2)


def test_images_of_mnist_s_own_size_get_the_border_that_a_run_gives_them() -> None:
    classifier, images = loaded("mnist_classifier"), pictures(28)
    with torch.no_grad():
        own, padded = classifier(images), classifier(torch.nn.functional.pad(images, [2] * 4))
    assert all(map(torch.equal, own, padded))


@pytest.mark.slow
def test_training_mnist_anew_reads_as_well(unpacked: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_LIGHTNING_DATA", str(unpacked("mnist_idx")))
    classifier = CLASSIFIERS["mnist_classifier"]()
    classifier.load_state_dict(train("mnist_classifier"))
    held_out = train_classifier.RECIPES["mnist_classifier"].data(True).splits[1]
    assert read_rightly(classifier, held_out) >= 9900


@pytest.mark.parametrize("size", [16, 32])
def test_digits_classifier_reads_digits_it_never_saw_at_the_size_of_runs(size: int) -> None:
    assert read_rightly(loaded("digits_classifier"), digits_split(size)[1]) >= 0.97 * 297


def test_training_digits_anew_gives_the_weights_in_the_package() -> None:
    shipped, anew = load_file(shipped_weights("digits_classifier")), train("digits_classifier")
    differences = torch.cat([(anew[name].float() - shipped[name].float()).abs().flatten() for name in shipped])
    assert differences.mean() < 0.002  # 0 where sums are rounded alike; the weights themselves average 0.03
    classifier = CLASSIFIERS["digits_classifier"]()
    classifier.load_state_dict(anew)
    assert abs(read_rightly(classifier, digits_split()[1]) - 291) <= 2


def test_held_out_digits_are_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    (images, labels), held_out = train_classifier.everything(digits_split()[0]), digits_split()[1]
    data = Digits(image_shape=(1, 8, 8), batch_size=1, n_critic=1, seed=0)
    spoilt = Split(torch.zeros_like(train_classifier.everything(held_out)[0]), torch.zeros(297, dtype=torch.long))
    data.splits = Split(images[:60], labels[:60]), spoilt
    monkeypatch.setitem(train_classifier.RECIPES, "digits_classifier", small(data))
    with_spoilt = train("digits_classifier")
    data.splits = Split(images[:60], labels[:60]), held_out
    again = train("digits_classifier")
    assert all(torch.equal(again[name], weights) for name, weights in with_spoilt.items())


@pytest.mark.parametrize("name", NAMES)
def test_weights_in_the_package_are_small_and_in_half_precision(name: str) -> None:
    most = 900_000 if name == "cifar10_classifier" else 600_000
    assert shipped_weights(name).stat().st_size < most
    assert {weights.dtype for weights in load_file(shipped_weights(name)).values()} == {torch.float16}


@pytest.mark.parametrize("name", NAMES)
def test_grey_and_repeated_channels_have_the_same_features(name: str) -> None:
    classifier, images = loaded(name), pictures(28)
    with torch.no_grad():
        grey, rgb = classifier(images), classifier(images.expand(-1, 3, -1, -1))
    assert all(map(torch.equal, grey, rgb))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [8, 16, 28, 32, 64])
def test_every_size_has_features_and_logits(name: str, size: int) -> None:
    features, logits = loaded(name)(pictures(size))
    assert (features.shape, logits.shape) == ((3, 80 if name == "cifar10_classifier" else 64), (3, 10))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [28, 32, 48])
def test_residual_classifier_takes_every_size_in_grey_and_colour(size: int, channels: int) -> None:
    features, logits = untrained("cifar10_classifier").eval()(pictures(size, channels=channels))
    assert (features.shape, logits.shape) == ((3, 80), (3, 10))


def test_residual_classifier_has_the_twenty_layers_of_its_paper() -> None:
    modules = list(ResidualClassifier(size=32, width=16).modules())
    wide = [m for m in modules if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
    assert [m.out_channels for m in wide] == [16] * 7 + [32] * 6 + [64] * 6
    assert sum(m.weight.numel() for m in wide) == 432 + 6 * 2304 + 4608 + 5 * 9216 + 18432 + 5 * 36864
    assert sum(isinstance(m, torch.nn.Linear) for m in modules) == 1


@pytest.mark.parametrize("size", [28, 32])
def test_residual_classifier_sees_grey_as_its_copy_in_three_channels(size: int) -> None:
    classifier, images = untrained("cifar10_classifier").eval(), pictures(size)
    with torch.no_grad():
        grey, rgb = classifier(images), classifier(images.repeat(1, 3, 1, 1))
    assert all(map(torch.equal, grey, rgb))


def test_residual_classifier_sees_colours() -> None:
    classifier, images = untrained("cifar10_classifier").eval(), pictures(32, channels=3)
    with torch.no_grad():
        assert not torch.allclose(classifier(images)[0], classifier(images.flip(1))[0], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_features_of_an_image_depend_on_no_other_of_its_batch_where_scores_are_taken(name: str, tmp_path: Path) -> None:
    save_file(untrained(name).state_dict(), tmp_path / "own.safetensors")
    network = load_extractor(name, ["isc", "fid"], weights=str(tmp_path / "own.safetensors")).network
    images = pictures(32)
    for together, alone in zip(network(images), network(images[:1]), strict=True):
        assert torch.allclose(together[:1], alone, atol=1e-5)


def images_of_places() -> torch.Tensor:
    """60 images of 2 channels and 5x6 pixels; the first channel counts images from 1, the second pixels from 1."""
    places = torch.arange(1, 31, dtype=torch.uint8).view(1, 1, 5, 6).expand(60, -1, -1, -1)
    return torch.cat([torch.arange(1, 61, dtype=torch.uint8).view(-1, 1, 1, 1).expand_as(places), places], 1)


def test_augmented_images_are_crops_of_the_padded_ones_or_their_mirror_images() -> None:
    images = images_of_places()
    torch.manual_seed(0)
    augmented = shifted_and_mirrored(images)
    assert (augmented.shape, augmented.dtype) == (images.shape, torch.uint8)
    for image, own in zip(torch.nn.functional.pad(images, [4] * 4), augmented, strict=True):
        crops = [image[:, top : top + 5, left : left + 6] for top in range(9) for left in range(9)]
        assert any(torch.equal(own, crop) or torch.equal(own, crop.flip(-1)) for crop in crops)


def test_augmentation_draws_every_shift_and_both_mirror_images_for_each_image_apart() -> None:
    torch.manual_seed(0)
    image = torch.zeros(4000, 1, 9, 9, dtype=torch.uint8)
    image[:, :, 4, 4:6] = torch.tensor([1, 2], dtype=torch.uint8)  # never mapped to itself by a shift or a mirror
    rows = {tuple(row.flatten().tolist()) for row in shifted_and_mirrored(image)}
    assert len(rows) == 9 * (9 + 9)


def test_recipe_of_photographs_learns_two_colours_and_reads_them_from_half_precision(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    labels = torch.arange(20) % 2
    images = (pictures(32, channels=1)[:1].expand(20, 3, -1, -1) // 2).clone()
    images[labels == 0, 0] += 120
    images[labels == 1, 2] += 120
    data = Digits(image_shape=(3, 32, 32), batch_size=1, n_critic=1, seed=0)
    data.splits = Split(images, labels), Split(images, labels)
    recipe = replace(
        train_classifier.RECIPES["cifar10_classifier"],
        data=lambda _verify: data,
        epochs=12,
        batch_size=10,
        schedule=partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.05, cycle_momentum=False),
        gpu=False,
    )
    monkeypatch.setitem(train_classifier.RECIPES, "cifar10_classifier", recipe)
    save_file(train("cifar10_classifier"), tmp_path / "weights.safetensors")
    weights = load_file(tmp_path / "weights.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    classifier = CLASSIFIERS["cifar10_classifier"]()
    classifier.load_state_dict(weights)
    assert read_rightly(classifier, data.splits[1]) == 20
    with torch.no_grad():
        assert torch.nn.functional.cross_entropy(classifier(images)[1], labels) < 0.2  # ln 10 = 2.3 at first


def test_half_precision_keeps_the_residual_classifier_s_statistics() -> None:
    classifier = untrained("cifar10_classifier")
    classifier(pictures(32, channels=3))
    state = classifier.state_dict()
    again = CLASSIFIERS["cifar10_classifier"]()
    again.load_state_dict(train_classifier.kept(classifier))
    for name, value in again.state_dict().items():
        if value.is_floating_point():
            assert torch.equal(value, state[name].half().float())
    with torch.no_grad():
        before, after = (c.eval()(pictures(32))[1] for c in (classifier, again))
    assert torch.allclose(before, after, atol=0.02)


def test_training_leaves_random_state_as_found(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = pictures(8), torch.arange(3)
    data = Digits(image_shape=(1, 8, 8), batch_size=1, n_critic=1, seed=0)
    data.splits = Split(images, labels), Split(images, labels)
    monkeypatch.setitem(train_classifier.RECIPES, "digits_classifier", small(data, batch_size=2))
    state = torch.get_rng_state()
    train("digits_classifier")
    assert torch.equal(torch.get_rng_state(), state)


def scorer(weights: Path) -> ImageScorer:
    return ImageScorer(
        extractor="digits_classifier",
        prefix="digits",
        scores=["isc"],
        samples=200,
        splits=2,
        seed=0,
        weights=str(weights),
    )


def test_other_weights_of_the_classifier_may_be_named(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_file(CLASSIFIERS["digits_classifier"]().state_dict(), tmp_path / "own.safetensors")
    own = scorer(tmp_path / "own.safetensors")
    own.prepare()
    assert own.protocol()["weights_sha256"] != scorer(shipped_weights("digits_classifier")).protocol()["weights_sha256"]


class Trap:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return Path.touch, (self.path,)  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("content", ["truncated", "empty", "text", "another model", "pickled"])
def test_a_file_without_the_classifier_s_weights_is_refused_in_one_line_and_never_unpickled(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "file.safetensors"
    whole = shipped_weights("digits_classifier").read_bytes()
    if content == "another model":
        save_file(torch.nn.Linear(2, 2).state_dict(), path)
    elif content == "pickled":
        torch.save(Trap(tmp_path / "sprung"), path)
    else:
        path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"damaged"}[content])
    with pytest.raises(ValueError, match="does not hold the weights of digits_classifier") as error:
        scorer(path).prepare()
    assert "\n" not in str(error.value)
    assert not (tmp_path / "sprung").exists()


def test_command_writes_weights_and_says_how_well_they_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train_classifier, "shipped_weights", lambda name: tmp_path / f"{name}.safetensors")
    monkeypatch.setattr(train_classifier, "train", lambda name, verify: load_file(shipped_weights(name)))
    monkeypatch.setattr(sys, "argv", ["train_classifier", "digits_classifier"])
    train_classifier.main()
    assert "reads 291 of 297 held-out images rightly" in capsys.readouterr().out
    assert load_file(tmp_path / "digits_classifier.safetensors").keys()


def test_command_writes_where_it_is_told_and_passes_on_that_files_need_not_be_the_published_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    data = Digits(image_shape=(1, 8, 8), batch_size=1, n_critic=1, seed=0)
    data.splits = Split(pictures(8), torch.arange(3)), Split(pictures(8), torch.arange(3))
    recipe = replace(small(data), data=lambda verify: asked.append(verify) or data)
    monkeypatch.setitem(train_classifier.RECIPES, "digits_classifier", recipe)
    output = tmp_path / "own.safetensors"
    monkeypatch.setattr(sys, "argv", ["", "digits_classifier", "--unverified", "--output", str(output)])
    before = shipped_weights("digits_classifier").read_bytes()
    train_classifier.main()
    with safe_open(output, "pt") as file:
        assert file.metadata()["reads rightly"].endswith("of 3 held-out images")
    assert set(asked) == {False}
    assert shipped_weights("digits_classifier").read_bytes() == before


def test_scoring_trains_nothing() -> None:
    package = Path(train_classifier.__file__).parents[1]
    importing = [path.name for path in package.rglob("*.py") if "metrics.train_classifier import" in path.read_text()]
    assert importing == []
