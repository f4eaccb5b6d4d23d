"""Every YAML composes, builds and steps; the recipes hold the published numbers; overrides beat recipes."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from omegaconf import DictConfig
from torch.nn.functional import one_hot

from gan_lightning.constraints import GradientPenalty, NoConstraint, SpectralNorm, WeightClipping
from gan_lightning.module import AdversarialModule
from gan_lightning.objectives import Hinge, LeastSquares, NonSaturating, Relativistic, Wasserstein
from gan_lightning.optimizers import RMSprop
from gan_lightning.penalties import (
    Distance,
    Points,
    interpolates,
    one_sided,
    real_and_fake_points,
    real_points,
    squared_norm,
    two_sided,
)
from gan_lightning.report.study import read_plan
from gan_lightning.resources import project_folder
from gan_lightning.runs.build import OF_THE_RUN, build_data, build_module
from gan_lightning.runs.settings import Settings, resolve
from gan_lightning.runs.targets import make

Compose = Callable[..., DictConfig]

CONF, SWEEPS = project_folder("conf"), project_folder("sweeps")
FILES = sorted(CONF.glob("**/*.yaml"))
GROUP_OPTIONS = [(f.parent.relative_to(CONF).as_posix(), f.stem) for f in FILES if f.parent != CONF]
STUDIES = sorted(f.stem for f in SWEEPS.glob("*.yaml"))

SMALL = ("data.batch_size=2",)
SCALE = "arch.width_scale=0.125"
"""Every network that can be is at an eighth of its filters."""

FITTING = {
    **dict.fromkeys(["arch=mnist", "arch=essay_small", "arch=essay_large"], ("data.resolution=28",)),
    **{f"arch=cifar_{name}": ("data.resolution=32",) for name in ("dcgan", "resnet", "resnet_conditional")},
    **{f"arch=dcgan64{name}": ("data.resolution=64",) for name in ("_constant", "_mlp", "_gated")},
    "arch=resnet64": ("data.resolution=64",),
    "arch=resnet101": ("data.resolution=64",),
    "arch=resnet128": ("data.resolution=128",),
    "arch=text": ("data=text_file",),
    **dict.fromkeys(["arch=toy", "arch=toy_deep", "arch=toy_fixed"], ("data=swiss_roll",)),
    "class_loss=ac_gan": ("arch=cifar_resnet_conditional", "data.resolution=32"),
}
"""What an option asks of the settings besides it."""


@pytest.fixture
def settings(compose_config: Compose, tmp_path: Path) -> Callable[..., Settings]:
    """Resolved settings of a small run; a folder where data want one."""

    def small(*overrides: str) -> Settings:
        config = compose_config(*SMALL, *overrides)
        if "width_scale" in config.arch:
            config = compose_config(*SMALL, SCALE, *overrides)
        if "root" in config.data:
            config.data.root = str(tmp_path)
        return resolve(config)

    return small


def optimizers(module: AdversarialModule) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    generator, critic = module.make_generator_optimizer(module.generator), module.make_critic_optimizer(module.critic)
    return generator, critic


def real_samples(settings: Settings) -> torch.Tensor:
    """An iteration's real batches ``(n_critic, B, *)``, of the kind that the data have."""
    data, generator = settings["data"], torch.Generator().manual_seed(0)
    batches = (settings["n_critic"], data["batch_size"])
    if "vocabulary" in data:
        symbols = torch.randint(data["vocabulary"], (*batches, data["length"]), generator=generator)
        return one_hot(symbols, data["vocabulary"]).float()
    shape = data["image_shape"] if "image_shape" in data else [data["dim"]]
    return torch.rand((*batches, *shape), generator=generator) * 2 - 1


def take_two_steps(settings: Settings, fit: Callable[..., L.Trainer]) -> None:
    module = build_module(settings)
    before = deepcopy([module.generator.state_dict(), module.critic.state_dict()])
    batches = (settings["n_critic"], settings["data"]["batch_size"])
    labels = None if module.classes is None else torch.ones(batches, dtype=torch.int64)
    trainer = fit(module, (real_samples(settings), labels), steps=2)
    assert trainer.global_step == 2
    for network, old in zip((module.generator, module.critic), before, strict=True):
        new = network.state_dict()
        assert all(value.isfinite().all() for value in new.values())
        learns = any(parameter.numel() for parameter in network.parameters())
        assert learns == any(not torch.equal(old[name], new[name]) for name in new)


@pytest.mark.parametrize(("group", "option"), [x for x in GROUP_OPTIONS if not x[0].startswith("hydra/")])
def test_every_option_of_every_group_composes_builds_and_takes_two_steps(
    settings: Callable[..., Settings], fit: Callable[..., L.Trainer], group: str, option: str
) -> None:
    asked = f"{group}={option}"
    composed = settings(asked, *FITTING.get(asked, ()))
    build_data(composed)
    make(composed["logger"])
    make({key: value for key, value in composed["metrics"].items() if key not in OF_THE_RUN})
    take_two_steps(composed, fit)


