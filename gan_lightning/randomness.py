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
    never see equal latents, and the union over processes does not depend on their number. A stream is named, and begins
    when it is first used: streams of other names are not moved by it.

    Args:
        seed: of the run.
        purpose: what the streams are for, as in ``seeded_generator``.
        rank, world_size: which share is taken.
        device: where the numbers are drawn.
    """

    def __init__(self, seed: int, *purpose: str | int, rank: int, world_size: int, device: torch.device) -> None:
        self.seed, self.purpose = seed, purpose
        self.rank, self.world_size, self.device = rank, world_size, device
        self._streams: dict[str, torch.Generator] = {}

    def latents(self, count: int, latent_dim: int) -> Tensor:
        """Standard normal ``(count, latent_dim)``, this process's share of ``count * world_size``."""
        stream = self._stream("latent")
        return self._share(
            torch.randn(count * self.world_size, latent_dim, generator=stream, device=self.device), count
        )

    def epsilon(self, count: int) -> Tensor:
        """Uniform on [0, 1), ``(count,)``: the penalty's mixing draws."""
        return self.uniform("epsilon", count)

    def labels(self, count: int, classes: int) -> Tensor:
        """Labels of fakes, uniform on 0 to ``classes`` - 1, int64 ``(count,)``."""
        stream = self._stream("labels")
        return self._share(
            torch.randint(classes, (count * self.world_size,), generator=stream, device=self.device), count
        )

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Uniform on [0, 1), float32.

        Args:
            name: of the stream.
            shape: of this process's share of ``(shape[0] * world_size, *shape[1:])``; without it one number, ``()``, is
                drawn, the same in every process.
        """
        stream = self._stream(name)
        if not shape:
            return torch.rand((), generator=stream, device=self.device)
        count, *rest = shape
        return self._share(torch.rand(count * self.world_size, *rest, generator=stream, device=self.device), count)

    def _stream(self, name: str) -> torch.Generator:
        if name not in self._streams:
            self._streams[name] = seeded_generator(self.seed, *self.purpose, name, device=self.device)
        return self._streams[name]

    def _share(self, draws: Tensor, count: int) -> Tensor:
        return draws[self.rank * count : (self.rank + 1) * count]

    def state_dict(self) -> dict[str, Tensor]:
        """The state of the streams that were used so far, by name."""
        return {name: stream.get_state() for name, stream in self._streams.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Set streams on; one that the state does not know begins when it is first used."""
        for name, value in state.items():
            self._stream(name).set_state(value.cpu())
