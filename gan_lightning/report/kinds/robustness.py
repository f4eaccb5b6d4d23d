"""How robust each of any number of methods is over random architectures, and what that costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from gan_lightning.report import archive
from gan_lightning.report.by_axis import axis_values, medians_by_axis, rank_tests
from gan_lightning.report.comparisons import Comparison, adjusted_p, compare, compare_all, in_words
from gan_lightning.report.compute import Curves, budgets, compare_in_equal_seconds, scores_within, timed
from gan_lightning.report.drawing import INK, Line, lines_for
from gan_lightning.report.inference import share
from gan_lightning.report.markdown import markdown_table, p_text, percent
from gan_lightning.report.methods import Method, by_method, failures, missing, quartiles
from gan_lightning.report.paper import APPENDIX_C, PAPERS_METHODS, TABLE_5
from gan_lightning.report.plots.axes import draw_axes
from gan_lightning.report.plots.compute import draw_compute
from gan_lightning.report.plots.success import Curve, draw_success_rates
from gan_lightning.report.rates import Grid, explanation, rates_table, read_grids
from gan_lightning.report.runs import (
    Point,
    Run,
    Scale,
    comparable_runs,
    protocol_words,
    read_curve,
    read_runs,
    spans,
)
from gan_lightning.report.study import Study

UNEVEN = "Not every method has ended on the same architectures: only the paired comparison is free of that."
ABSENT = Line(INK, ":")  # a curve of the paper's whose method this study lacks


@dataclass
class Settings:
    """The `report` section of a study of this kind.

    Args:
        score: what is compared, such as ``digits_score``.
        floor: the lowest possible score, which a run counts that diverged or failed.
        baseline: the method that every other is held against.
        failure_below: an architecture fails whose run diverged, failed or ends with a lower score than this.
        thresholds: of the success rates, ascending; the first and the last bound the picture.
        rates: the study in which the learning rates were chosen, a sibling of this one; null where there is none.
        within: seconds of training at which scores are compared; chosen from the data where empty.
        paper: the methods that the paper calls GAN and WGAN-GP, in this order; empty for no panel of the paper's.
        trials: the methods that appendix C compares, the two-sided penalty first; empty for no such section.
        bands: the methods whose intervals the picture shows; the table has all.
        note: what a reader should know of this study.
    """

    score: str
    floor: float
    baseline: str
    failure_below: float
    thresholds: list[float]
    rates: str | None = None
    within: list[float] = field(default_factory=list)
    paper: list[str] = field(default_factory=list)
    trials: list[str] = field(default_factory=list)
    bands: list[str] = field(default_factory=list)
    note: str = ""

    def __post_init__(self) -> None:
        ascending = self.thresholds == sorted(set(self.thresholds))
        if len(self.thresholds) < 2 or not ascending or self.thresholds[0] < self.floor:
            raise ValueError(f"thresholds must be two or more and ascend from {self.floor}, got {self.thresholds}")
        if self.failure_below <= self.floor:
            raise ValueError(f"failure_below={self.failure_below} is not possible: more than {self.floor} is needed")
        if any(seconds <= 0 for seconds in self.within):
            raise ValueError(f"within={self.within} is not possible: positive seconds are needed")
        if len(self.trials) not in (0, 2):
            raise ValueError(f"trials={self.trials} is not possible: the two-sided and the one-sided penalty, or []")
        if len(self.paper) not in (0, len(PAPERS_METHODS)):
            raise ValueError(
                f"paper={self.paper} is not possible: the methods of {' and '.join(PAPERS_METHODS)}, or []"
            )

    @property
    def scale(self) -> Scale:
        """What counts of a run."""
        return Scale(self.score, self.floor)


@dataclass(frozen=True)
class Findings:
    """What a report is made of: methods with an ended run, scores on the way, and the rates that were tried.

    `tried_left_out` has a line for each run of a tried rate that could not be read or was not scored.
    """

    methods: list[Method]
    curves: Curves
    tried: tuple[Run, ...]
    tried_left_out: tuple[str, ...]
    grids: list[Grid]

    def method(self, name: str) -> Method | None:
        """The method of a name, None where none of its runs has ended."""
        return next((method for method in self.methods if method.name == name), None)


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write three CSV files that the report can be made from again, and three pictures, into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError: if the study's runs are not comparable, or none has ended.
    """
    scored, unscored = comparable_runs(study.runs, settings.score)
    started = by_method(scored, scale=settings.scale, order=study.planned_methods)
    methods = [method for method in started if method.ended]
    if not methods:
        raise ValueError(f"{study.directory}: no run has ended yet ({len(scored)} runs)")
    tried, unreadable = read_tried(study, settings)
    tried_scored, tried_unscored = comparable_runs(tried, settings.score)
    found = Findings(
        methods,
        collect_curves(study, methods, settings.score),
        tried,
        (*unreadable, *tried_unscored),
        read_grids(tried_scored, scale=settings.scale, order=study.planned_methods),
    )
    text = "\n".join(
        [
            f"# {study.name}: {len(methods)} methods on random architectures",
            "",
            *header(study, settings, started=started, left_out=[*study.unreadable, *unscored]),
            "",
            *scores_section(found, settings),
            *trials_section(found, settings),
            *success_section(found, settings),
            *compute_section(found, settings),
            *rates_section(found, settings),
            *axes_section(found, settings),
            *papers_section(settings),
        ]
    )
    archive.write_archive(output / archive.RUNS, study.runs, score=settings.score, order=study.planned_methods)
    archive.write_archive(output / archive.RATES, tried, score=settings.score, order=study.planned_methods)
    archive.write_curves(output / archive.CURVES, found.curves)
    draw(found, settings, output)
    return text


