"""`python -m gan_lightning.report STUDY`: the outcome of a study beside the paper's."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gan_lightning.report.runs import Study, read_study


def main(arguments: Sequence[str] | None = None) -> int:
    """Report a study; return the exit code, 2 for what the user can mend."""
    parser = argparse.ArgumentParser("python -m gan_lightning.report", description=__doc__)
    parser.add_argument("study", help="name of a file in sweeps/, such as table2_laptop, or path to a study directory")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where study directories lie (default: runs)")
    parser.add_argument("--output", type=Path, help="where to write (default: 'report' inside the study directory)")
    options = parser.parse_args(arguments)
    try:
        study = read_study(options.study, options.runs)
        output = options.output or study.directory / "report"
        print(report(study, output), end="")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"written to {output}", file=sys.stderr)
    return 0


def report(study: Study, output: Path) -> str:
    """Write the report of the study's kind into `output` and return its text; a new shape is a new case here."""
    match study.report.get("kind"):
        case "success_table":
            from gan_lightning.report.success_table import write_report  # heavy: imported when it is needed

            return write_report(study, output)
        case kind:
            raise ValueError(f"{study.file}: report.kind: '{kind}' is not known; known is success_table")


if __name__ == "__main__":
    sys.exit(main())
