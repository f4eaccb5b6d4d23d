import json
from pathlib import Path

import pytest
import torch
from commands import for_processes
from real_digits import real_digits
from torch import distributed, multiprocessing, nn

from gan_lightning.images import to_uint8
from gan_lightning.metrics.image_scorer import ImageScorer
from gan_lightning.sampling import Sampler

BLOCKS = 5  # over two processes 3 and 2, over three 2, 2 and 1


def scores(samples: int) -> dict[str, float]:
    """Scores of a generator with batch norm, against 250 real digits in batches of 100, 100 and 50."""
    torch.manual_seed(0)
    generator = nn.Sequential(
        nn.Linear(4, 64), nn.BatchNorm1d(64, track_running_stats=False), nn.Tanh(), nn.Unflatten(1, (1, 8, 8))
    )
    scorer = ImageScorer(
        extractor="digits_classifier",
        prefix="digits",
        scores=["isc", "fid", "kid", "prc"],
        samples=samples,
        splits=4,
        seed=0,
    )
    reference = real_digits()[:250].split(100)
    sampler = Sampler(generator, latent_dim=4, device=torch.device("cpu")).followed_by(to_uint8)
    return scorer.score(sampler, reference)


def process(rank: int, folder: Path) -> None:
    """Score as one of one, of two and of three processes, and write down what came out."""
    torch.set_num_threads(1)
    for processes in (1, 2, 3):
        if rank >= processes:
            continue
        if processes > 1:
            store = f"file://{folder}/store{processes}"
            distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=processes)
        results = {"uneven": scores(100 * BLOCKS), "fewer blocks than processes": scores(100)}
        if rank == 0:
            images = real_digits()[:100].split(50)
            alone = ImageScorer(
                extractor="digits_classifier", prefix="digits", scores=["isc"], samples=100, splits=2, seed=0
            )
            results["given images, in one process alone"] = alone.score_images(images)
        (folder / f"{processes}_{rank}.json").write_text(json.dumps(results))
        if processes > 1:
            distributed.barrier()
            distributed.destroy_process_group()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    with for_processes(Path(__file__).parent):
        multiprocessing.spawn(process, (folder,), nprocs=3)
    return folder


@pytest.mark.parametrize(("processes", "rank"), [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
def test_every_process_of_several_gets_the_score_of_one_process_to_the_last_bit(
    results: Path, processes: int, rank: int
) -> None:
    alone = json.loads((results / "1_0.json").read_text())
    shared = json.loads((results / f"{processes}_{rank}.json").read_text())
    names = {"score", "score_std", "fid", "kid", "precision", "recall"}
    assert set(alone["uneven"]) == {f"digits_{name}" for name in names}
    assert shared == {case: alone[case] for case in shared}
