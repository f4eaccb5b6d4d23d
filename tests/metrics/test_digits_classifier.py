from pathlib import Path

import pytest
import torch

from gan_lightning.metrics import digits_classifier
from gan_lightning.metrics.digits_classifier import DigitsClassifier, cached_weights, digits, train


@pytest.fixture(scope="module")
def classifier(own_cache_folder: Path) -> DigitsClassifier:
    classifier = DigitsClassifier()
    classifier.load_state_dict(torch.load(cached_weights(), weights_only=True))
    return classifier


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new cache folder, and a training of one epoch."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(digits_classifier, "EPOCHS", 1)
    return tmp_path / "gan_lightning" / digits_classifier.CACHE_FILE


def held_out() -> tuple[torch.Tensor, torch.Tensor]:
    images, labels, order = digits()
    chosen = order[-digits_classifier.HELD_OUT :]
    return images[chosen], labels[chosen]


@pytest.mark.parametrize("size", [8, 16, 32])
def test_classifier_reads_digits_it_never_saw_at_every_size(classifier: DigitsClassifier, size: int) -> None:
    images, labels = held_out()
    resized = torch.nn.functional.interpolate(images.float(), size=(size, size), mode="bilinear", antialias=True)
    with torch.no_grad():
        _, logits = classifier(resized.round().to(torch.uint8))
    assert (logits.argmax(1) == labels).float().mean() >= 0.97


def test_held_out_digits_are_apart_from_those_trained_on() -> None:
    _, labels, order = digits()
    assert sorted(order.tolist()) == list(range(len(labels)))


def test_grey_and_repeated_channels_have_the_same_features(classifier: DigitsClassifier) -> None:
    images, _ = held_out()
    with torch.no_grad():
        grey, rgb = classifier(images), classifier(images.expand(-1, 3, -1, -1))
    assert all(map(torch.equal, grey, rgb))


def test_training_gives_the_same_weights_whatever_the_state_of_the_process(classifier: DigitsClassifier) -> None:
    torch.manual_seed(123)
    with torch.inference_mode():
        again = train().state_dict()
    assert all(torch.equal(again[name], weights) for name, weights in classifier.state_dict().items())


def test_training_leaves_random_state_and_threads_as_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits_classifier, "EPOCHS", 1)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), state)


def test_second_call_trains_nothing(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cached_weights() == empty_cache
    monkeypatch.setattr(digits_classifier, "train", lambda: pytest.fail("trained again"))
    assert cached_weights() == empty_cache


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "another model", "no model"])
def test_damaged_cache_file_is_made_again(empty_cache: Path, damage: str) -> None:
    whole = cached_weights().read_bytes()
    if damage == "another model":
        torch.save(torch.nn.Linear(2, 2).state_dict(), empty_cache)
    elif damage == "no model":
        torch.save([1, 2], empty_cache)
    else:
        empty_cache.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"damaged"}[damage])
    assert cached_weights().read_bytes() == whole


def test_interrupted_write_leaves_no_cache_file(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(digits_classifier.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        cached_weights()
    assert not empty_cache.exists()


def test_cache_folder_that_cannot_be_made_is_reported_in_one_line(empty_cache: Path) -> None:
    empty_cache.parent.write_text("a file where the folder should be")
    with pytest.raises(ValueError, match="set XDG_CACHE_HOME") as error:
        cached_weights()
    assert "\n" not in str(error.value)


def test_cache_folder_is_in_the_home_folder_by_default(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cached_weights() == tmp_path / "home" / ".cache" / "gan_lightning" / digits_classifier.CACHE_FILE
