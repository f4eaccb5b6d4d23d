"""The paper's experiments as they compose, number by number: arXiv:1704.00028 and its released code.

Networks have tests of their own; here is what is around them.
"""

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import DictConfig

from gan_lightning.report.study import read_plan
from gan_lightning.resources import project_folder
from gan_lightning.runs.settings import flatten, resolve
from gan_lightning.runs.targets import make

Compose = Callable[..., DictConfig]

ADAM = {
    "optimizer.lr": 1e-4,
    "optimizer.betas": [0.0, 0.9],
    "constraint.weight": 10.0,
    "n_critic": 5,
    "latent_dim": 128,
}
"""Algorithm 1's, and the latent of all but the toys."""
ADAM_05 = ADAM | {"optimizer.betas": [0.5, 0.9]}
DCGAN = {"optimizer.lr": 2e-4, "optimizer.betas": [0.5, 0.999], "n_critic": 1, "generator_batch_multiple": 1}
CLIPPING = {"optimizer.lr": 5e-5, "constraint.bound": 0.01, "n_critic": 5, "generator_batch_multiple": 1}
LSGAN = {"optimizer.lr": 1e-4, "optimizer.alpha": 0.9, "n_critic": 1, "generator_batch_multiple": 1}

FIGURE_2 = {"generator_steps": 200_000, "data.batch_size": 64, "every.held_out": 200, "decay._target_": None}
FIGURE_3 = {
    "generator_steps": 200_000,
    "data.batch_size": 64,
    "data.dequantise": False,
    "data.flip": False,
    "metrics.every": 1000,
    "metrics.samples": 50_000,
    "metrics.interim_samples": 1000,
    "metrics.splits": 10,
    "decay._target_": None,
}
FIGURE_5B = {
    "generator_steps": 200_000,
    "data.batch_size": 50,
    "data.subset": 1000,
    "data.held_out_set": "validation",
    "data.held_out_samples": None,
    "data.dequantise": None,
}
TABLE_3 = ADAM | {
    "generator_steps": 100_000,
    "data.batch_size": 64,
    "generator_batch_multiple": 2,
    "optimizer.lr": 2e-4,
    "data.dequantise": True,
    "data.flip": False,
    "decay.steps": 100_000,
    "arch.generator.bn_chunks": 2,
    "arch.generator.upsampled_conv": 1,
    "metrics.every": 1000,
    "metrics.samples": 50_000,
    "metrics.interim_samples": None,
    "metrics.splits": 10,
}
TABLE_4 = {
    "generator_steps": 200_000,
    "data.batch_size": 64,
    "data.length": 32,
    "data.lines": 10_000_000,
    "metrics.samples": 640,
    "metrics.lengths": [1, 2, 3, 4],
}

RUNS: dict[tuple[str, ...], dict[str, Any]] = {
    ("+sweeps=figure1a", "method=wgan_gp_05"): {
        "data.batch_size": 256,
        "latent_dim": 5,
        "constraint.weight": 10.0,
        "optimizer.betas": [0.5, 0.9],
        "arch.generator.noise": 1.0,
    },
    ("+sweeps=figure1a_official_code", "method=wgan_gp_toy"): {
        "generator_steps": 100_000,
        "constraint.weight": 0.1,
        "optimizer.lr": 1e-4,
        "learning_rate_scale": 1.0,
        "decay._target_": None,
    },
    ("+sweeps=figure1a_live", "method=wgan_gp_05"): {
        "data.batch_size": 256,
        "latent_dim": 2,
        "constraint.weight": 10.0,
        "n_critic": 10,
    },
    ("+sweeps=figure1b", "method=wgan_clip_loose"): {"constraint.bound": 0.1, "latent_dim": 2},
    ("+sweeps=figure1b", "method=wgan_clip_tight"): {"constraint.bound": 1e-3, "latent_dim": 2},
    ("+sweeps=figure2", "method=wgan_gp_05"): FIGURE_2 | ADAM_05,
    ("+sweeps=figure2", "method=dcgan"): FIGURE_2 | DCGAN,
    ("+sweeps=figure2", "method=lsgan"): FIGURE_2 | LSGAN,
    ("+sweeps=figure2", "method=wgan_clip"): FIGURE_2 | CLIPPING,
    ("+sweeps=figure2_official_code", "method=wgan_gp"): FIGURE_2 | ADAM | {"metrics._target_": None},
    ("+sweeps=figure3", "method=wgan_gp_05"): FIGURE_3 | ADAM_05,
    ("+sweeps=figure3", "method=wgan_gp_rmsprop"): FIGURE_3
    | {"optimizer.lr": 5e-5, "optimizer.alpha": 0.9, "constraint.weight": 10.0, "n_critic": 5},
    ("+sweeps=figure3", "method=wgan_clip"): FIGURE_3 | CLIPPING,
    ("+sweeps=figure3", "method=dcgan"): FIGURE_3 | DCGAN,
    ("+sweeps=figure4",): ADAM
    | {
        "generator_steps": 200_000,
        "data.batch_size": 64,
        "data.resolution": 128,
        "data.flip": True,
        "decay.steps": 200_000,
        "generator_batch_multiple": 1,
    },
    ("+sweeps=figure5a",): FIGURE_2 | ADAM_05,
    ("+sweeps=figure5b", "method=wgan_gp_mnist"): FIGURE_5B
    | {"optimizer.lr": 1e-4, "optimizer.betas": [0.5, 0.9], "n_critic": 5},
    ("+sweeps=figure5b", "method=wgan_clip"): FIGURE_5B | CLIPPING,
    ("+sweeps=figure5b_official_code", "method=wgan_clip"): FIGURE_5B | {"data.subset": None},
    ("+sweeps=table2", "objective=wgan_gp"): ADAM
    | {"generator_steps": 100_000, "data.batch_size": 64, "arch.critic_weight_decay": 1e-3, "decay._target_": None},
    ("+sweeps=table2", "objective=dcgan"): DCGAN | {"generator_steps": 100_000, "arch.critic_weight_decay": 1e-3},
    ("+sweeps=table3", "experiment=cifar10_resnet"): TABLE_3 | {"class_loss._target_": None},
    ("+sweeps=table3", "experiment=cifar10_resnet_conditional"): TABLE_3
    | {"class_loss.real": 1.0, "class_loss.fake": 0.0, "class_loss.generator": 0.1, "arch.classes": 10},
    ("experiment=cifar10_resnet",): TABLE_3,
    ("+sweeps=table4", "method=wgan_gp_05"): TABLE_4 | ADAM_05 | {"n_critic": 10},
    ("+sweeps=table4", "method=dcgan"): TABLE_4 | DCGAN,
    ("+sweeps=appendix_c", "method=wgan_gp_one_sided"): ADAM | {"generator_steps": 100_000},
}
"""What is typed, and what it comes to. ``None``: there is none."""

