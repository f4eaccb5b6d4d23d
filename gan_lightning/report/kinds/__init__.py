"""Report kinds: `report.kind` names a module of this folder, with a dataclass `Settings` and a `write_report`.

A kind for one table or figure has settings of its own; `groups` is for any study whose runs fall into groups.
"""

import pkgutil
import shutil
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, cast

from gan_lightning.atomic import atomic_file
from gan_lightning.report.study import Study, report_settings


class Kind(Protocol):
    """What a module of this folder offers; imported when it is asked for, since it may need heavy packages."""

    Settings: type
    """The `report` section of a study of this kind, `kind` and `paper_item` aside."""

    def write_report(self, study: Study, settings: Any, output: Path) -> str:
        """Write the report's pictures and CSV files into `output`, made where it is missing, and return its text."""
        ...


def known_kinds() -> list[str]:
    """The names of the modules of this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_kind(study: Study) -> Kind:
    """The module that the study's `report.kind` names.

    Raises:
        ValueError: if there is none of that name.
    """
    name = study.report.get("kind")
    if name not in known_kinds():
        raise ValueError(f"{study.file}: report.kind: '{name}' is not known; known are {', '.join(known_kinds())}")
    return cast(Kind, import_module(f"{__name__}.{name}"))


def write_report(study: Study, output: Path) -> str:
    """Write the report that the study asks for into `output`, its text as `table.md`, and return the text.

    Raises:
        ValueError: if the study's settings are unsound or its runs not fit for this kind of report.
        OSError: if it cannot be written; an earlier report then stays as it is.
    """
    kind = load_kind(study)
    settings = report_settings(study, kind.Settings)
    with TemporaryDirectory() as folder:  # an earlier report stays as it is until this one is whole
        text = kind.write_report(study, settings, Path(folder))
        (Path(folder) / "table.md").write_text(text, encoding="utf-8")
        for file in sorted(Path(folder).iterdir()):
            with atomic_file(output / file.name) as temporary:
                shutil.copyfile(file, temporary)
    return text
