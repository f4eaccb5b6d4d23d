"""Imports point back along the layers, never forward; what answers at once imports nothing heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import gan_lightning

PACKAGE = Path(gan_lightning.__file__).parent

MAY_IMPORT: dict[str, set[str]] = {
    # Small things that stand on nothing.
    "atomic": set(),
    "averaging": {"ranges"},
    "class_losses": {"ranges"},
    "distributions": {"ranges"},
    "draw": set(),
    "images": set(),
    "optimizers": {"ranges"},
    "own_files": {"plain_files"},
    "parallel": set(),
    "plain_files": set(),
    "plain_pickle": set(),
    "randomness": set(),
    "ranges": set(),
    "resources": set(),
    "sampling": {"randomness"},
    "saved_tensors": {"plain_pickle"},
    # The layers, from the mathematics to the commands.
    "objectives": set(),
    "penalties": set(),
    "constraints": {"penalties", "ranges"},
    "networks": {"distributions", "ranges"},
    "data": {
        "atomic",
        "distributions",
        "images",
        "plain_files",
        "plain_pickle",
        "randomness",
        "ranges",
        "runs.interruption",
    },
    "module": {
        "averaging",
        "class_losses",
        "constraints",
        "data",
        "objectives",
        "parallel",
        "randomness",
        "sampling",
    },
    "metrics": {"atomic", "data", "images", "parallel", "ranges", "sampling", "saved_tensors"},
    # The machinery of runs, file by file: what callbacks write through stands below them, what starts them above.
    "runs": set(),
    "runs.schema": {"ranges"},
    "runs.settings": {"draw", "ranges", "runs.schema"},
    "runs.targets": {"ranges", "runs.settings"},
    "runs.plain_yaml": {"own_files"},
    "runs.result": {"atomic", "own_files"},
    "runs.identity": {"runs.result", "runs.settings"},
    "runs.directory": {
        "atomic",
        "own_files",
        "runs.identity",
        "runs.interruption",
        "runs.plain_yaml",
        "runs.result",
        "runs.schema",
        "runs.settings",
    },
    "runs.metrics_file": {"atomic", "own_files"},
    "runs.metrics_logger": {"runs.metrics_file"},
    "runs.checkpoints": {
        "atomic",
        "own_files",
        "ranges",
        "runs.directory",
        "runs.identity",
        "runs.result",
        "runs.settings",
        "saved_tensors",
    },
    "runs.interruption": set(),
    "runs.slurm": {"runs.interruption"},
    "runs.world": {"runs.settings"},
    "runs.words": {"runs.result", "runs.settings", "runs.world"},
    "callbacks": {
        "atomic",
        "data",
        "metrics",
        "module",
        "parallel",
        "runs.directory",
        "runs.interruption",
        "runs.metrics_file",
        "sampling",
    },
    "runs.packing": {"runs.interruption", "runs.settings"},
    "runs.processes": {
        "data",
        "parallel",
        "runs.interruption",
        "runs.packing",
        "runs.settings",
        "runs.words",
        "runs.world",
    },
    "runs.build": {
        "averaging",
        "class_losses",
        "constraints",
        "data",
        "metrics",
        "module",
        "objectives",
        "optimizers",
        "randomness",
        "runs.checkpoints",
        "runs.directory",
        "runs.processes",
        "runs.settings",
        "runs.targets",
        "runs.world",
    },
    "runs.dashboards": {
        "callbacks",
        "metrics",
        "own_files",
        "runs.build",
        "runs.directory",
        "runs.identity",
        "runs.metrics_logger",
        "runs.result",
        "runs.settings",
    },
    "runs.run": {
        "callbacks",
        "module",
        "own_files",
        "parallel",
        "resources",
        "runs.build",
        "runs.checkpoints",
        "runs.dashboards",
        "runs.directory",
        "runs.identity",
        "runs.interruption",
        "runs.metrics_file",
        "runs.metrics_logger",
        "runs.processes",
        "runs.result",
        "runs.settings",
        "runs.words",
        "runs.world",
    },
    "runs.intervals": set(),
    "runs.overrides": {"resources", "runs.identity", "runs.intervals", "runs.settings"},
    "runs.search": {
        "atomic",
        "own_files",
        "ranges",
        "runs.directory",
        "runs.identity",
        "runs.intervals",
        "runs.overrides",
        "runs.settings",
        "runs.world",
    },
    "runs.suggestions": {"runs.intervals", "runs.search"},
    "runs.searching": {
        "runs.directory",
        "runs.overrides",
        "runs.search",
        "runs.states",
        "runs.suggestions",
        "runs.sweep",
    },
    "runs.queueing": {"runs.directory", "runs.settings"},
    "runs.states": {"runs.directory", "runs.metrics_file", "runs.result"},
    "runs.start": {"atomic", "own_files", "resources", "runs.identity"},
    "runs.sweep": {
        "atomic",
        "runs.directory",
        "runs.identity",
        "runs.interruption",
        "runs.overrides",
        "runs.queueing",
        "runs.search",
        "runs.settings",
        "runs.slurm",
        "runs.start",
        "runs.states",
        "runs.world",
    },
    # The commands.
    "start": {"cli"},
    "cli": {
        "parallel",
        "resources",
        "runs.directory",
        "runs.identity",
        "runs.interruption",
        "runs.overrides",
        "runs.processes",
        "runs.result",
        "runs.run",
        "runs.settings",
        "runs.slurm",
        "runs.words",
        "runs.world",
    },
    "report": {
        "atomic",
        "cli",
        "data",
        "metrics",
        "module",
        "own_files",
        "penalties",
        "randomness",
        "resources",
        "runs.build",
        "runs.directory",
        "runs.identity",
        "runs.intervals",
        "runs.metrics_file",
        "runs.plain_yaml",
        "runs.result",
        "runs.search",
        "runs.settings",
        "runs.start",
        "runs.sweep",
        "start",
    },
    "planning": {
        "atomic",
        "data",
        "module",
        "report",
        "runs.build",
        "runs.overrides",
        "runs.interruption",
        "runs.packing",
        "runs.processes",
        "runs.run",
        "runs.settings",
        "runs.words",
        "sampling",
        "runs.world",
    },
    "study": {
        "start",
        "cli",
        "planning",
        "report",
        "runs.directory",
        "runs.overrides",
        "runs.queueing",
        "runs.search",
        "runs.start",
        "runs.states",
        "runs.sweep",
    },
    "api": {
        "callbacks",
        "cli",
        "module",
        "own_files",
        "ranges",
        "runs.build",
        "runs.directory",
        "runs.interruption",
        "runs.metrics_file",
        "runs.overrides",
        "runs.result",
        "runs.settings",
    },
    "__init__": {"api", "data", "module"},
    "dashboard": {
        "cli",
        "own_files",
        "report",
        "runs.dashboards",
        "runs.directory",
        "runs.metrics_file",
        "runs.result",
        "start",
    },
    "export": {
        "atomic",
        "callbacks",
        "cli",
        "data",
        "report",
        "runs.build",
        "runs.directory",
        "runs.result",
        "runs.settings",
        "runs.words",
        "sampling",
        "start",
    },
    "evaluate": {
        "start",
        "callbacks",
        "cli",
        "ranges",
        "resources",
        "runs.build",
        "runs.directory",
        "runs.processes",
        "runs.schema",
        "runs.settings",
        "runs.words",
        "runs.world",
    },
    "nearest": {"atomic", "data", "metrics"},
    "animate": {"atomic", "own_files", "report"},
    "sample": {
        "animate",
        "atomic",
        "nearest",
        "callbacks",
        "cli",
        "data",
        "images",
        "own_files",
        "ranges",
        "runs.build",
        "runs.directory",
        "sampling",
        "start",
    },
}
"""By file or folder of the package, and by file of `runs`: which others it may import, besides itself."""

MAY_IMPORT_HYDRA = {
    "api",
    "cli",
    "planning",
    "report",
    "runs.intervals",
    "runs.overrides",
    "runs.search",
    "runs.sweep",
    "study",
}
TORCH_ALONE = (
    "distributions",
    "objectives",
    "penalties",
    "constraints",
    "class_losses",
    "networks",
    "optimizers",
    "parallel",
    "randomness",
    "sampling",
    "images",
)
QUICK = (
    "atomic",
    "cli",
    "draw",
    "own_files",
    "plain_files",
    "report",
    "report.__main__",
    "resources",
    "runs.directory",
    "runs.identity",
    "runs.interruption",
    "runs.metrics_file",
    "runs.overrides",
    "runs.packing",
    "runs.queueing",
    "runs.result",
    "runs.settings",
    "runs.slurm",
    "runs.start",
    "runs.states",
    "runs.sweep",
    "runs.words",
    "runs.world",
    "study",
)

FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def part(file: Path) -> str:
    """The file or folder directly under the package that a source file belongs to; in `runs`, the file."""
    return part_of(file.relative_to(PACKAGE).with_suffix("").parts)


def part_of(parts: Sequence[str]) -> str:
    return f"runs.{parts[1]}" if parts[0] == "runs" and parts[1] != "__init__" else parts[0]


def imports(file: Path) -> Iterator[str]:
    """Dotted names of the modules that a source file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide the layer"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_parts(file: Path) -> set[str]:
    return {part_of(name.split(".")[1:]) for name in imports(file) if name.startswith("gan_lightning.")}