def read_tried(study: Study, settings: Settings) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """The runs by which the rates were chosen, from beside the study or from the CSV file of an earlier report.

    Where a study has the rates of another, only those of its own methods are of interest.

    Returns:
        The runs, and a line for each `result.json` that cannot be read.
    """
    if settings.rates is None:
        return (), ()
    if study.archived:
        tried, unreadable = archive.read_archive(study.directory / archive.RATES), ()
    else:
        tried, unreadable = read_runs(study.directory.parent / settings.rates)
    if study.beside is not None:
        here = {run.method for run in tried}
        others = archive.read_archive(study.beside / archive.RATES)
        tried = (*tried, *(run for run in others if run.method not in here))
    if settings.rates == f"{study.name}_rates":
        return tried, unreadable
    return tuple(run for run in tried if run.method in study.planned_methods), unreadable


def collect_curves(study: Study, methods: Sequence[Method], score: str) -> dict[tuple[str, int], list[Point]]:
    """The scores on the way of every run that has some."""
    others = {} if study.beside is None else archive.read_curves(study.beside / archive.CURVES)
    if study.archived:
        return others | archive.read_curves(study.directory / archive.CURVES)
    curves = {(method.name, seed): read_curve(run, score) for method in methods for seed, run in method.runs.items()}
    return others | {key: points for key, points in curves.items() if points}


def header(study: Study, settings: Settings, *, started: Sequence[Method], left_out: Sequence[str]) -> list[str]:
    """What was counted, what is missing, and how the scores were taken."""
    runs = [run for method in started for run in method.runs.values()]
    expected = study.planned_seeds | {run.seed for run in runs}
    versions = sorted({run.versions["torch"] for run in runs if run.versions and "torch" in run.versions})
    names = {*study.planned_methods, *(method.name for method in started)}
    lines = [
        f"- {sum(run.ended for run in runs)} of {len(expected) * len(names)} runs have ended: {len(expected)} "
        f"architectures, each trained once by each of {len(names)} methods.",
        *(f"- Missing: {line}." for line in missing(started, expected=expected, planned=study.planned_methods)),
        *(f"- Left out: {line}." for line in left_out),
        *(f"- {line}." for line in failures(runs, settings.scale)),
        *([f"- {UNEVEN}"] if len({frozenset(method.ended) for method in started if method.ended}) > 1 else []),
        f"- Score: final {settings.score.replace('_', ' ')}; a run that diverged or failed counts as {settings.floor}, "
        "the lowest possible.",
        f"- Protocol: {protocol_words(runs)}; torch {' and '.join(versions) or 'not recorded'}.",
    ]
    if study.beside is not None:
        added = sum(run.directory.parent == study.beside for run in runs)
        lines.append(f"- {added} of the runs are those of {study.beside}: their seconds may be another machine's.")
    return [*lines, "", settings.note.strip()] if settings.note else lines


