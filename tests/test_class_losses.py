"""The auxiliary classifier's terms at class scores whose cross-entropy is known."""

from math import log

import pytest
import torch
from torch import Tensor

from gan_lightning.class_losses import AuxiliaryClassifier, accuracy

LABELS = torch.tensor([0, 1])


def sure_of(probability: float) -> Tensor:
    """Class scores of two samples that give their own class of two this probability."""
    score = log(probability / (1 - probability))
    return torch.tensor([[score, 0.0], [0.0, score]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("real", "fake", "term"), [(1.0, 0.0, log(2)), (0.5, 0.0, log(2) / 2), (1.0, 2.0, log(2) + 2 * log(4))]
)
def test_critic_learns_from_real_and_from_fake_by_their_weights(real: float, fake: float, term: float) -> None:
    loss = AuxiliaryClassifier(real=real, fake=fake, generator=7.0)
    added, _ = loss.critic_term(sure_of(1 / 2), sure_of(1 / 4), LABELS)
    assert added.item() == pytest.approx(term)


def test_generator_wants_its_class_told() -> None:
    term = AuxiliaryClassifier(real=3.0, fake=3.0, generator=0.1).generator_term(sure_of(1 / 4), LABELS)
    assert term.item() == pytest.approx(log(4) / 10)


def test_accuracies_are_of_real_and_of_fake() -> None:
    _, measures = AuxiliaryClassifier(real=1.0, fake=0.0, generator=0.1).critic_term(
        sure_of(0.9), sure_of(0.9), torch.tensor([0, 0])
    )
    assert {name: value.item() for name, value in measures.items()} == {
        "class_accuracy_real": 0.5,
        "class_accuracy_fake": 0.5,
    }
    assert accuracy(sure_of(0.9), LABELS).item() == 1


@pytest.mark.parametrize("name", ["real", "fake", "generator"])
def test_negative_weights_are_refused(name: str) -> None:
    weights = {"real": 1.0, "fake": 0.0, "generator": 0.1} | {name: -1.0}
    with pytest.raises(ValueError, match=rf"^{name}=-1\.0 is not possible: a number of at least 0 is needed$"):
        AuxiliaryClassifier(**weights)
