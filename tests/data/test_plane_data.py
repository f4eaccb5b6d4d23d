"""Points of the plane as data: which they are, and how samples are shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from gan_lightning.data.base import Iterations
from gan_lightning.data.plane import PlaneData
from gan_lightning.distributions import swiss_roll


def plane(**changes: Any) -> PlaneData:
    given = {"label": "Swiss roll", "distribution": swiss_roll, "points": 500, "held_out_points": 50}
    return PlaneData(**{**given, "batch_size": 8, "n_critic": 3, "seed": 0, **changes})


def test_points_are_the_same_in_every_run_and_others_are_held_out() -> None:
    (train, held_out), (again, _) = plane(seed=1).splits, plane(seed=2).splits
    assert isinstance(train.samples, torch.Tensor) and isinstance(held_out.samples, torch.Tensor)
    assert isinstance(again.samples, torch.Tensor)
    assert torch.equal(train.samples, again.samples)
    assert (train.samples.shape, held_out.samples.shape) == ((500, 2), (50, 2))
    assert not set(map(tuple, train.samples.tolist())) & set(map(tuple, held_out.samples.tolist()))
    assert plane(seed=1).provenance == plane(seed=2).provenance
    assert plane().provenance.startswith("Swiss roll 2, sha256 ")


def test_networks_see_points_as_they_are(outline: Callable[..., Any]) -> None:
    data = plane()
    data.trainer = outline()
    loader = data.train_dataloader()
    assert isinstance(loader, Iterations)
    real, labels = data.on_after_batch_transfer(next(iter(loader)), 0)
    assert (real.shape, real.dtype, labels) == ((3, 8, 2), torch.float32, None)
    rows = set(map(tuple, data.splits[0].rows(torch.arange(500))[0].tolist()))
    assert set(map(tuple, real.flatten(0, 1).tolist())) <= rows


def test_fresh_points_are_a_function_of_what_they_are_for() -> None:
    assert torch.equal(plane().draw(10, "a"), plane().draw(10, "a"))
    assert not torch.equal(plane().draw(10, "a"), plane().draw(10, "b"))


def test_space_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^data.dim=3 is not possible: a plane has 2$"):
        plane(dim=3)


def test_samples_are_shown_over_real_points_without_reading_the_set(tmp_path: Path) -> None:
    data = plane()
    shown = data.show(torch.zeros(data.shown, 2), tmp_path / "samples" / "000001")
    assert shown == tmp_path / "samples" / "000001.png"
    with Image.open(shown) as picture:
        assert picture.size == (400, 400)
        middle, corner = (picture.convert("RGB").getpixel(place) for place in ((200, 200), (5, 5)))
    assert middle != corner == (255, 255, 255)
    assert "splits" not in vars(data)


@pytest.mark.parametrize("change", [{"points": -1}, {"points": 1e5}, {"held_out_points": 0}])
def test_impossible_numbers_of_points_are_refused(change: dict[str, Any]) -> None:
    ((name, value),) = change.items()
    with pytest.raises(
        ValueError, match=f"^data.{name}={value} is not possible: a whole number of at least 1 is needed"
    ):
        plane(**change)
