"""One, two and three processes train the same networks: shown in float64, where rounding hides no fault."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import for_processes
from torch import Tensor, multiprocessing, nn

from gan_lightning.averaging import ExponentialAverage
from gan_lightning.class_losses import AuxiliaryClassifier
from gan_lightning.constraints import GradientPenalty, SpectralNorm
from gan_lightning.data.base import RealData, Split
from gan_lightning.module import AdversarialModule
from gan_lightning.objectives import Relativistic, Wasserstein
from gan_lightning.parallel import TogetherError, average_gradients, from_first, largest, raise_together
from gan_lightning.penalties import interpolates, real_and_fake_points, squared_norm, two_sided
from gan_lightning.runs.processes import connect, meeting_place
from gan_lightning.runs.run import make_trainer
from gan_lightning.runs.world import own_world

BATCH, STEPS, CLASSES = 12, 6, 3
CASES = ("wgan_gp", "r3gan", "spectral_norm", "ac_gan")


class Points(RealData):
    """Points of a square with labels."""

    def load(self) -> tuple[Split, Split]:
        stream = torch.Generator().manual_seed(1)
        points, labels = torch.rand(60, 2, generator=stream), torch.randint(CLASSES, (60,), generator=stream)
        return Split(points[:48], labels[:48]), Split(points[48:], labels[48:])


class Generator(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3 + classes, 16), nn.Tanh(), nn.Linear(16, 2))
        self.classes = classes

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        if self.classes and labels is not None:
            latent = torch.cat([latent, nn.functional.one_hot(labels, self.classes).to(latent)], dim=1)
        return self.layers(latent)


class Critic(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layers, self.last = nn.Sequential(nn.Linear(2, 16), nn.Tanh()), nn.Linear(16, 1 + classes)

    def forward(self, points: Tensor, labels: Tensor | None = None) -> Any:
        outputs = self.last(self.layers(points))
        return (outputs[:, 0], outputs[:, 1:]) if outputs.shape[1] > 1 else outputs[:, 0]


def make_module(case: str) -> AdversarialModule:
    torch.manual_seed(0)
    classes = CLASSES if case == "ac_gan" else 0
    penalty = GradientPenalty(10.0, points=interpolates, distance=two_sided)
    r1_r2 = GradientPenalty(0.5, points=real_and_fake_points, distance=squared_norm)
    adam = partial(torch.optim.Adam, lr=0.01, betas=(0.0, 0.9))
    return AdversarialModule(
        Generator(classes),
        Critic(classes),
        objective=Relativistic() if case == "r3gan" else Wasserstein(),
        constraint={"r3gan": r1_r2, "spectral_norm": SpectralNorm(iterations=1)}.get(case, penalty),
        generator_optimizer=lambda network: adam(network.parameters()),
        critic_optimizer=lambda network: adam(network.parameters()),
        latent_dim=3,
        seed=0,
        classes=classes or None,
        class_loss=AuxiliaryClassifier(real=1.0, fake=0.5, generator=0.1) if classes else None,
        generator_batch_multiple=2,
        ema=ExponentialAverage(half_life=20),
    )


def train(case: str, processes: int) -> dict[str, Tensor]:
    """Weights and the held-out loss after some iterations of these processes."""
    module, data = make_module(case), Points(batch_size=BATCH, n_critic=2, seed=0)
    settings = {
        "trainer": {"accelerator": "cpu", "devices": processes, "nodes": 1, "batch_norm_sync": False},
        "generator_steps": STEPS,
    }
    trainer = make_trainer(settings, callbacks=[], loggers=[])
    trainer.fit(module, datamodule=data)
    return module.state_dict() | {"held out": module.held_out_critic_loss(data.held_out_batches())}


def process(rank: int, processes: int, port: int, folder: Path) -> None:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    if processes > 1:
        connect(own_world(rank, processes, port), {"accelerator": "cpu", "devices": processes})
    for case in CASES:
        torch.save(make_module(case).state_dict(), folder / f"{case}_begun.pt")
        torch.save(train(case, processes), folder / f"{case}_{processes}_{rank}.pt")
    if processes > 1:
        torch.save(collectives(rank), folder / f"collectives_{processes}_{rank}.pt")


def collectives(rank: int) -> dict[str, Any]:
    weights = [nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(1))]
    weights[0].grad, weights[1].grad = torch.full((2, 3), 1.0 + rank), torch.arange(4.0) * (rank + 1)
    average_gradients(torch.optim.SGD([{"params": weights[:1]}, {"params": weights[1:]}], lr=1.0))
    return {
        "gradients": [weight.grad for weight in weights],
        "from first": from_first({"rank": rank}),
        "largest": largest(5 if rank == 1 else 0),
        "wrong": wrong_everywhere("no data here" if rank == 1 else None),
        "right": wrong_everywhere(None),
    }


def wrong_everywhere(error: str | None) -> str | None:
    try:
        raise_together(error)
    except TogetherError as together:
        return str(together)
    return None


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parallel")
    with for_processes(Path(__file__).parent):
        for processes in (1, 2, 3):
            store = meeting_place()
            multiprocessing.spawn(process, (processes, store.port, folder), nprocs=processes)
    return folder


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("processes", [2, 3])
def test_several_processes_train_what_one_trains(trained: Path, case: str, processes: int) -> None:
    alone = torch.load(trained / f"{case}_1_0.pt")
    begun = torch.load(trained / f"{case}_begun.pt")
    assert not torch.equal(alone["generator.layers.0.weight"], begun["generator.layers.0.weight"])
    for rank in range(processes):
        shared = torch.load(trained / f"{case}_{processes}_{rank}.pt")
        for name, value in alone.items():
            torch.testing.assert_close(shared[name], value, atol=1e-11, rtol=1e-9, msg=f"{name} of {rank}")


@pytest.mark.parametrize("processes", [2, 3])
def test_gradients_become_their_mean_and_words_the_first_processs(trained: Path, processes: int) -> None:
    for rank in range(processes):
        found = torch.load(trained / f"collectives_{processes}_{rank}.pt")
        mean = (1 + processes) / 2
        assert torch.equal(found["gradients"][0], torch.full((2, 3), mean))
        torch.testing.assert_close(found["gradients"][1], torch.arange(4.0) * mean, check_dtype=False)
        assert found["gradients"][2] is None
        assert found["from first"] == {"rank": 0}
        assert found["largest"] == 5
        assert (found["wrong"], found["right"]) == ("no data here", None)


def test_a_single_process_keeps_its_gradients_and_words() -> None:
    weight = nn.Parameter(torch.zeros(2))
    weight.grad = gradient = torch.ones(2)
    average_gradients(torch.optim.SGD([weight], lr=1.0))
    assert weight.grad is gradient and torch.equal(gradient, torch.ones(2))
    assert (from_first("word"), largest(3)) == ("word", 3)