SWEPT = {
    "figure1a": {
        "data": ["eight_gaussians", "twenty_five_gaussians", "swiss_roll"],
        "method": ["wgan_clip", "wgan_gp_05"],
    },
    "figure1b": {"method": ["wgan_clip_loose", "wgan_clip", "wgan_clip_tight", "wgan_gp_05"]},
    "figure2": {
        "arch": [
            *("dcgan64", "dcgan64_constant", "dcgan64_mlp", "dcgan64_no_norm", "dcgan64_gated", "dcgan64_tanh"),
            "resnet101",
        ],
        "method": ["dcgan", "lsgan", "wgan_clip", "wgan_gp_05"],
    },
    "figure3": {"method": ["wgan_clip", "wgan_gp_rmsprop", "wgan_gp_05", "dcgan"]},
    "figure4": {"method": ["wgan_gp"]},
    "figure5a": {"method": ["wgan_gp_05"]},
    "figure5b": {"seed": ["0", "1", "2"], "method": ["wgan_gp_mnist", "wgan_clip"]},
    "table2": {"seed": [str(seed) for seed in range(200)], "objective": ["wgan_gp", "dcgan"]},
    "table3": {"experiment": ["cifar10_resnet", "cifar10_resnet_conditional"]},
    "table4": {"method": ["wgan_gp_05", "dcgan"]},
    "appendix_c": {
        "seed": [str(seed) for seed in range(174)],
        "method": ["wgan_gp", "wgan_gp_one_sided"],
    },
}


def composed(compose_config: Compose, run: tuple[str, ...]) -> dict[str, Any]:
    """Resolved settings of a run; what the study sweeps and the run does not name has its first value."""
    typed = {override.partition("=")[0]: override for override in run}
    if "+sweeps" in typed:
        plan = read_plan(project_folder("sweeps") / f"{typed['+sweeps'].partition('=')[2]}.yaml")
        typed = {axis: f"{axis}={values[0]}" for axis, values in plan.items()} | typed
    settings = resolve(compose_config(*typed.values()))
    return flatten(settings)


@pytest.mark.parametrize("run", RUNS, ids=" ".join)
def test_experiment_has_the_numbers_of_the_paper_and_its_code(compose_config: Compose, run: tuple[str, ...]) -> None:
    settings = composed(compose_config, run)
    assert {key: settings.get(key) for key in RUNS[run]} == RUNS[run]


@pytest.mark.parametrize("study", SWEPT)
def test_study_sweeps_what_the_paper_compares(study: str) -> None:
    plan = read_plan(project_folder("sweeps") / f"{study}.yaml")
    assert {axis: [str(value) for value in values] for axis, values in plan.items()} == SWEPT[study]


def test_rate_of_cifars_resnet_falls_to_nothing_over_the_run(compose_config: Compose) -> None:
    settings = resolve(compose_config("experiment=cifar10_resnet"))
    factor = make(settings["decay"])
    rates = [settings["optimizer"]["lr"] * factor(step) for step in (0, 50_000, 100_000)]
    assert rates == pytest.approx([2e-4, 1e-4, 0.0])
