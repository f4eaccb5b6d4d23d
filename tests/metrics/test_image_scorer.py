import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from real_digits import real_digits
from torch import Tensor, nn

from gan_lightning.images import to_uint8
from gan_lightning.metrics.image_scorer import ImageScorer
from gan_lightning.runs.targets import make
from gan_lightning.sampling import Sampler

CPU = torch.device("cpu")


def digits_scorer(**changes: Any) -> ImageScorer:
    arguments: dict[str, Any] = {
        "extractor": "digits_classifier",
        "prefix": "digits",
        "scores": ["isc"],
        "samples": 200,
        "splits": 2,
        "seed": 0,
    }
    return ImageScorer(**arguments | changes)


def of(generator: nn.Module) -> Sampler:
    return Sampler(generator, latent_dim=4, device=CPU).followed_by(to_uint8)


def small_generator() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 64),
        nn.BatchNorm1d(64, track_running_stats=False),
        nn.Dropout(),
        nn.Tanh(),
        nn.Unflatten(1, (1, 8, 8)),
    )


class Printer(nn.Module):
    """Ignores its latents and prints the given pictures, block after block."""

    def __init__(self, pictures: Tensor) -> None:
        super().__init__()
        self.pictures = pictures

    def forward(self, latent: Tensor) -> Tensor:
        shown, self.pictures = self.pictures.split([len(latent), len(self.pictures) - len(latent)])
        return shown.float() / 127.5 - 0.999


def test_real_digits_score_above_nine() -> None:
    images = real_digits()
    values = digits_scorer(splits=10).score_images(images.split(100))
    assert 9.0 < values["digits_score"] < 9.6
    assert 0 < values["digits_score_std"] < 0.3


def test_noise_scores_low() -> None:
    noise = torch.randint(0, 256, (1000, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert digits_scorer(splits=10).score_images(noise.split(100))["digits_score"] < 3


def test_generator_and_its_pictures_have_the_same_score() -> None:
    images = real_digits()[:400]
    scorer = digits_scorer(samples=400, splits=4, scores=["isc", "fid", "kid"])
    drawn = scorer.score(of(Printer(images)), reference=images.split(150))
    assert drawn == scorer.score_images(images.split(100))
    assert drawn["digits_fid"] == pytest.approx(0, abs=1e-2)


def test_fid_and_kid_are_larger_for_noise_than_for_other_digits() -> None:
    images = real_digits()
    noise = torch.randint(0, 256, (500, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    scorer = digits_scorer(scores=["fid", "kid"])
    near = scorer.score_images(images[:500].split(100), reference=images[500:].split(100))
    far = scorer.score_images(noise.split(100))
    assert 0 < near["digits_fid"] < far["digits_fid"] / 10
    assert near["digits_kid"] < far["digits_kid"] / 10


def test_score_is_a_function_of_the_seed() -> None:
    generator = small_generator().eval()
    first, again, other = (digits_scorer(seed=seed).score(of(generator)) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("training", [True, False])
def test_generator_and_random_state_are_left_as_found(training: bool) -> None:
    generator = small_generator().train(training)
    generator[0].requires_grad_(False)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    state = torch.get_rng_state()
    scorer = digits_scorer()
    scorer.prepare()
    scorer.score(of(generator))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training == training for module in generator.modules())
    assert [parameter.requires_grad for parameter in generator.parameters()] == [False, False, True, True]
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_scoring_inside_inference_mode_does_not_spoil_later_scores() -> None:
    generator, scorer = small_generator().eval(), digits_scorer(scores=["isc", "fid"])
    reference = real_digits()[:200].split(100)
    with torch.inference_mode():
        first = scorer.score(of(generator), reference)
    assert scorer.score(of(generator), reference) == first


def test_scoring_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    scorer = digits_scorer(scores=["isc", "fid", "kid"])
    scorer.score(of(small_generator()), real_digits().split(100))
    assert capfd.readouterr() == ("", "")


def test_reference_is_read_once() -> None:
    def once(images: Tensor) -> Iterable[Tensor]:
        yield from images.split(100)

    reference, scorer = once(real_digits()[:200]), digits_scorer(scores=["fid"])
    generator = small_generator().eval()
    first = scorer.score(of(generator), reference)
    assert scorer.score(of(generator), reference) == first
    assert scorer.protocol()["reference"] == 200


def test_reference_is_not_read_for_the_inception_formula_alone() -> None:
    def never() -> Iterable[Tensor]:
        pytest.fail("read the reference")
        yield

    scorer = digits_scorer()
    assert not scorer.needs_reference
    scorer.score(of(small_generator()), never())


def test_protocol_names_what_a_score_depends_on_and_fits_into_json() -> None:
    protocol = digits_scorer(scores=["isc", "fid"], seed=7).protocol()
    assert json.loads(json.dumps(protocol)) == protocol
    assert protocol.pop("weights_sha256")
    assert protocol.pop("torch_fidelity")
    assert protocol == {
        "extractor": "digits_classifier",
        "layers": {"isc": "logits", "fid": "features"},
        "samples": 200,
        "splits": 2,
        "block_size": 100,
        "seed": 7,
        "reference": None,
    }


@pytest.mark.parametrize(
    ("scores", "monitor", "higher_is_better"),
    [
        (["isc", "fid"], "digits_score", True),
        (["fid", "isc"], "digits_fid", False),
        (["kid"], "digits_kid", False),
        (["prc", "fid"], "digits_precision", True),
    ],
)
def test_first_score_decides_which_generator_is_best(scores: list[str], monitor: str, higher_is_better: bool) -> None:
    scorer = digits_scorer(scores=scores)
    assert scorer.monitor == monitor
    assert scorer.higher_is_better == higher_is_better


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"extractor": "vgg16"},
            "^extractor=vgg16 is not possible: one of "
            "inception-v3-compat, digits_classifier, mnist_classifier, cifar10_classifier is needed$",
        ),
        ({"prefix": "inception"}, "digits_classifier does not give an Inception score"),
        ({"scores": []}, r"^scores=\[\] is not possible: some of isc, fid, kid, prc are needed, each once$"),
        ({"scores": ["isc", "ppl"]}, r"^scores=\['isc', 'ppl'\] is not possible: some of"),
        ({"scores": ["isc", "isc"]}, r"^scores=\['isc', 'isc'\] is not possible: some of"),
        ({"samples": 150}, "^samples=150 is not possible: a multiple of 100 is needed"),
        ({"samples": 0}, "^samples=0 is not possible: a multiple of 100 is needed"),
        ({"samples": 1, "splits": 1}, "^samples=1 is not possible"),
        ({"splits": 0}, "^splits=0 is not possible: a whole number of at least 1 is needed"),
        ({"splits": 201}, "metrics.splits=201 is not possible: at most metrics.samples=200"),
    ],
)
def test_arguments_out_of_range_are_refused_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        digits_scorer(**changes)
    assert "\n" not in str(error.value)


