"""The formulae of the scores, as torch-fidelity computes them, quietly."""

import torch
from torch import Tensor
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD, isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

KID_SUBSET_SIZE = 1000  # Source: Binkowski et al. (arXiv:1801.01401), and torch-fidelity's default.
PRC_NEIGHBOURS = 3  # Source: Kynkäänniemi et al. (arXiv:1904.06991), section 2.
PRC_IMAGES = 10_000
"""Deviation: of larger sets so many are compared; the paper has 50,000, which take 25 times as long."""
PRC_PROTOCOL = f"{PRC_NEIGHBOURS} neighbours, as many of both sets, at most {PRC_IMAGES}, at even distances"
PRC_ROWS = 1000
"""Images whose distances are in memory at a time."""


def inception_score(logits: Tensor, splits: int) -> tuple[float, float]:
    r""":math:`\exp \mathbb{E}_x \mathrm{KL}(p(y|x) \Vert p(y))` of each split: mean and population standard deviation.

    The splits are contiguous, as in the original: torch-fidelity would shuffle first.

    Args:
        logits: ``(samples, classes)``, on the CPU.
        splits: number of parts, at most ``samples``.

    Source: Salimans et al. (arXiv:1606.03498), section 4.
    """
    result = isc_features_to_metric(logits, splits, shuffle=False)
    return result[KEY_METRIC_ISC_MEAN], result[KEY_METRIC_ISC_STD]


def frechet_distance(samples: Tensor, reference: Tensor) -> float:
    r""":math:`\lVert\mu_1-\mu_2\rVert^2 + \mathrm{Tr}(\Sigma_1+\Sigma_2-2(\Sigma_1\Sigma_2)^{1/2})`.

    Args:
        samples: features ``(M, size)``, on the CPU.
        reference: features ``(N, size)``, on the CPU. Biased upwards with few images per feature.

    Source: Heusel et al. (arXiv:1706.08500), Eq. 6.
    """
    statistics = [fid_features_to_statistics(features) for features in (samples, reference)]
    return fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID]


def kernel_distance(samples: Tensor, reference: Tensor) -> float:
    """Squared maximum mean discrepancy under a cubic kernel, the mean over 100 pairs of subsets.

    Args:
        samples: features ``(M, size)``, on the CPU.
        reference: features ``(N, size)``, on the CPU. The subsets shrink to the smaller of the two sets if need be.

    Source: Binkowski et al. (arXiv:1801.01401), section 4.
    """
    size = min(KID_SUBSET_SIZE, len(samples), len(reference))
    return kid_features_to_metric(samples, reference, kid_subset_size=size, verbose=False)[KEY_METRIC_KID_MEAN]


def precision_and_recall(samples: Tensor, reference: Tensor) -> tuple[float, float]:
    """Share of the samples inside the reference's manifold, and of the reference inside the samples'.

    A set's manifold is the union of the balls around its members that reach to their third nearest neighbour. The two
    sets are made equal in size, ``PRC_IMAGES`` at most, by taking members at even distances. Time grows with the square
    of the size: half a minute for 10,000 members with 2,048 features on one core, in 40 MB besides the features.

    Args:
        samples: features ``(M, size)``, on the CPU; at least ``PRC_NEIGHBOURS + 1``.
        reference: features ``(N, size)``, on the CPU; at least ``PRC_NEIGHBOURS + 1``.

    Source: Kynkäänniemi et al. (arXiv:1904.06991), Eqs. 1 and 2.
    """
    count = min(PRC_IMAGES, len(samples), len(reference))
    result = prc_features_to_metric(
        evenly(samples, count),
        evenly(reference, count),
        prc_neighborhood=PRC_NEIGHBOURS,
        prc_batch_size=PRC_ROWS,
        save_cpu_ram=True,
        verbose=False,
    )
    return result[KEY_METRIC_PRECISION], result[KEY_METRIC_RECALL]


def evenly(rows: Tensor, count: int) -> Tensor:
    """``count`` rows at even distances, the first one always: rows ``floor(i * N / count)``."""
    return rows[torch.arange(count) * len(rows) // count]
