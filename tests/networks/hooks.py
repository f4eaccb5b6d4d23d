"""Seeing what passes through the layers of a network."""

from typing import Any

from torch import Tensor, nn


def map_sizes(network: nn.Module, *inputs: Any) -> list[int]:
    """Rows of the maps that leave the network's layers, in order, each size once where it repeats."""
    sizes: list[int] = []

    def note(layer: nn.Module, given: Any, output: Tensor) -> None:
        if output.dim() == 4 and sizes[-1:] != [output.shape[2]]:
            sizes.append(output.shape[2])

    for layer in (layer for layer in network.modules() if not list(layer.children())):
        layer.register_forward_hook(note)
    network(*inputs)
    return sizes


def inputs_of(layer: nn.Module) -> list[Tensor]:
    """A list that gains what the layer is given, whenever it is called."""
    given: list[Tensor] = []
    layer.register_forward_hook(lambda _, inputs, output: given.append(inputs[0].clone()))
    return given
