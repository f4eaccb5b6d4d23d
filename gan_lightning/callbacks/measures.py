"""Logging at intervals, the held-out critic loss, and the end of a run that diverges."""

from collections.abc import Mapping
from typing import cast

import lightning as L
import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from gan_lightning.data.base import RealData
from gan_lightning.module import AdversarialModule, Diverged


class Measures(L.Callback):
    """Logs the losses and the held-out critic loss; the only place where a step's numbers reach the host.

    Args:
        data: whose held-out samples are used.
        log_every: generator iterations between rows of training losses, and between looks for a non-finite loss.
        held_out_every: generator iterations between held-out critic losses.
    """

    def __init__(self, data: RealData, *, log_every: int, held_out_every: int) -> None:
        self.data, self.log_every, self.held_out_every = data, log_every, held_out_every

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Tensor | Mapping | None,
        batch: object,
        batch_idx: int,
    ) -> None:
        module = cast(AdversarialModule, pl_module)
        if not outputs:  # Lightning takes a StopIteration for a step that there was no need for
            raise RuntimeError(
                f"a network or an objective raised StopIteration after generator iteration {trainer.global_step}: an "
                "iterator there has come to its end"
            )
        if is_due(trainer, self.log_every):
            check_finite(trainer, module)
            log_means(trainer, cast(Mapping[str, Tensor], outputs))
        if is_due(trainer, self.held_out_every):
            loss = module.held_out_critic_loss(self.data.held_out_batches())
            log_means(trainer, {"val/critic_loss": loss})


def is_due(trainer: L.Trainer, every: int) -> bool:
    """Whether this generator iteration is a multiple of ``every``, or the last.

    A run that ends between two multiples and later goes on keeps what was measured at that end: one row more than an
    uninterrupted run has, and perhaps its best score. Training is the same to the last bit.
    """
    return trainer.global_step % every == 0 or trainer.global_step == trainer.max_steps


def log_means(trainer: L.Trainer, measures: Mapping[str, Tensor]) -> None:
    """Log scalars at the current generator iteration, averaged over processes."""
    means = {name: float(trainer.strategy.reduce(value, reduce_op="mean")) for name, value in measures.items()}
    for logger in trainer.loggers:
        logger.log_metrics(means, step=trainer.global_step)


def check_finite(trainer: L.Trainer, module: AdversarialModule) -> None:
    """Look whether all losses so far were finite, and whether all is that a checkpoint keeps of the networks.

    Raises:
        Diverged: in every process, if one of them met a number that is not.
    """
    lost = torch.stack([~module.finite, ~all_finite(module)]).to(torch.float32)
    of_losses, of_networks = trainer.strategy.reduce(lost, reduce_op="sum").tolist()
    if of_losses or of_networks:
        what = "a loss" if of_losses else "a parameter or buffer"
        raise Diverged(f"{what} was not finite at or before generator iteration {trainer.global_step}")


def all_finite(module: AdversarialModule) -> Tensor:
    """Whether every parameter and every buffer is finite that checkpoints keep, a scalar on the module's device.

    The latest update has changed the parameters after the losses were taken; buffers, such as the statistics of batch
    normalisation, may have overflowed beside losses that did not.
    A mask of infinities must be a buffer that is not kept.
    """
    tensors = [value for value in module.state_dict().values() if isinstance(value, Tensor) and value.numel()]
    kept = [tensor for tensor in tensors if tensor.is_floating_point() or tensor.is_complex()]
    return get_total_norm(kept, torch.inf).isfinite()