def imported_packages(file: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(file)} - set(sys.stdlib_module_names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_imports_point_back_along_the_layers(file: Path) -> None:
    assert part(file) in MAY_IMPORT, "say in MAY_IMPORT on what this file stands"
    assert imported_parts(file) <= MAY_IMPORT[part(file)] | {part(file)}


def test_layers_have_no_circles() -> None:
    placed: set[str] = set()
    waiting = dict(MAY_IMPORT)
    while waiting:
        ready = {name for name, needed in waiting.items() if needed <= placed}
        assert ready, f"a circle among {sorted(waiting)}"
        placed |= ready
        waiting = {name: needed for name, needed in waiting.items() if name not in ready}


@pytest.mark.parametrize("name", TORCH_ALONE)
def test_mathematics_and_networks_need_torch_alone(name: str) -> None:
    for file in (f for f in FILES if part(f) == name):
        assert imported_packages(file) <= {"torch", "gan_lightning"}


def test_hydra_is_imported_by_commands_alone() -> None:
    assert {part(file) for file in FILES if "hydra" in imported_packages(file)} <= MAY_IMPORT_HYDRA


def test_module_is_handed_networks_and_never_imports_one() -> None:
    assert "networks" not in imported_parts(PACKAGE / "module.py")


@pytest.mark.parametrize("name", QUICK)
def test_what_answers_at_once_imports_neither_torch_nor_lightning(name: str) -> None:
    program = f"import sys, gan_lightning.{name}; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert f"gan_lightning.{name}" in done.stdout.splitlines()
    assert not {"torch", "lightning", "matplotlib", "sklearn"} & set(done.stdout.splitlines())
