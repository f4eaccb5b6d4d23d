"""The documentation builds without a warning, its links lead somewhere, and its commands are known."""

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parent.parent
PAGES = [*sorted((PROJECT / "docs").glob("*.md")), *(PROJECT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md"))]
TARGETS = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.M)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed: it comes with the extra 'dev'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def build() -> Any:
    if find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed: it comes with the extra 'dev'")
    spec = spec_from_file_location("docs_build", PROJECT / "docs" / "build.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) >= 7
    for page in pages:
        loaded = re.findall(r"<(?:script|img|link|iframe)[^>]*?(?:src|href)=\"?([^\" >]+)", page.read_text())
        assert not [place for place in loaded if place.startswith(("http", "//")) and "canonical" not in place], page


def test_every_link_and_picture_leads_to_a_file(site: Path) -> None:
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue
        for place in re.findall(r"(?:src|href)=\"?([^\" >]+)", page.read_text()):
            path = place.partition("#")[0].partition("?")[0]
            if not path or path.startswith(("http", "data:", "mailto:", "javascript:")):
                continue
            assert (page.parent / path).resolve().exists(), f"{page}: {place}"


def test_every_setting_of_every_option_is_on_the_page_with_its_comment(build: Any) -> None:
    page = build.options()
    for file in sorted((PROJECT / "conf").rglob("*.yaml")):
        if "hydra" in file.parts:
            continue
        node = yaml.safe_load(file.read_text()) or {}
        section = page.split(f"### {file.parent.name}={file.stem}\n")[-1].split("\n### ")[0]
        for key in leaves({name: value for name, value in node.items() if name not in ("defaults", "hydra")}):
            assert f"`{key}" in section, f"{file}: {key}"
    assert "| `latent_dim` | `128` | released code, every experiment but the toys |" in page


def leaves(node: dict[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys of a mapping's values, without those of mappings that stand in one line."""
    found = []
    for key, value in node.items():
        found += [f"{prefix}{key}"] if not isinstance(value, dict) else []
    return found


def test_every_study_has_its_place(build: Any) -> None:
    pictures: dict[Path, str] = {}
    page = build.studies(pictures)
    for file in (PROJECT / "sweeps").glob("*.yaml"):
        assert f"### {file.stem}\n" in page and f"+sweeps={file.stem} " in page
    assert pictures and all(picture.is_file() for picture in pictures)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_on_a_page_are_known(page: Path, compose_config: Any) -> None:
    for line in re.findall(r"^ {4}((?:python|make) .*)$|`((?:python|make) [^`]+)`", page.read_text(), re.M):
        command = shlex.split("".join(line).replace("…", "").partition("#")[0])
        if command[0] == "make":
            assert command[1] in TARGETS
        elif command[1] == "train.py":
            overrides = [word for word in command[2:] if "=" in word and not word.startswith("hydra/")]
            compose_config(*(word for word in overrides if not word.startswith("+sweeps")))
            for word in overrides:
                if word.startswith("+sweeps="):
                    assert (PROJECT / "sweeps" / f"{word.partition('=')[2]}.yaml").is_file()
        else:
            assert find_spec(command[2]) is not None


def test_the_workflow_and_the_citation_are_sound() -> None:
    workflow = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    made = [step["run"].split()[1] for step in steps if step.get("run", "").startswith("make ")]
    assert made == ["test", "check", "docs"] and set(made) <= set(TARGETS)
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    version = re.findall(r'^version = "(.*)"', (PROJECT / "pyproject.toml").read_text(), re.M)
    assert [citation["version"]] == version and citation["cff-version"] == "1.2.0" and citation["authors"]
