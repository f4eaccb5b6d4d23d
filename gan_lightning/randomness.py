"""Random streams that depend on a seed and a purpose, never on the global generator."""

import hashlib

import torch
from torch import Tensor


def seeded_generator(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator whose stream is a function of the seed and the purpose alone.

    Args:
        seed: any integer.
        purpose: what the numbers are for, e.g. ``"latent"`` or ``("block", 3)``; different purposes give
            independent streams.
        device: where the numbers are drawn; the same seed gives other numbers on another kind of device.
    """
    digest = hashlib.sha256(repr((seed, *purpose)).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)


class RandomStreams:
    """The training draws of one process: its slice of what is drawn for the global batch.

    Every process draws the whole global batch from the same streams and takes its contiguous share, so processes
    never see equal latents, and the union over processes does not depend on their number.

    Args:
        seed: of the run.
        purpose: what the streams are for, as in ``seeded_generator``.
        rank, world_size: which share is taken.
        device: where the numbers are drawn.
    """

    def __init__(self, seed: int, *purpose: str | int, rank: int, world_size: int, device: torch.device) -> None:
        self.rank, self.world_size, self.device = rank, world_size, device
        self._latent = seeded_generator(seed, *purpose, "latent", device=device)
        self._epsilon = seeded_generator(seed, *purpose, "epsilon", device=device)

    def latents(self, count: int, latent_dim: int) -> Tensor:
        """Standard normal ``(count, latent_dim)``, this process's share of ``count * world_size``."""
        latents = torch.randn(count * self.world_size, latent_dim, generator=self._latent, device=self.device)
        return self._share(latents, count)

    def epsilon(self, count: int) -> Tensor:
        """Uniform on [0, 1), ``(count,)``: the penalty's mixing draws."""
        return self._share(torch.rand(count * self.world_size, generator=self._epsilon, device=self.device), count)

    def _share(self, draws: Tensor, count: int) -> Tensor:
        return draws[self.rank * count : (self.rank + 1) * count]

    def state_dict(self) -> dict[str, Tensor]:
        return {"latent": self._latent.get_state(), "epsilon": self._epsilon.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._latent.set_state(state["latent"].cpu())
        self._epsilon.set_state(state["epsilon"].cpu())