IMAGES = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: digits_scorer(scores=["fid"]).score_images([IMAGES]), "all but isc need reference images"),
        (lambda: digits_scorer(scores=["fid"]).score_images([IMAGES], reference=[]), "an empty set was given"),
        (lambda: digits_scorer(scores=["kid"]).score_images([IMAGES], reference=[IMAGES[:1]]), "1 reference images"),
        (lambda: digits_scorer(splits=5).score_images([IMAGES]), "4 images to score; at least 2, and metrics.splits=5"),
        (lambda: digits_scorer(splits=1).score_images([IMAGES[:1]]), "1 images to score"),
        (lambda: digits_scorer().score_images([]), "an empty set was given"),
        (lambda: digits_scorer().score_images([IMAGES.float()]), "these data are samples of 1x8x8, torch.float32"),
        (
            lambda: digits_scorer().score_images([IMAGES.expand(-1, 2, -1, -1)]),
            "these data are samples of 2x8x8, torch.uint8",
        ),
        (lambda: digits_scorer().score_images([IMAGES[0]]), "these data are samples of 8x8, torch.uint8"),
        (
            lambda: digits_scorer(scores=["fid"]).score(of(small_generator())),
            "all but isc need reference images",
        ),
    ],
)
def test_unsuitable_images_are_refused_in_one_line(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_kid_subsets_shrink_to_a_small_reference() -> None:
    images = real_digits()
    scorer = digits_scorer(scores=["kid"])
    assert scorer.score_images(images[:40].split(40), reference=images[40:70].split(30))["digits_kid"] < 1000


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, gan_lightning.metrics; print({'torchmetrics', 'torch_fidelity', 'sklearn'} & set(sys.modules))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "set()"


@pytest.mark.parametrize("name", ["digits_classifier", "mnist_classifier", "cifar10_classifier", "inception"])
def test_every_setting_that_a_user_types_reaches_the_scorer(name: str, compose_config: Callable[..., Any]) -> None:
    changes = ["scores=[kid,isc]", "samples=300", "splits=3", "seed=5", "weights=FILE"]
    config = compose_config(f"metrics={name}", *(f"metrics.{change}" for change in changes))
    node: Any = OmegaConf.to_container(config.metrics, resolve=True)
    assert node.pop("every") > 0
    assert node.pop("interim_samples") is None
    scorer = make(node, "metrics")
    assert isinstance(scorer, ImageScorer)
    settings = (scorer.scores, scorer.samples, scorer.splits, scorer.seed, scorer.weights)
    assert settings == (("kid", "isc"), 300, 3, 5, "FILE")


def test_no_metrics_means_no_scorer(compose_config: Callable[..., Any]) -> None:
    assert compose_config("metrics=none").metrics == {"_target_": None, "every": None}


def test_precision_and_recall_are_plain_for_inception_alone() -> None:
    inception = digits_scorer(extractor="inception-v3-compat", prefix="inception", scores=["prc"])
    assert inception.monitor == "precision"
    images = real_digits()[:400]
    values = digits_scorer(scores=["isc", "prc"]).score_images(images.split(100), reference=images.split(100))
    assert list(values) == ["digits_score", "digits_score_std", "digits_precision", "digits_recall"]
    assert (values["digits_precision"], values["digits_recall"]) == (1, 1)


def test_noise_has_less_precision_than_digits_that_were_not_compared_with() -> None:
    images, scorer = real_digits(), digits_scorer(scores=["prc"])
    near = scorer.score_images(images[:500].split(100), reference=images[500:].split(100))
    noise = torch.randint(0, 256, (500, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    far = scorer.score_images(noise.split(100))
    assert near["digits_precision"] > 0.6 and near["digits_recall"] > 0.6
    assert far["digits_precision"] < 0.1 and far["digits_recall"] < 0.1


def test_protocol_says_how_many_images_precision_and_recall_compare() -> None:
    assert "at most 10000" in digits_scorer(scores=["prc"]).protocol()["prc"]
    assert "prc" not in digits_scorer(scores=["isc"]).protocol()


def test_precision_and_recall_need_more_images_than_neighbours() -> None:
    with pytest.raises(ValueError, match="3 reference images; at least 4 are needed"):
        digits_scorer(scores=["prc"]).score_images([IMAGES], reference=[IMAGES[:3]])
    with pytest.raises(ValueError, match="3 images to score; at least 4"):
        digits_scorer(scores=["prc"]).score_images([IMAGES[:3]], reference=[IMAGES])
