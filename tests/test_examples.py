"""The notebooks run from top to bottom, in a folder of their own."""

import os
from pathlib import Path

import pytest
import yaml
from hydra import compose

from gan_lightning.runs.build import build_scorer
from gan_lightning.runs.overrides import composing
from gan_lightning.runs.settings import resolve

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.ipynb"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_notebook_runs(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat", reason="notebooks are an extra")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(file.parents[1]), os.environ.get("PYTHONPATH", "")]))
    book = nbformat.read(file, as_version=4)
    assert all(not cell.get("outputs") for cell in book.cells), "kept without its outputs"
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [kind for cell in book.cells for out in cell.get("outputs", []) for kind in out.get("data", {})]
    assert shown.count("image/png") >= 2
    for number, cell in enumerate(book.cells):  # for whoever wants to look
        for out in cell.get("outputs", []):
            if picture := out.get("data", {}).get("image/png"):
                (tmp_path / f"{file.stem}-{number}.txt").write_text(picture)


def test_a_sweep_of_wandbs_composes() -> None:
    """As an agent calls it: every parameter as KEY=VALUE."""
    file = EXAMPLES[0].parent / "wandb_sweep.yaml"
    sweep = yaml.safe_load(file.read_text())
    asked = [f"{key}={node.get('value', node.get('min'))}" for key, node in sweep["parameters"].items()]
    typed = [word for word in sweep["command"] if "=" in word]
    assert sweep["command"][-1] == "${args_no_hyphens}"
    with composing():
        settings = resolve(compose("train", [*typed, *asked]))
    assert settings["constraint"]["weight"] == 0.1
    scorer = build_scorer(settings["metrics"])
    assert scorer is not None
    assert sweep["metric"] == {"name": f"score/{scorer.monitor}", "goal": "maximize"}
    assert scorer.higher_is_better


def test_there_are_notebooks() -> None:
    assert {file.stem for file in EXAMPLES} == {"toy_planes", "own_images_own_loss"}
    assert all(file.stat().st_size < 100_000 for file in EXAMPLES)