def scores_section(found: Findings, settings: Settings) -> list[str]:
    """The table of a row a method."""
    baseline = found.method(settings.baseline)
    comparisons = compare_all(found.methods, baseline) if baseline else {}
    adjusted = adjusted_p(comparisons)
    against = baseline.label if baseline else settings.baseline
    titles = ["method", "n", "rate", "median", "quartiles", "fail % [95 %]", "diverged", "failed", "near floor"]
    titles += [f"against {against}: ahead/behind/level", "p", "p (Holm)", "median difference [95 %]", "median s"]
    rows = [titles]
    for method in found.methods:
        compared = comparison_cells(comparisons.get(method.name), adjusted.get(method.name))
        rows.append([*outcome_cells(method, settings), *compared, cost(method)])
    lines = [
        "## Scores",
        "",
        *markdown_table(rows, left=1),
        "",
        f"An architecture fails if its run diverged, failed, or ended near the floor: with a score below "
        f"{settings.failure_below:g}. Rate: factor on the recipe's learning rates. Seconds: of finished runs. "
        "Differences are paired, over the architectures on which both methods have ended; p by the exact two-sided "
        f"sign test, and adjusted for {len(comparisons)} comparisons by Holm; the interval of the median "
        "difference is the sign test's.",
        "",
    ]
    if baseline is None:
        return [*lines, f"The baseline {settings.baseline} has not ended on any architecture.", ""]
    return [*lines, *rescues(comparisons, found.methods, against, settings.failure_below)]


def rescues(
    comparisons: Mapping[str, Comparison], methods: Sequence[Method], baseline: str, failure_below: float
) -> list[str]:
    """What becomes, under the other methods, of the architectures that the baseline fails on; none if it never does."""
    labels = {method.name: method.label for method in methods}
    counts = {labels[name]: comparison.rescued(failure_below) for name, comparison in comparisons.items()}
    cells = [f"{label} on {saved} of {failed}" for label, (saved, failed) in counts.items() if failed]
    return [f"Where {baseline} fails, these do not: {', '.join(cells)} architectures.", ""] if cells else []


def outcome_cells(method: Method, settings: Settings) -> list[str]:
    """What became of a method's runs."""
    scores = list(method.scores.values())
    lower, middle, upper = quartiles(scores)
    failures = sum(score < settings.failure_below for score in scores)
    diverged, failed = method.count("diverged"), method.count("failed")
    counts = [diverged, failed, failures - diverged - failed]
    return [
        method.label,
        str(len(scores)),
        " and ".join(f"{factor:g}x" for factor in method.factors) or "-",
        f"{middle:.2f}",
        f"{lower:.2f} to {upper:.2f}",
        share(failures, len(scores)),
        *map(str, counts),
    ]


def comparison_cells(comparison: Comparison | None, adjusted: float | None) -> list[str]:
    """A method against the baseline; dashes where there is nothing to compare."""
    if comparison is None:
        return ["-"] * 4
    interval = comparison.interval
    bounds = f" [{interval[0]:+.2f}, {interval[1]:+.2f}]" if interval else ""
    return [
        f"{comparison.ahead}/{comparison.behind}/{comparison.level}",
        p_text(comparison.p),
        p_text(adjusted),
        f"{median(comparison.differences):+.2f}{bounds}",
    ]


def cost(method: Method) -> str:
    """Median seconds of a method's finished runs."""
    return "-" if method.seconds is None else f"{method.seconds:.1f}"


def trials_section(found: Findings, settings: Settings) -> list[str]:
    """The two penalties of appendix C, architecture by architecture, and what the paper found."""
    if not settings.trials:
        return []
    two_sided, one_sided = map(found.method, settings.trials)
    ours = "Not both penalties have ended on any architecture yet"
    if two_sided and one_sided and (comparison := compare(two_sided, one_sided)).seeds:
        ours = in_words(comparison, two_sided.label, one_sided.label)
    return ["## Appendix C", "", f"- {ours}.", f"- {APPENDIX_C}", ""]