@pytest.mark.parametrize(("group", "option"), [x for x in GROUP_OPTIONS if x[0].startswith("hydra/")])
def test_every_option_of_hydras_own_groups_composes(compose_hydra: Compose, group: str, option: str) -> None:
    key = group.removeprefix("hydra/")
    assert compose_hydra(f"{group}={option}").hydra.runtime.choices[group] == option
    assert compose_hydra(f"{group}={option}").hydra[key]


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
def test_first_and_last_run_of_every_study_compose_build_and_take_two_steps(
    settings: Callable[..., Settings], fit: Callable[..., L.Trainer], study: str, which: int
) -> None:
    plan = read_plan(SWEEPS / f"{study}.yaml")
    composed = settings(f"+sweeps={study}", *(f"{axis}={values[which]}" for axis, values in plan.items()))
    assert composed["study"] == study
    take_two_steps(composed, fit)


@pytest.mark.parametrize("file", [*FILES, *sorted(SWEEPS.glob("*.yaml"))], ids=lambda f: f"{f.parent.name}/{f.name}")
def test_every_yaml_is_short_and_says_at_its_head_what_it_is(file: Path) -> None:
    lines = file.read_text().splitlines()
    head = lines[1] if lines[0] == "# @package _global_" else lines[0]
    assert head.startswith("# ") and len(head) > 20
    whole = file == CONF / "train.yaml"  # all groups and Hydra's own plumbing, which cannot be split
    assert len(lines) < (60 if whole or file.parent == SWEEPS else 30)


@pytest.mark.parametrize(
    ("objective", "loss", "constraint", "n_critic", "norm", "rate"),
    [
        ("wgan_gp", Wasserstein, GradientPenalty, 5, "layer", 1e-4),
        ("wgan_clip", Wasserstein, WeightClipping, 5, "batch", 5e-5),
        ("dcgan", NonSaturating, NoConstraint, 1, "batch", 2e-4),
        ("lsgan", LeastSquares, NoConstraint, 1, "batch", 1e-4),
        ("hinge", Hinge, SpectralNorm, 1, "none", 2e-4),
        ("relativistic", Relativistic, GradientPenalty, 1, "layer", 2e-4),
    ],
)
def test_objective_brings_its_published_recipe(
    settings: Callable[..., Settings],
    objective: str,
    loss: type,
    constraint: type,
    n_critic: int,
    norm: str,
    rate: float,
) -> None:
    composed = settings("arch=dcgan", f"objective={objective}")
    module = build_module(composed)
    assert composed["method"] == objective
    assert type(module.objective) is loss
    assert type(module.constraint) is constraint
    assert composed["n_critic"] == build_data(composed).n_critic == n_critic
    assert composed["arch"]["critic"]["norm"] == norm
    assert [o.param_groups[0]["lr"] for o in optimizers(module)] == [rate, rate]
    assert module.decay is None


@pytest.mark.parametrize(("objective", "betas"), [("wgan_gp", (0.0, 0.9)), ("dcgan", (0.5, 0.999))])
def test_adam_has_the_published_betas(
    settings: Callable[..., Settings], objective: str, betas: tuple[float, float]
) -> None:
    for optimizer in optimizers(build_module(settings("arch=dcgan", f"objective={objective}"))):
        assert type(optimizer) is torch.optim.Adam
        assert tuple(optimizer.param_groups[0]["betas"]) == betas


@pytest.mark.parametrize("objective", ["wgan_clip", "lsgan"])
def test_rmsprop_has_tensorflows_semantics_and_defaults(settings: Callable[..., Settings], objective: str) -> None:
    for optimizer in optimizers(build_module(settings("arch=dcgan", f"objective={objective}"))):
        assert type(optimizer) is RMSprop
        assert (optimizer.param_groups[0]["alpha"], optimizer.param_groups[0]["eps"]) == (0.9, 1e-10)


@pytest.mark.parametrize(
    ("name", "weight", "points", "distance"),
    [
        ("gradient_penalty", 10.0, interpolates, two_sided),
        ("one_sided_gradient_penalty", 10.0, interpolates, one_sided),
        ("r1", 5.0, real_points, squared_norm),
        ("r1_r2", 0.25, real_and_fake_points, squared_norm),
    ],
)
def test_penalties_have_the_published_weight_place_and_distance(
    settings: Callable[..., Settings], name: str, weight: float, points: Points, distance: Distance
) -> None:
    constraint = make(settings(f"constraint={name}")["constraint"])
    assert isinstance(constraint, GradientPenalty)
    assert constraint.weight == weight
    samples = torch.zeros(4, 2), torch.ones(4, 2), torch.linspace(0, 1, 4)
    assert len(constraint.points(*samples)) == len(points(*samples))
    assert all(torch.equal(a, b) for a, b in zip(constraint.points(*samples), points(*samples), strict=True))
    assert constraint.distance(torch.arange(3.0)) == distance(torch.arange(3.0))


