"""Pages that are made of what stands elsewhere: README, the studies in sweeps/, every option of conf/."""

import re
from itertools import takewhile
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from gan_lightning.report.study import swept

PROJECT = Path(__file__).parent.parent
RESULTS = PROJECT / "benchmarks" / "results"

LINK = re.compile(r"(!?\[[^\]]*\])\((?!https?:|#)([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and the pictures that they show."""
    pictures: dict[Path, str] = {}
    pages = {
        "index.md": with_links((PROJECT / "README.md").read_text(encoding="utf-8"), PROJECT, pictures),
        "studies.md": studies(pictures),
        "options.md": options(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    for picture, name in pictures.items():
        files.append(File.generated(config, name, abs_src_path=str(picture)))
    return files


def with_links(text: str, folder: Path, pictures: dict[Path, str]) -> str:
    """A text whose links to pictures lead to their copies on the site; of links to other files, the name alone is left.

    Args:
        text: Markdown.
        folder: that it lies in.
        pictures: those of the site so far, to which its own are added.
    """

    def moved(match: re.Match[str]) -> str:
        words, place = match.groups()
        file = (folder / place.partition("#")[0]).resolve()
        if file.suffix in (".png", ".gif") and file.is_file():
            return f"{words}({kept(file, pictures)})"
        return words.lstrip("!")[1:-1]

    return LINK.sub(moved, text)


def kept(picture: Path, pictures: dict[Path, str]) -> str:
    """Where a picture of the project lies on the site, to whose pictures it is added."""
    return pictures.setdefault(picture, "pictures/" + "-".join(picture.relative_to(PROJECT).parts))


def comment_of(lines: list[str]) -> str:
    """The comment at the head of a YAML file, as text."""
    head = takewhile(lambda line: line.startswith("#"), lines)
    return " ".join(line.lstrip("# ").rstrip() for line in head if not line.startswith("# @package"))


def studies(pictures: dict[Path, str]) -> str:
    """What `sweeps/README.md` says, then each study with what it sweeps and its picture where one is kept."""
    text = with_links((PROJECT / "sweeps" / "README.md").read_text(encoding="utf-8"), PROJECT / "sweeps", pictures)
    lines = [text, "", "## Every study", ""]
    for file in sorted((PROJECT / "sweeps").glob("*.yaml")):
        content = file.read_text(encoding="utf-8")
        axes = swept(file)
        lines += [f"### {file.stem}", "", comment_of(content.splitlines()), ""]
        lines += [f"    python train.py -m +sweeps={file.stem} hydra/launcher=joblib", ""]
        if axes:
            lines += ["Sweeps " + ", ".join(f"`{axis}` over `{values}`" for axis, values in axes.items()) + ".", ""]
        for picture in sorted((RESULTS / file.stem).glob("*.png"))[:3]:
            lines += [f"![{file.stem}: {picture.stem}]({kept(picture, pictures)})", ""]
    return "\n".join(lines)


def options() -> str:
    """A table for each option of each config group: its settings with their comments, which name sources."""
    lines = [
        "# Options",
        "",
        "Every setting of `python train.py`, group by group, made of the YAML files in `conf/`; their comments name "
        "the source. A group's option is chosen as `GROUP=OPTION`, a setting is set as `KEY=VALUE`.",
        "",
        "## Settings of their own",
        "",
        *settings_table(PROJECT / "conf" / "train.yaml"),
    ]
    for group in sorted(path for path in (PROJECT / "conf").iterdir() if path.is_dir() and path.name != "hydra"):
        lines += ["", f"## {group.name}", ""]
        for file in sorted(group.glob("*.yaml")):
            head = comment_of(file.read_text(encoding="utf-8").splitlines())
            lines += ["", f"### {group.name}={file.stem}", "", head, "", *settings_table(file)]
    return "\n".join(lines) + "\n"


def settings_table(file: Path) -> list[str]:
    """The settings of a YAML file with the comments on their lines; without what composes it."""
    rows = settings_of(file.read_text(encoding="utf-8").splitlines())
    if not rows:
        return []
    cells = [[f"`{key}`", f"`{value}`" if value else "", comment] for key, value, comment in rows]
    return ["| setting | value | |", "|---|---|---|", *(f"| {' | '.join(escaped(c) for c in row)} |" for row in cells)]


def escaped(cell: str) -> str:
    """A cell that divides no others."""
    return cell.replace("|", "\\|")


def settings_of(lines: list[str]) -> list[tuple[str, str, str]]:
    """Dotted key, value and comment of every line of a YAML file that sets something."""
    rows: list[tuple[str, str, str]] = []
    path: list[tuple[int, str]] = []
    for line in lines:
        match = re.match(r"( *)([\w/@ ]+?):(?: +(.*))?$", line)
        if not match:
            continue
        indent, key, rest = len(match[1]), match[2], match[3] or ""
        path = [(depth, name) for depth, name in path if depth < indent]
        value, _, comment = rest.partition(" #") if not rest.startswith("#") else ("", "", rest.lstrip("#"))
        dotted = ".".join([*(name for _, name in path), key])
        if dotted.split(".")[0] not in ("defaults", "hydra") and (value.strip() or comment.strip()):
            rows.append((dotted, value.strip(), comment.strip()))
        path.append((indent, key))
    return rows