def success_section(found: Findings, settings: Settings) -> list[str]:
    """On which share of the architectures each method exceeds each threshold."""
    rows = [["method", *(f"> {threshold:g}" for threshold in settings.thresholds)]]
    for method in found.methods:
        scores = list(method.scores.values())
        above = [sum(score > threshold for score in scores) for threshold in settings.thresholds]
        rows.append([method.label, *(share(count, len(scores)) for count in above)])
    return [
        "## Success",
        "",
        "![Success rate over the threshold](success.png)",
        "",
        f"Percentage of architectures whose final {settings.score.replace('_', ' ')} exceeds a minimum [95 % Wilson "
        "interval]:",
        "",
        *markdown_table(rows, left=1),
        "",
    ]


def compute_section(found: Findings, settings: Settings) -> list[str]:
    """The median score within equal seconds of training."""
    methods = followed(found)
    if not methods:
        return ["## Equal compute", "", "No run has a score with its seconds in `metrics.csv`.", ""]
    moments = sorted(settings.within) or budgets(methods)
    rows = [["method", "n", *(f"within {seconds:g} s" for seconds in moments), "finished in (median s)"]]
    for method in methods:
        medians = [median(scores_within(method, found.curves, seconds)) for seconds in moments]
        number = len(timed(method, found.curves))
        rows.append([method.label, str(number), *(f"{score:.2f}" for score in medians), cost(method)])
    untimed = sum(len(method.ended) - len(timed(method, found.curves)) for method in found.methods)
    lines = [
        "## Equal compute",
        "",
        "![Score against seconds of training](compute.png)",
        "",
        "Median score within seconds of training:",
        "",
        *markdown_table(rows, left=1),
        "",
        f"Of each run the score that it was last given in that time counts, {settings.floor} before the first. A "
        "method whose runs end earlier is carried forward flat: it was not trained on, and might have gained or lost. "
        "Every method was given its iterations, not its time; its rate was chosen for those. Seconds are wall seconds "
        "of the machine that ran the study, with those that scores, pictures and checkpoints took.",
        "",
    ]
    if untimed:
        lines += [f"{untimed} finished runs have no scores with seconds: left out here.", ""]
    return [*lines, *equal_seconds(found, settings)]


def equal_seconds(found: Findings, settings: Settings) -> list[str]:
    """Every method against the baseline on each architecture, both given the seconds of the one that was done first."""
    baseline = found.method(settings.baseline)
    if baseline is None:
        return []
    comparisons = compare_all(found.methods, baseline, by=partial(compare_in_equal_seconds, curves=found.curves))
    if not comparisons:
        return []
    adjusted = adjusted_p(comparisons)
    titles = ["method", "n", "median", f"median of {baseline.label}", "ahead/behind/level", "p", "p (Holm)"]
    rows = [[*titles, "median difference [95 %]"]]
    for method in (each for each in found.methods if each.name in comparisons):
        comparison = comparisons[method.name]
        medians = [f"{median(comparison.other):.2f}", f"{median(comparison.baseline):.2f}"]
        cells = comparison_cells(comparison, adjusted[method.name])
        rows.append([method.label, str(len(comparison.seeds)), *medians, *cells])
    return [
        "## Equal seconds",
        "",
        f"Each method and {baseline.label}, architecture by architecture, the longer run cut off at the seconds at "
        "which the shorter was scored last:",
        "",
        *markdown_table(rows, left=1),
        "",
        "Of a run that is cut off counts what it was last given, which is up to one interval of scoring old: that "
        "favours the one that was done first. p, and p adjusted, as above.",
        "",
    ]


def followed(found: Findings) -> list[Method]:
    """The methods of which some run was scored at a known second."""
    return [m for m in found.methods if any(points for _, points in timed(m, found.curves))]