def test_penalties_of_released_scripts_are_a_hundredth_of_the_papers_and_of_other_pixels(
    settings: Callable[..., Settings],
) -> None:
    methods = ("wgan_gp_toy", "wgan_gp_05", "wgan_gp_mnist")
    assert [settings("arch=dcgan", f"method={name}")["constraint"]["weight"] for name in methods] == [0.1, 10.0, 40.0]


def test_language_model_takes_ten_critic_steps_under_the_penalty_alone(settings: Callable[..., Settings]) -> None:
    for study in ("table4", "table4_laptop"):
        steps = [settings(f"+sweeps={study}", f"method={name}")["n_critic"] for name in ("wgan_gp_05", "dcgan")]
        assert steps == [10, 1]


def test_penalties_of_appendix_c_are_trained_at_one_rate(settings: Callable[..., Settings]) -> None:
    methods = ("wgan_gp", "wgan_gp_one_sided")
    rates = {
        settings("+sweeps=appendix_c_laptop", "rates.wgan_gp=20", f"method={name}")["learning_rate_scale"]
        for name in methods
    }
    assert len(rates) == 1


def test_clipping_has_the_bound_of_wgan(settings: Callable[..., Settings]) -> None:
    assert settings("constraint=weight_clipping")["constraint"]["bound"] == 0.01


@pytest.mark.parametrize(
    ("method", "bound"), [("wgan_clip_loose", 0.1), ("wgan_clip", 0.01), ("wgan_clip_tight", 1e-3)]
)
def test_clipping_has_the_bounds_of_figure_1b(settings: Callable[..., Settings], method: str, bound: float) -> None:
    assert settings("arch=dcgan", f"method={method}")["constraint"]["bound"] == bound


def test_recipe_of_the_released_scripts_has_another_first_beta_and_nothing_else(compose_config: Compose) -> None:
    ours, theirs = (dict(compose_config(f"optimizer={name}").optimizer) for name in ("adam_wgan_gp", "adam_wgan_gp_05"))
    assert list(theirs.pop("betas")) == [0.5, 0.9]
    del ours["betas"]
    assert ours == theirs


@pytest.mark.parametrize(
    ("method", "loss", "constraint", "recipe", "n_critic"),
    [
        ("wgan_gp", Wasserstein, GradientPenalty, "adam_wgan_gp", 5),
        ("wgan_gp_1", Wasserstein, GradientPenalty, "adam_wgan_gp", 1),
        ("wgan_gp_05", Wasserstein, GradientPenalty, "adam_wgan_gp_05", 5),
        ("wgan_gp_toy", Wasserstein, GradientPenalty, "adam_wgan_gp_05", 5),
        ("wgan_gp_mnist", Wasserstein, GradientPenalty, "adam_wgan_gp_05", 5),
        ("wgan_clip", Wasserstein, WeightClipping, "rmsprop_wgan", 5),
        ("wgan_clip_loose", Wasserstein, WeightClipping, "rmsprop_wgan", 5),
        ("wgan_clip_tight", Wasserstein, WeightClipping, "rmsprop_wgan", 5),
        ("dcgan", NonSaturating, NoConstraint, "adam_dcgan", 1),
        ("dcgan_r1", NonSaturating, GradientPenalty, "rmsprop_r1", 1),
        ("dcgan_gp", NonSaturating, GradientPenalty, "adam_dcgan", 1),
        ("lsgan", LeastSquares, NoConstraint, "rmsprop_lsgan", 1),
        ("hinge_sn", Hinge, SpectralNorm, "adam_sngan", 1),
        ("r3gan", Relativistic, GradientPenalty, "adam_r3gan", 1),
    ],
)
def test_method_is_its_objective_constraint_and_recipe(
    compose_config: Compose, method: str, loss: type, constraint: type, recipe: str, n_critic: int
) -> None:
    composed = resolve(compose_config(*SMALL, "arch=dcgan", SCALE, f"method={method}"))
    module = build_module(composed)
    assert (composed["method"], composed["n_critic"]) == (method, n_critic)
    assert (type(module.objective), type(module.constraint)) == (loss, constraint)
    assert composed["optimizer"] == resolve(compose_config(f"optimizer={recipe}"))["optimizer"]


