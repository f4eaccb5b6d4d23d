"""Random streams that depend on a seed and a purpose, never on the global generator."""

import hashlib

import torch


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
