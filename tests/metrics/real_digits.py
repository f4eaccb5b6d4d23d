"""The digits that a run trains on, as pictures to score."""

from torch import Tensor

from gan_lightning.data.digits import Digits
from gan_lightning.metrics.train_classifier import everything


def real_digits() -> Tensor:
    """Images, uint8 ``(1500, 1, 8, 8)``."""
    return everything(Digits(image_shape=(1, 8, 8), batch_size=1, n_critic=1, seed=0).splits[0])[0]
