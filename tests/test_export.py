"""An exported generator makes the run's images without this package, in torch alone and in ONNX."""

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import pytest
import torch
from commands import TINY
from test_configs import FITTING, SCALE, SMALL
from torch import Tensor, nn

import gan_lightning as gl
from gan_lightning.export import frozen as frozen_module
from gan_lightning.export.__main__ import main
from gan_lightning.export.folder import check_free
from gan_lightning.export.frozen import by_batch, freeze, of_generator, statistics_of
from gan_lightning.export.programs import largest, run_onnx, write_programs
from gan_lightning.networks.norms import BatchNorm
from gan_lightning.runs.build import build_module
from gan_lightning.runs.settings import resolve
from gan_lightning.sampling import Sampler

SHORT = [*TINY, "generator_steps=2", "every.pictures=2"]


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Train a short run and export it; the folder, and the run beside it as `run`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(frozen_module, "LATENTS", 500)
    monkeypatch.setattr(frozen_module, "COMPARED", 200)

    def exported(*overrides: str, options: tuple[str, ...] = ()) -> Path:
        run = gl.train([*SHORT, *overrides])
        monkeypatch.setattr(sys, "argv", ["export", str(run.directory), "folder/given", *options])
        main()
        return tmp_path / "folder" / "given"

    return exported


def loaded(folder: Path, *lines: str) -> str:
    """What `load.py` prints for further lines, in a process of its own."""
    program = "\n".join(["import torch", "from load import sample, CONFIG, GENERATOR", *lines])
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_folder_is_whole_and_its_programs_make_the_frozen_generators_images(export: Callable[..., Path]) -> None:
    folder = export("metrics=digits_classifier", "metrics.samples=100", "metrics.splits=2")
    assert {file.name for file in folder.iterdir()} == {
        "README.md",
        "config.json",
        "generator.onnx",
        "generator.pt2",
        "generator.safetensors",
        "load.py",
        "samples.png",
    }
    config = json.loads((folder / "config.json").read_text())
    assert config["statistics"]["kind"] == "frozen" and config["largest_difference"]["generator.onnx"] < 1e-5
    assert set(config["scores"]["frozen"]) == set(config["scores"]["recorded"]) >= {"digits_score"}
    assert config["samples"]["shape"] == [1, 16, 16] and "/" not in json.dumps(config["training"]["settings"])
    latents = torch.randn(3, config["latent_dim"], generator=torch.Generator().manual_seed(5))
    loaded(folder, "torch.save(sample(3, seed=5), 'of_torch.pt')")
    of_torch = torch.load(folder / "of_torch.pt")
    (of_onnx,) = run_onnx(folder / "generator.onnx", ("latents",), [(latents,)])
    assert (of_torch - of_onnx).abs().max() < 1e-5 and of_torch.shape == (3, 1, 16, 16)
    alone = loaded(
        folder,
        "print((GENERATOR(torch.ones(1, CONFIG['latent_dim'])) - GENERATOR(torch.ones(4, "
        "CONFIG['latent_dim']))[3:]).abs().max().item() < 1e-6)",
    )
    assert alone == "True\n"


def test_frozen_images_are_near_those_of_the_batch_and_the_card_says_how_near(export: Callable[..., Path]) -> None:
    folder = export()
    (run,) = gl.load_runs("runs/adhoc")
    module, frozen = run.module, json.loads((folder / "config.json").read_text())["statistics"]
    own = of_generator(module.sampler.generator.eval(), module.sampler)
    program = torch.export.load(folder / "generator.pt2").module()
    latents = own.latents(0, seed=0, purpose=frozen_module.BESIDE)
    gap = (own.generator(latents) - program(latents)).abs()
    assert gap.mean().item() == pytest.approx(frozen["mean_difference"], rel=0.5)
    assert 0 < frozen["mean_difference"] < gap.max().item() <= frozen["largest_difference"] * 1.01
    card = (folder / "README.md").read_text()
    assert f"differ by {frozen['mean_difference']:.2g} on average" in card and "It was not scored." in card


def test_statistics_of_the_batch_stay_where_they_are_asked_for(export: Callable[..., Path]) -> None:
    folder = export(options=("--statistics", "batch"))
    (run,) = gl.load_runs("runs/adhoc")
    latents = torch.randn(100, 128)
    program = torch.export.load(folder / "generator.pt2").module()
    with torch.no_grad():
        torch.testing.assert_close(program(latents), run.generator(latents), atol=1e-6, rtol=0)
    assert json.loads((folder / "config.json").read_text())["statistics"]["kind"] == "batch"
    assert "depends on what is in the batch beside it" in (folder / "README.md").read_text()


