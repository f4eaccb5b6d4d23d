"""A report as one self-contained page: works from disk, with no network, in any browser.

What a report says comes from its text; beside a picture of it may lie the same as figures to zoom into, or as pictures
by iteration, and a page shows those instead. So a kind of report has a page without knowing of it.
"""

import base64
import hashlib
from datetime import datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from gan_lightning.atomic import atomic_file
from gan_lightning.report.study import Study

PARTS = Path(__file__).parent
EXTRA = "a page needs the packages of the extra 'html': pip install 'gan_lightning[html]'"


def check_possible() -> None:
    """Refuse a page that could not be made.

    Raises:
        ValueError: if a package is missing, naming what to install.
    """
    missing = [name for name in ("jinja2", "markdown_it", "plotly") if find_spec(name) is None]
    if missing:
        raise ValueError(f"{EXTRA}; missing: {', '.join(missing)}")


def write_page(study: Study, folder: Path, file: Path, *, refresh: int | None = None) -> None:
    """Write a page of a report.

    Args:
        study: that was reported.
        folder: with the report's `table.md` and what that shows.
        file: the page.
        refresh: seconds after which an open page loads itself anew; None for never.

    Raises:
        OSError: if it cannot be written; an earlier page then stays as it is.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    from gan_lightning.report.page.body import Body

    body = Body(study, folder)
    html = body.render((folder / "table.md").read_text(encoding="utf-8"))
    scripts = [*([get_plotlyjs()] if body.has_figures else []), (PARTS / "page.js").read_text(encoding="utf-8")]
    pages = Environment(loader=FileSystemLoader(PARTS), autoescape=True, undefined=StrictUndefined)
    page = pages.get_template("page.html").render(
        title=body.title,
        sections=body.sections,
        body=html,
        style=(PARTS / "page.css").read_text(encoding="utf-8"),
        scripts=scripts,
        hashes=[digest(script) for script in scripts],
        refresh=refresh,
        made=f"gan_lightning {version('gan_lightning')}, {datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
    )
    with atomic_file(file) as temporary:
        temporary.write_text(page, encoding="utf-8")


def digest(script: str) -> str:
    """By which the page's own rules know a script: no other one runs in it, whatever a run is called."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
