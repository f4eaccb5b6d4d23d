"""`python -m gan_lightning.report STUDY`: its outcome, beside the paper's where there is one; `--list`: all studies."""

if __name__ == "__main__":  # before what takes seconds to load
    import gan_lightning.start  # noqa: F401


import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_lightning.cli import add_trust, mistakes_in_one_line
from gan_lightning.own_files import check_folder
from gan_lightning.report.kinds import write_report
from gan_lightning.report.listing import studies_table
from gan_lightning.report.page import check_possible, write_page
from gan_lightning.report.study import Study, plan_of_file, read_study
from gan_lightning.runs.search import read_record
from gan_lightning.runs.start import read_start
from gan_lightning.runs.sweep import planned_names

WATCH = 30
"""Seconds between two looks at runs that are trained."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Report a study; return the exit code, 2 for what the user can mend."""
    parser = argparse.ArgumentParser("python -m gan_lightning.report", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "study", nargs="?", help="name of a file in sweeps/, such as table2_laptop, or path to a directory of runs"
    )
    what.add_argument("--list", action="store_true", help="show all studies, and how far each has come")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where study directories lie (default: runs)")
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FOLDER",
        help="read this folder instead: of runs, or of the CSV files of an earlier report",
    )
    parser.add_argument(
        "--beside",
        type=Path,
        metavar="FOLDER",
        help="take the runs of other methods and seeds from the CSV files of an earlier report, such as ours",
    )
    parser.add_argument("--output", type=Path, help="where to write (default: 'report' in the study's directory)")
    comparison = parser.add_argument_group(
        "comparison", "runs by what differs between them, as of a directory without a file in sweeps/"
    )
    comparison.add_argument("--by", metavar="KEY,KEY", help="groups by these settings, such as objective or seed")
    comparison.add_argument("--score", metavar="NAME", help="sorts by this score, not by the one runs were judged by")
    comparison.add_argument("--x", choices=("iterations", "seconds"), help="draws curves along this alone")
    page = parser.add_argument_group("page", "the report as one self-contained HTML file, which needs no network")
    page.add_argument("--html", type=Path, metavar="FILE", help="write the page there")
    page.add_argument(
        "--watch",
        type=int,
        nargs="?",
        const=WATCH,
        metavar="SECONDS",
        help=f"while runs are trained, report anew every so many seconds (default: {WATCH}), and have the page reload",
    )
    add_trust(parser)
    options = parser.parse_args(arguments)
    try:
        check_page(options)
        if options.list:
            return list_studies(options.runs)
        return watch(options) if options.watch else once(options)
    except (ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def list_studies(runs: Path) -> int:
    """Print all studies, and how far each has come."""
    table, unreadable = studies_table(runs)
    print("\n".join(table))
    for line in unreadable:
        print(f"left out: {line}", file=sys.stderr)
    return 0


def check_page(options: argparse.Namespace) -> None:
    """Refuse what cannot become a page, before any run is read.

    Raises:
        ValueError: naming the option.
    """
    if options.html:
        check_possible()
        if options.html.is_dir():
            raise ValueError(f"--html {options.html} is not possible: that is a directory; name a file")
    if options.list and (options.html or options.watch):
        raise ValueError("--list beside --html or --watch is not possible: a page is of one study")
    if options.watch is not None and options.watch < 1:
        raise ValueError(f"--watch {options.watch} is not possible: at least 1 second")


def once(options: argparse.Namespace) -> int:
    """Report what is there and print it."""
    study, output, text = report(options)
    write_own_page(options, study, output, reloads=False)
    return tell(options, study, output, text)


def watch(options: argparse.Namespace) -> int:
    """Report again and again until all that is planned has ended, or Ctrl-C; the last page does not reload itself."""
    try:
        while True:
            study, output, text = report(options)
            is_over = has_ended(study)
            write_own_page(options, study, output, reloads=not is_over)
            if is_over:
                return tell(options, study, output, text)
            ended = sum(run.ended for run in study.runs)
            print(f"{ended} of {len(study.runs)} runs have ended; again in {options.watch} s", file=sys.stderr)
            time.sleep(options.watch)
    except KeyboardInterrupt:
        print("watched until here", file=sys.stderr)
    return once(options)


def has_ended(study: Study) -> bool:
    """Whether nothing more is to come: of the last start, or of the study's file, every run has ended."""
    ended = {run.directory.name for run in study.runs if run.ended}
    if study.archived or len(ended) < len(study.runs):
        return study.archived
    start = read_start(study.directory, typed=[])
    plan = start.plan if start else plan_of_file(study.name)
    record = read_record(study.directory)
    is_over = record is None or record.all_begun
    return is_over and set(planned_names(plan, study.directory) if plan else ()) <= ended


def report(options: argparse.Namespace) -> tuple[Study, Path, str]:
    """Write the report; return what was reported, where to, and its text."""
    study = read_study(
        options.study,
        options.runs,
        source=options.source,
        beside=options.beside,
        trusted=options.trust,
        compared=comparison_of(options),
    )
    place = options.runs / study.name if study.archived else study.directory  # an earlier report stays as it is
    output = options.output or check_folder(place / "report")
    text = write_report(study, output)
    return study, output, text


def write_own_page(options: argparse.Namespace, study: Study, output: Path, *, reloads: bool) -> None:
    """Write the page of a report where one is asked for, which loads itself anew (``reloads``) if more is to come."""
    if options.html:
        write_page(study, output, options.html, refresh=options.watch if reloads else None)


def tell(options: argparse.Namespace, study: Study, output: Path, text: str) -> int:
    """Print what was reported, and say where it lies."""
    print(text, end="")
    for line in study.unreadable:
        print(f"left out: {line}", file=sys.stderr)
    print(f"written to {output}", file=sys.stderr)
    if options.html:
        print(f"page: {options.html}", file=sys.stderr)
    return 0


def comparison_of(options: argparse.Namespace) -> dict[str, Any]:
    """What is asked of a comparison; empty where nothing is."""
    asked = {
        "by": options.by and [name for name in options.by.split(",") if name],
        "score": options.score,
        "x": options.x and [options.x],
    }
    return {name: value for name, value in asked.items() if value}


if __name__ == "__main__":
    with mistakes_in_one_line():
        sys.exit(main())
