"""How samples are scored."""

from gan_lightning.metrics.scorer import Scorer

__all__ = ["Scorer"]
