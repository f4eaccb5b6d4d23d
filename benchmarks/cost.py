"""``python -m benchmarks.cost STUDY …``: floating-point operations of whole studies, and hours at a stated rate."""

import argparse
import json
from statistics import mean

import gan_lightning.cli  # noqa: F401 - registers the resolvers that the configuration needs
from gan_lightning.planning.operations import cost_of_iteration
from gan_lightning.planning.plan import planned_runs, settings_of


def cost_of(study: str, *, most: int, overrides: list[str]) -> dict[str, float]:
    """What a study's runs take: their number, and the operations of a run, on average over the first ``most``."""
    runs = planned_runs(study, overrides)
    totals = [run["generator_steps"] * cost_of_iteration(run).operations for run in settings_of(runs[:most])]
    return {"runs": len(runs), "counted": len(totals), "operations_of_a_run": mean(totals)}


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("studies", nargs="+", help="names of files in sweeps/")
    parser.add_argument("--rate", type=float, default=50.0, help="sustained TFLOP/s of the device (default: 50)")
    parser.add_argument("--most", type=int, default=100, help="runs counted of a study; the others cost their mean")
    parser.add_argument("--override", action="append", default=[], help="of every run, such as trainer=cpu")
    options = parser.parse_args()
    for study in options.studies:
        cost = cost_of(study, most=options.most, overrides=options.override)
        hours = cost["operations_of_a_run"] / (options.rate * 1e12) / 3600
        print(json.dumps({"study": study, **cost, "hours_of_a_run": hours, "hours": hours * cost["runs"]}))


if __name__ == "__main__":
    main()
