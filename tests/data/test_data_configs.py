"""Every file of ``conf/data`` composes and builds its class."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig

from gan_lightning.data.images import ImageData
from gan_lightning.data.plane import PlaneData
from gan_lightning.data.text import TextData

DATA = Path(__file__).parents[2] / "conf" / "data"
PLANE = ("eight_gaussians", "twenty_five_gaussians", "swiss_roll", "ring")
METRICS = {
    "billion_word": "ngrams",
    "digits": "digits_classifier",
    "fashion_mnist": "none",
    "lsun_bedrooms": "none",
    "mnist": "mnist_classifier",
    "text_file": "ngrams",
}
"""What samples of a set are scored by; of all others, by inception."""
NAMES = sorted(path.stem for path in DATA.glob("*.yaml"))
OTHERS = [name for name in NAMES if name not in PLANE]


@pytest.fixture
def config_folder(tmp_path: Path) -> Path:
    """The data group and what it refers to, without the other groups."""
    folder = tmp_path / "conf"
    (folder / "metrics").mkdir(parents=True)
    for name in ("digits_classifier", "inception", "mnist_classifier", "ngrams", "none"):
        (folder / "metrics" / f"{name}.yaml").write_text(f"name: {name}\n")
    (folder / "arch").mkdir()
    for name in ("dcgan_tiny", "text", "toy"):
        (folder / "arch" / f"{name}.yaml").write_text(f"name: {name}\n")
    (folder / "data").symlink_to(DATA)
    (folder / "root.yaml").write_text(
        "defaults: [_self_, {metrics: none}, {arch: dcgan_tiny}, {data: digits}]\nseed: 3\nhydra: {searchpath: []}\n"
    )
    return folder


def composed(folder: Path, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(folder), version_base="1.3"):
        return compose("root", overrides=list(overrides))


@pytest.mark.parametrize("name", PLANE)
def test_every_file_of_points_composes_and_builds(name: str, config_folder: Path) -> None:
    config = composed(config_folder, f"data={name}")
    data = instantiate(config.data, n_critic=5)
    assert isinstance(data, PlaneData)
    assert (data.batch_size, data.seed, data.dim, data.title) == (256, 3, 2, config.data.label)
    assert (config.metrics.name, config.arch.name) == ("none", "toy")


@pytest.mark.parametrize("name", OTHERS)
def test_every_file_of_images_or_text_composes_and_builds(name: str, config_folder: Path) -> None:
    config = composed(config_folder, f"data={name}")
    data = instantiate(config.data, n_critic=5)
    if isinstance(data, ImageData):
        assert data.image_shape == (config.data.channels, config.data.resolution, config.data.resolution)
    else:
        assert isinstance(data, TextData)
        assert (data.length, data.vocabulary) == (config.data.length, config.data.vocabulary) == (32, 256)
    assert (data.batch_size, data.seed, data.held_out_samples) == (64, 3, 1000)
    assert config.metrics.name == METRICS.get(name, "inception")


@pytest.mark.parametrize("name", NAMES)
def test_colour_images_alone_can_be_dequantised_and_mirrored_and_are_not_unless_asked(
    name: str, config_folder: Path
) -> None:
    config = composed(config_folder, f"data={name}").data
    switches = [config[key] for key in ("dequantise", "flip") if key in config]
    assert switches == ([False, False] if config.get("channels") == 3 else [])


@pytest.mark.parametrize("name", NAMES)
def test_no_data_file_knows_of_the_algorithm(name: str) -> None:
    assert "n_critic" not in (DATA / f"{name}.yaml").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_data_file_is_short(name: str) -> None:
    assert len((DATA / f"{name}.yaml").read_text().splitlines()) < 30


def test_the_shape_follows_resolution_and_channels(config_folder: Path) -> None:
    config = composed(config_folder, "data=image_folder", "data.resolution=64", "data.channels=1")
    assert instantiate(config.data, n_critic=5).image_shape == (1, 64, 64)


def test_a_shape_that_contradicts_them_is_refused(config_folder: Path) -> None:
    config = composed(config_folder, "data.image_shape=[1,32,32]")
    with pytest.raises(InstantiationException, match=r"set data.channels and data.resolution"):
        instantiate(config.data, n_critic=5)


def test_digits_are_of_ten_classes(config_folder: Path) -> None:
    assert instantiate(composed(config_folder, "data=digits").data, n_critic=5).classes == 10