def test_every_method_has_a_label_of_its_own(compose_config: Compose) -> None:
    methods = sorted(file.stem for file in (CONF / "method").glob("*.yaml"))
    labels = {compose_config(f"method={method}").label for method in methods}
    assert len(methods) == len(labels) >= 9


def test_command_line_beats_the_method(compose_config: Compose) -> None:
    composed = compose_config("method=dcgan_r1", "constraint=none", "optimizer=adam_dcgan", "n_critic=3")
    assert composed.constraint._target_.endswith("NoConstraint")
    assert composed.optimizer._target_ == "torch.optim.Adam"
    assert composed.n_critic == 3


def test_averaged_generator_is_built_where_it_is_asked_for(settings: Callable[..., Settings]) -> None:
    assert build_module(settings("ema=none")).averaged_generator is None
    module = build_module(settings("ema=exponential", "ema.half_life=500"))
    assert module.averaged_generator is not None
    assert "half-life 500" in module.sampled_generator


def test_standard_gan_takes_a_gradient_penalty_and_layer_norm_with_it(settings: Callable[..., Settings]) -> None:
    composed = settings("objective=dcgan", "constraint=gradient_penalty", "arch=dcgan")
    module = build_module(composed)
    assert type(module.objective) is NonSaturating
    assert type(module.constraint) is GradientPenalty
    assert composed["arch"]["critic"]["norm"] == "layer"
    assert composed["n_critic"] == 1


def test_one_sided_penalty_goes_with_wgan(settings: Callable[..., Settings]) -> None:
    module = build_module(settings("constraint=one_sided_gradient_penalty"))
    assert isinstance(module.constraint, GradientPenalty)


def test_batch_norm_under_a_penalty_is_refused(settings: Callable[..., Settings]) -> None:
    with pytest.raises(
        ValueError, match=r"^arch\.critic\.norm=batch does not go with GradientPenalty: a gradient penalty[^\n]*$"
    ):
        build_module(settings("objective=wgan_gp", "arch.critic.norm=batch"))


def test_command_line_beats_the_objective(settings: Callable[..., Settings]) -> None:
    overrides = ("n_critic=2", "optimizer.lr=0.003", "constraint.weight=1", "learning_rate_scale=1")
    composed = settings("objective=wgan_gp", *overrides)
    module = build_module(composed)
    assert composed["n_critic"] == 2
    assert [o.param_groups[0]["lr"] for o in optimizers(module)] == [0.003, 0.003]
    assert isinstance(module.constraint, GradientPenalty) and module.constraint.weight == 1


def test_command_line_beats_the_study(settings: Callable[..., Settings]) -> None:
    composed = settings("+sweeps=table2_laptop", "generator_steps=20", "arch.width_scale=0.25")
    assert (composed["generator_steps"], composed["arch"]["width_scale"]) == (20, 0.25)


def test_random_architecture_is_that_of_table_1(compose_config: Compose) -> None:
    table: dict[str, Any] = resolve_table(compose_config("arch=random", "objective=dcgan"))
    nonlinearities, depths, filters = ["relu", "leaky_relu", "softplus", "tanh"], [4, 8, 12, 20], [32, 64, 128]
    assert table == {
        "generator.nonlinearity": nonlinearities,
        "critic.nonlinearity": nonlinearities,
        "generator.depth": depths,
        "critic.depth": depths,
        "generator.norm": ["batch", "none"],
        "critic.norm": ["batch", "none"],
        "generator.filters": filters,
        "critic.filters": filters,
    }


def resolve_table(config: DictConfig) -> dict[str, Any]:
    return {str(axis): list(config.arch.table[axis]) for axis in config.arch.table}


@pytest.mark.parametrize(("norm", "weight_decay"), [("layer", 1e-3), ("none", 0.0)])
def test_random_critic_decays_its_weights_where_it_is_normalised(
    settings: Callable[..., Settings], norm: str, weight_decay: float
) -> None:
    module = build_module(settings("arch=random", f"arch.critic.norm={norm}"))
    generator, critic = optimizers(module)
    assert [group["weight_decay"] for group in generator.param_groups] == [0]
    assert [group["weight_decay"] for group in critic.param_groups] == [weight_decay, 0]
    decayed, others = (group["params"] for group in critic.param_groups)
    assert all(p.ndim > 1 for p in decayed)
    assert all(p.ndim == 1 for p in others)
    assert len(decayed) + len(others) == len(list(module.critic.parameters()))


def test_initial_weights_are_a_function_of_the_seed_alone(settings: Callable[..., Settings]) -> None:
    def weights(seed: int) -> torch.Tensor:
        return torch.cat([p.flatten() for p in build_module(settings(f"seed={seed}")).parameters()])

    torch.manual_seed(1)
    first, state = weights(0), torch.random.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(weights(0), first)
    torch.manual_seed(1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not torch.equal(weights(1), first)
