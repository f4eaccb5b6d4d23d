"""The classifiers in the package: their weights, what they were trained on, and how well they read."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gan_lightning.data.base import Split
from gan_lightning.data.digits import Digits
from gan_lightning.data.mnist import MNIST
from gan_lightning.metrics import train_classifier
from gan_lightning.metrics.classifier import CLASSIFIERS, Classifier, shipped_weights
from gan_lightning.metrics.image_scorer import ImageScorer
from gan_lightning.metrics.train_classifier import read_rightly, train

NAMES = sorted(CLASSIFIERS)


def loaded(name: str) -> Classifier:
    classifier = CLASSIFIERS[name]()
    classifier.load_state_dict(load_file(shipped_weights(name)))
    return classifier


def digits_split(size: int = 8) -> tuple[Split, Split]:
    """Digits trained on and held out."""
    return Digits(image_shape=(1, size, size), batch_size=1, n_critic=1, seed=0).splits


def pictures(size: int) -> torch.Tensor:
    return torch.randint(0, 256, (3, 1, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


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
    held_out = train_classifier.RECIPES["mnist_classifier"].data().splits[1]
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
    recipe = train_classifier.Recipe(data=lambda: data, epochs=1, batch_size=60, learning_rate=1e-3)
    monkeypatch.setitem(train_classifier.RECIPES, "digits_classifier", recipe)
    with_spoilt = train("digits_classifier")
    data.splits = Split(images[:60], labels[:60]), held_out
    again = train("digits_classifier")
    assert all(torch.equal(again[name], weights) for name, weights in with_spoilt.items())


@pytest.mark.parametrize("name", NAMES)
def test_weights_in_the_package_are_small_and_in_half_precision(name: str) -> None:
    assert shipped_weights(name).stat().st_size < 600_000
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
    assert (features.shape, logits.shape) == ((3, 64), (3, 10))


def test_training_leaves_random_state_as_found(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = pictures(8), torch.arange(3)
    data = Digits(image_shape=(1, 8, 8), batch_size=1, n_critic=1, seed=0)
    data.splits = Split(images, labels), Split(images, labels)
    recipe = train_classifier.Recipe(data=lambda: data, epochs=1, batch_size=2, learning_rate=1e-3)
    monkeypatch.setitem(train_classifier.RECIPES, "digits_classifier", recipe)
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
    monkeypatch.setattr(train_classifier, "train", lambda name: load_file(shipped_weights(name)))
    monkeypatch.setattr(sys, "argv", ["train_classifier", "digits_classifier"])
    train_classifier.main()
    assert "reads 291 of 297 held-out images rightly" in capsys.readouterr().out
    assert load_file(tmp_path / "digits_classifier.safetensors").keys()


def test_scoring_trains_nothing() -> None:
    package = Path(train_classifier.__file__).parents[1]
    importing = [path.name for path in package.rglob("*.py") if "metrics.train_classifier import" in path.read_text()]
    assert importing == []