def rates_section(found: Findings, settings: Settings) -> list[str]:
    """The step before: which rates were tried, which was chosen, and whether it is the one that was judged."""
    judged = {method.name: method for method in found.methods}
    lines = ["## Learning rates", ""]
    left_out = [f"- Left out: {line}." for line in found.tried_left_out]
    if not found.grids:
        beside = f": there are no runs of {settings.rates} beside this study" if settings.rates else ""
        return [*lines, f"No rates were tried{beside}.", "", *left_out]
    seeds = sorted({run.seed for run in found.tried})
    shared = sorted(set(seeds) & {seed for method in found.methods for seed in method.runs})
    lines += [f"Chosen beforehand, on {len(seeds)} other architectures (seeds {spans(seeds)}):", ""]
    failed = [f"- {line}." for line in failures(found.tried, settings.scale)]
    lines += [*explanation(settings.scale), *left_out, *failed, "", *rates_table(found.grids, judged=judged), ""]
    if shared:
        lines += [f"Not independent: seeds {spans(shared)} were used to choose rates and to judge.", ""]
    return lines


def axes_section(found: Findings, settings: Settings) -> list[str]:
    """Medians by axis and value, and tests of whether an axis matters."""
    values = axis_values(found.methods)
    lines = ["## Axes of the architectures", ""]
    if not values:
        return [*lines, "The architectures do not differ in any recorded axis.", ""]
    medians, tests = medians_by_axis(found.methods), rank_tests(found.methods)
    labels = [method.label for method in found.methods]
    rows = [["axis", "value", *labels]]
    for axis, found_values in values.items():
        for value in found_values:
            cells = [medians[method.name][axis, value] for method in found.methods]
            rows.append([axis, value, *(f"{cell[0]:.2f} ({cell[1]})" if cell else "-" for cell in cells)])
    p_rows = [["axis", *labels]]
    p_rows += [[axis, *(p_text(tests[method.name, axis]) for method in found.methods)] for axis in values]
    return [
        *lines,
        "![Median score by value of each axis](axes.png)",
        "",
        "Median score (number of architectures) by value of each axis:",
        "",
        *markdown_table(rows, left=2),
        "",
        "Exploratory: p of a Kruskal-Wallis test of whether the scores differ between the values of an axis, all "
        f"others varying at random, adjusted by Holm for all {len([p for p in tests.values() if p is not None])} tests "
        "below. A small p says that an axis matters to a method; a large one does not say that it does not.",
        "",
        *markdown_table(p_rows, left=1),
        "",
    ]


def papers_section(settings: Settings) -> list[str]:
    """The paper's own success rates, for the shape; its scores are another kind."""
    if not settings.paper:
        return []
    rows = [["method", *(f"> {row.threshold:g}" for row in TABLE_5)]]
    sides = [row.baseline for row in TABLE_5], [row.penalised for row in TABLE_5]
    rows += [
        [label, *(percent(count / TABLE_5[0].total) for count in counts)]
        for label, counts in zip(PAPERS_METHODS, sides, strict=True)
    ]
    return [
        "## The paper",
        "",
        f"Percentage of {TABLE_5[0].total} architectures whose Inception score exceeds a minimum (arXiv:1704.00028, "
        "Table 5, ImageNet 32x32). Another score on other data: compare the shape, not the numbers.",
        "",
        *markdown_table(rows, left=1),
        "",
    ]


def draw(found: Findings, settings: Settings, output: Path) -> None:
    """The pictures; one that there is nothing to show in is left out."""
    lines = lines_for(method.name for method in found.methods)
    score_name = settings.score.replace("_", " ")
    draw_success_rates(
        output / "success.png",
        [
            Curve(method.label, list(method.scores.values()), lines[method.name], method.name in settings.bands)
            for method in found.methods
        ],
        thresholds=settings.thresholds,
        score_name=score_name,
        paper=papers_lines(settings, lines),
        size=(12.8, 5.6),
    )
    if followed(found):
        draw_compute(output / "compute.png", followed(found), found.curves, lines=lines, score_name=score_name)
    if axis_values(found.methods):
        draw_axes(output / "axes.png", found.methods, medians_by_axis(found.methods), score_name=score_name)


def papers_lines(settings: Settings, lines: Mapping[str, Line]) -> dict[str, Line]:
    """The paper's curves look as those of the study's own methods; dotted where there is none."""
    own = dict(zip(PAPERS_METHODS, settings.paper, strict=False))
    return {label: lines.get(name, ABSENT) for label, name in own.items()}
