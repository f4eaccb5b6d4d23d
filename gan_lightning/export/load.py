"""Samples of this generator; `python load.py SEED` writes 16 of them to samples.pt. Needs torch alone."""

import json
import sys
from pathlib import Path

import torch

FOLDER = Path(__file__).parent
CONFIG = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
GENERATOR = torch.export.load(FOLDER / "generator.pt2").module()


def sample(count: int, seed: int = 0) -> torch.Tensor:
    """Samples (count, *) as config.json describes them, a function of their number and the seed; classes in turn."""
    latents = torch.randn(count, CONFIG["latent_dim"], generator=torch.Generator().manual_seed(seed))
    labels = [torch.arange(count) % CONFIG["classes"]] if CONFIG["classes"] else []
    with torch.no_grad():
        return GENERATOR(latents, *labels)


if __name__ == "__main__":
    torch.save(sample(16, seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0), "samples.pt")
