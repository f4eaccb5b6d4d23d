"""Random streams that depend on their purpose alone."""

import hashlib
import json

import torch


def seeded_generator(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh random stream that is a function of the seed and the purpose, and of nothing else.

    Streams of different purposes are unrelated, and neither reads nor moves the global random state.

    Args:
        seed: the user's seed.
        *purpose: what the stream is for, e.g. ``"evaluation latents", 3``.
        device: where the generator lives. Equal seeds give different numbers on different kinds of device.

    Returns:
        A generator seeded with the first 63 bits of the SHA-256 of ``(seed, *purpose)``.
    """
    digest = hashlib.sha256(json.dumps([seed, *purpose]).encode()).digest()
    return torch.Generator(device=device).manual_seed(int.from_bytes(digest[:8], "big") >> 1)