class Normed(nn.Module):
    """A norm of latents: what its statistics are is known."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = BatchNorm(4)

    def forward(self, latents: Tensor) -> Tensor:
        return self.norm(2 * latents + 3)


def test_statistics_are_those_of_all_latents() -> None:
    sampler = Sampler(Normed(), latent_dim=4, device=torch.device("cpu"))
    means, within, over_all = statistics_of(sampler, seed=0)
    latents = [sampler.latents(block, seed=0, purpose=frozen_module.MEASURED) for block in range(100)]
    values = 2 * torch.cat(latents) + 3
    torch.testing.assert_close(means["norm"], values.mean(0))
    torch.testing.assert_close(over_all["norm"], values.var(0, correction=0))
    torch.testing.assert_close(within["norm"], torch.stack([(2 * b).var(0, correction=0) for b in latents]).mean(0))
    frozen = freeze(sampler, seed=0)
    assert by_batch(frozen.generator) == {} and list(by_batch(sampler.generator)) == ["norm"]
    torch.testing.assert_close(frozen.generator(torch.zeros(1, 4)), torch.zeros(1, 4) - 0.0, atol=0.05, rtol=0)


ARCHS = sorted(file.stem for file in (Path(__file__).parent.parent / "conf" / "arch").glob("*.yaml"))


@pytest.mark.parametrize("arch", ARCHS)
def test_every_architectures_generator_exports(compose_config: Callable, tmp_path: Path, arch: str) -> None:
    asked = f"arch={arch}"
    config = compose_config(*SMALL, asked, *FITTING.get(asked, ()))
    if "width_scale" in config.arch:
        config = compose_config(*SMALL, SCALE, asked, *FITTING.get(asked, ()))
    if "root" in config.data:
        config.data.root = str(tmp_path)
    module = build_module(resolve(config))
    sampler = Sampler(
        module.generator.eval(), latent_dim=module.latent_dim, device=torch.device("cpu"), classes=module.classes
    )
    generator = sampler.generator
    if by_batch(generator):
        frozen_module.LATENTS, before = 200, frozen_module.LATENTS
        generator = freeze(sampler, seed=0).generator
        frozen_module.LATENTS = before
    found = write_programs(generator, tmp_path, latent_dim=module.latent_dim, classes=module.classes, by_batch=False)
    assert set(found) == {"generator.pt2", "generator.onnx"} and max(found.values()) <= 1e-5


def test_a_conditional_generator_takes_labels(export: Callable[..., Path]) -> None:
    sizes = ("data.resolution=32", "arch.generator.filters=4", "arch.critic.filters=4")
    folder = export("arch=cifar_resnet_conditional", *sizes)
    assert loaded(folder, "print(CONFIG['classes'], tuple(sample(3).shape))") == "10 (3, 1, 32, 32)\n"


def test_what_lies_there_stays(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "full")
    check_free(tmp_path / "new")
    for name, words in {"full": "is not empty", "link": "not a directory", "full/mine.txt": "not a directory"}.items():
        with pytest.raises(ValueError, match=words):
            check_free(tmp_path / name)


def test_a_program_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gan_lightning.export.programs.largest", lambda found, expected: largest(found, expected) + 1e-4
    )
    with pytest.raises(ValueError, match=r"generator\.pt2 is not possible: its samples differ by 0\.0001"):
        write_programs(nn.Linear(3, 2).eval(), tmp_path, latent_dim=3, classes=None, by_batch=False)


def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    class Choosing(nn.Module):
        def forward(self, latents: Tensor) -> Tensor:
            return latents if latents.sum() > 0 else -latents

    with pytest.raises(ValueError, match="the generator cannot be exported: ") as caught:
        write_programs(Choosing(), tmp_path, latent_dim=3, classes=None, by_batch=False)
    assert "\n" not in str(caught.value)


def test_without_the_extra_onnx_is_left_out_and_told(
    export: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gan_lightning.export.programs.has_onnx", lambda: False)
    monkeypatch.setattr("gan_lightning.export.folder.has_onnx", lambda: False)
    folder = export()
    assert not (folder / "generator.onnx").exists() and "generator.onnx" not in (folder / "README.md").read_text()
    assert "generator.onnx is left out: pip install 'gan_lightning[export]'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nowhere", "runs"])
def test_what_is_no_run_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(sys, "argv", ["export", str(tmp_path / name), str(tmp_path / "folder")])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert capsys.readouterr().err.count("\n") == 1 and not list(tmp_path.glob("*folder*"))


def needed_by(name: str) -> set[str]:
    """A distribution and all that it needs, by name."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one.lower() in found:
            continue
        try:
            requirements = distribution(one).requires or []
        except ModuleNotFoundError:
            continue
        found.add(one.lower())
        waiting += [re.split(r"[ ;<>=!~\[(]", need)[0] for need in requirements if "extra ==" not in need]
    return found


@pytest.mark.slow
def test_in_an_environment_with_torch_alone_the_images_are_the_same(
    export: Callable[..., Path], tmp_path: Path
) -> None:
    folder = export()
    venv.create(tmp_path / "fresh", with_pip=False)
    site = next((tmp_path / "fresh").glob("lib/python*/site-packages"))
    for name in needed_by("torch"):
        for file in distribution(name).files or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (site / top).is_symlink():
                (site / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    python = tmp_path / "fresh" / "bin" / "python"
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    names = "('gan_lightning', 'lightning', 'hydra', 'PIL')"
    absent = f"from importlib.util import find_spec; print([find_spec(name) for name in {names}])"
    shown = subprocess.run([python, "-c", absent], cwd=folder, env=alone, capture_output=True, text=True, check=True)
    assert shown.stdout == "[None, None, None, None]\n"
    subprocess.run([python, "load.py", "7"], cwd=folder, env=alone, check=True)
    images = torch.load(folder / "samples.pt")
    latents = torch.randn(16, 128, generator=torch.Generator().manual_seed(7))
    (of_onnx,) = run_onnx(folder / "generator.onnx", ("latents",), [(latents,)])
    (run,) = gl.load_runs("runs/adhoc")
    own = of_generator(run.generator, run.module.sampler)
    expected = freeze(own, seed=0).generator(latents)
    assert (images - expected).abs().max() < 1e-5 and (of_onnx - expected).abs().max() < 1e-5
