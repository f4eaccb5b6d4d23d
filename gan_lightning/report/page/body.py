"""The text of a report as HTML, with what lies beside its pictures in their places."""

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from gan_lightning.report.page.frames import samples_by_iteration
from gan_lightning.report.plots.interactive import SUFFIX
from gan_lightning.report.samples import FRAMES_SUFFIX
from gan_lightning.report.study import Study


class Body:
    """A report's text as HTML, its pictures within.

    Attributes:
        title: the report's.
        sections: anchor and title of each.
        has_figures: whether it has figures that Plotly draws.
    """

    def __init__(self, study: Study, folder: Path) -> None:
        self.study, self.folder = study, folder
        self.title = study.name
        self.sections: list[tuple[str, str]] = []
        self.has_figures = False

    def render(self, text: str) -> str:
        """The text's HTML: no HTML of its own and no links, as what it says may be a stranger's."""
        parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "autolink", "reference"])
        tokens = parser.parse(text)
        for opening, content in pairwise(tokens):
            if opening.type == "heading_open" and opening.tag == "h1":
                self.title = content.content
            elif opening.type == "heading_open" and opening.tag == "h2":
                self.sections.append((f"section-{len(self.sections) + 1}", content.content))
                opening.attrSet("id", self.sections[-1][0])
            elif opening.type == "th_open":
                opening.attrSet("scope", "col")
            elif opening.type == "table_open":
                opening.type, opening.content = "html_block", self.table_opens()
            elif opening.type == "table_close":
                opening.type, opening.content = "html_block", "</table></div>\n"
        for opening, content, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
            if content.children and [child.type for child in content.children] == ["image"]:
                (image,) = content.children
                image.type, image.content = "html_inline", self.image(str(image.attrGet("src")), image.content)
                opening.hidden = closing.hidden = True  # no paragraph has a figure in it
        return parser.renderer.render(tokens, parser.options, {})

    def table_opens(self) -> str:
        """A table scrolls in itself, by the keyboard too, and not the page."""
        name = self.sections[-1][1] if self.sections else self.title
        return f'<div class="table" role="region" tabindex="0" aria-label="{escape(name)}: table"><table>\n'

    def image(self, name: str, alt: str) -> str:
        """A picture of the report: as figures, as samples by iteration, or as it is; nothing but its name else."""
        file = self.folder / Path(name).name
        figures, frames = file.with_suffix(SUFFIX), file.with_suffix(FRAMES_SUFFIX)
        if Path(name).name != name or not file.is_file():
            return str(Markup("<em>{}</em>").format(alt))
        if figures.is_file():
            self.has_figures = True
            return self.data("figures", alt, json.loads(figures.read_text(encoding="utf-8")))
        if frames.is_file() and not self.study.archived:
            shown = samples_by_iteration(self.study.directory, json.loads(frames.read_text(encoding="utf-8")))
            if shown:
                return self.data("samples", alt, shown)
        content = base64.b64encode(file.read_bytes()).decode()
        return str(Markup('<img class="picture" alt="{}" src="data:image/png;base64,{}">').format(alt, content))

    def data(self, kind: str, alt: str, content: Any) -> str:
        """What the page's script makes something of, as data that no browser takes for anything else."""
        safe = Markup(json.dumps(content, allow_nan=False).replace("<", "\\u003c"))
        block = Markup('<div class="{0}" data-label="{1}"><script type="application/json">{2}</script></div>')
        return str(block.format(kind, alt, safe))
