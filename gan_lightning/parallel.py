"""What the processes that train one run together share: their places, their weights at the start, their gradients."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.optim import Optimizer


def rank_and_processes() -> tuple[int, int]:
    """Which process of ``torch.distributed`` this is, and of how many."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def average_gradients(optimizer: Optimizer) -> None:
    """Give an optimiser's parameters the mean of their gradients over the processes; a single one is left alone.

    Where every process has an equal share of a batch, means over the shares have the batch's mean as their mean. It is
    called when a backward pass is over, so that the double backward of a penalty waits for nobody, and is one
    all-reduce of one flat tensor. Parameters without a gradient have none in any process.

    ``benchmarks/data_parallel.py`` sets other ways beside it. On two threads of a CPU (gloo) an all-reduce for each
    parameter takes 1.3 to 1.5 times as long; torch's own wrappers 0.84 to 1.02 times, and want each loss to be the
    forward pass of a module in which all parameters take part.
    """
    _, processes = rank_and_processes()
    if processes == 1:
        return
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    mean = _flat(gradients)
    distributed.all_reduce(mean)
    mean /= processes
    for gradient, part in zip(gradients, mean.split([gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def start_equal(network: nn.Module) -> None:
    """Give every process the first one's parameters and buffers; machines may round initial weights differently."""
    for tensor in network.state_dict().values():
        distributed.broadcast(tensor, src=0)


def from_first(value: Any) -> Any:
    """A plain value that the first process knows, in every process; ``value`` itself where there is one alone."""
    if not distributed.is_initialized():
        return value
    values = [value]
    distributed.broadcast_object_list(values, src=0, device=torch.device("cpu"))
    return values[0]


class TogetherError(Exception):
    """What went wrong in one process, raised in all of them at the same place: they are still in step."""


def raise_together(error: str | None) -> None:
    """Raise in every process what went wrong in one of them; nothing where nothing did in any.

    Raises:
        TogetherError: with the first error that a process has.
    """
    if not distributed.is_initialized():
        return
    errors: list[str | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(errors, error)
    for each in filter(None, errors):
        raise TogetherError(each)


def largest(value: int) -> int:
    """The largest of the processes' whole numbers."""
    if not distributed.is_initialized():
        return value
    tensor = torch.tensor(value)
    distributed.all_reduce(tensor, op=distributed.ReduceOp.MAX)
    return int(tensor)


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
