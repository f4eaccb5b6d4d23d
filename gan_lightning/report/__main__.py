"""`python -m gan_lightning.report STUDY`: its outcome, beside the paper's where there is one; `--list`: all studies."""

if __name__ == "__main__":  # before what takes seconds to load
    import gan_lightning.start  # noqa: F401


import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_lightning.cli import add_trust, mistakes_in_one_line
from gan_lightning.own_files import check_folder
from gan_lightning.report.kinds import write_report
from gan_lightning.report.listing import studies_table
from gan_lightning.report.study import read_study


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
    add_trust(parser)
    options = parser.parse_args(arguments)
    try:
        if options.list:
            table, unreadable = studies_table(options.runs)
            print("\n".join(table))
            for line in unreadable:
                print(f"left out: {line}", file=sys.stderr)
            return 0
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
    except (ValueError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    print(text, end="")
    for line in study.unreadable:
        print(f"left out: {line}", file=sys.stderr)
    print(f"written to {output}", file=sys.stderr)
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
