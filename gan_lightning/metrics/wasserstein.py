"""The Wasserstein distance between two sets of points, exactly."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

SMOOTHING = 1 / 500
"""Of the largest cost: about the least whose exponential a double still holds."""

ITERATIONS = 200


def wasserstein_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The least mean distance over which one set of equally heavy points is moved onto another, W1.

    Between samples of two distributions it is larger, in the mean, than between the distributions themselves.

    Args:
        first, second: ``(N, d)`` each; 4,096 points take some twenty seconds.

    Raises:
        ValueError: if the sets are not equally large.
    """
    if first.shape != second.shape:
        raise ValueError(f"sets of {first.shape} and {second.shape} are not possible: they must be equally large")
    cost = cdist(first, second)
    rows, columns = assignment(cost)
    return float(cost[rows, columns].mean())


def assignment(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns ``(N,)`` of an optimal assignment of a cost matrix ``(N, N)``, non-negative.

    What is taken off a whole row or column changes the cost of all assignments alike. With smoothed potentials taken
    off, few entries are near the least, and SciPy's search, exact as before, is over an order of magnitude sooner.
    """
    if not cost.any():
        return np.arange(len(cost)), np.arange(len(cost))
    smoothing = SMOOTHING * cost.max()
    kernel = np.exp(-cost / smoothing)
    of_rows, of_columns = np.ones(len(cost)), np.ones(len(cost))
    for _ in range(ITERATIONS):  # Sinkhorn's, arXiv:1306.0895
        of_columns = 1 / (of_rows @ kernel)
        of_rows = 1 / (kernel @ of_columns)
    return linear_sum_assignment(cost - smoothing * (np.log(of_rows)[:, None] + np.log(of_columns)))
