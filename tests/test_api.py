"""What a notebook does: train, open, list; the same runs as the command's."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from commands import TINY, Train
from hydra import compose, initialize_config_dir
from PIL import Image

import gan_lightning as gl
from gan_lightning.resources import project_folder
from gan_lightning.sample import Source, write_images

SHORT = [*TINY, "generator_steps=3", "every.log=1", "every.pictures=3"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_is_trained_as_by_the_command_and_opened(here: Path, train: Train) -> None:
    run = gl.train([*SHORT, "objective=lsgan"])
    assert run.status == "finished" and run.directory.parent == here / "runs" / "adhoc"
    assert run.settings["generator_steps"] == 3 and run.result.method == "lsgan"
    assert list(run.metrics.index) == [1, 2, 3] and run.metrics["train/critic_loss"].notna().all()
    assert run.scores == {} and run.best_scores == {}
    subprocess.run(
        [
            sys.executable,
            str(project_folder("conf").parent / "train.py"),
            *SHORT,
            "objective=lsgan",
            "study=by_command",
        ],
        check=True,
        capture_output=True,
    )
    (other,) = gl.load_runs(here / "runs" / "by_command")
    assert all(torch.equal(a, b) for a, b in zip(run.critic.parameters(), other.critic.parameters(), strict=True))


def test_samples_are_those_of_the_command(here: Path) -> None:
    run = gl.load(gl.train(SHORT).directory)
    samples = run.sample(5, seed=4)
    assert samples.shape == (5, 1, 16, 16) and not run.generator.training
    write_images(Source(run._files, seed=4), here / "images", count=5)
    pixels = torch.tensor(list(Image.open(here / "images" / "000003.png").convert("L").tobytes()))
    shown = ((samples[3].flatten().cpu() + 1) / 2 * 255).round()
    assert (pixels - shown).abs().max() <= 1


def test_a_second_call_trains_nothing_and_a_longer_one_goes_on(here: Path) -> None:
    first = gl.train(SHORT)
    written = first.directory.joinpath("result.json").stat().st_mtime_ns
    assert gl.train(SHORT).directory.joinpath("result.json").stat().st_mtime_ns == written


def test_it_works_beside_another_use_of_hydra_and_leaves_logging_as_it_was(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = logging.FileHandler(here / "own.log")
    logging.getLogger().addHandler(own)
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    with initialize_config_dir(str(project_folder("conf")), version_base="1.3"):
        run = gl.train(SHORT)
        assert compose("train").seed == 0
    assert logging.getLogger().handlers == handlers and logging.getLogger().level == level
    assert own.stream is not None and not own.stream.closed
    logging.getLogger().removeHandler(own)
    own.close()
    assert capsys.readouterr().out.count("finished at generator iteration 3") == 1
    assert (run.directory / "train.log").read_text().count("finished at generator iteration 3") == 1
    assert logging.getLogger("gan_lightning").handlers == []


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["objective=wgangp"], "wgangp"),
        (["seed=0,1"], "seed=0,1"),
        (["n_critic=0"], "n_critic=0"),
        (["nonsense=1"], "nonsense"),
        (["data=image_folder", "data.root=nowhere"], "nowhere"),
        ("objective=lsgan", "a list of them"),
        ([1], "a list of them"),
    ],
)
def test_mistakes_are_one_line(overrides: list[str], words: str, here: Path) -> None:
    with pytest.raises((ValueError, OSError), match=words) as caught:
        gl.train(overrides if isinstance(overrides, str) else [*TINY, *overrides])
    assert "\n" not in str(caught.value)


def test_ctrl_c_keeps_the_state_and_the_same_call_goes_on(here: Path) -> None:
    long = [*TINY, "generator_steps=100000", "every.log=1", "trainer.threads=1"]

    def interrupt() -> None:
        for _ in range(600):
            if list(here.glob("runs/adhoc/*/metrics.csv")):
                break
            time.sleep(0.1)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt, match="the same call goes on"):
        gl.train(long)
    thread.join()
    (run,) = gl.load_runs(here / "runs" / "adhoc")
    reached = run.result.generator_step
    assert run.status == "running" and 0 < reached < 100000
    assert gl.load(run.directory).sample(1).isfinite().all()


def test_a_run_that_fails_says_why(here: Path) -> None:
    (here / "exploding.py").write_text(
        "from gan_lightning.objectives import Wasserstein\n"
        "class Exploding(Wasserstein):\n"
        "    calls = 0\n"
        "    def generator_loss(self, fake, real):\n"
        "        Exploding.calls += 1\n"
        "        if Exploding.calls > 2: raise ArithmeticError('boom')\n"
        "        return super().generator_loss(fake, real)\n"
    )
    sys.path.insert(0, str(here))
    try:
        with pytest.raises(RuntimeError, match=r"failed: .*boom"):
            gl.train([*SHORT, "objective._target_=exploding.Exploding"])
    finally:
        sys.path.remove(str(here))


def test_what_is_no_run_is_left_out_with_a_warning(here: Path) -> None:
    gl.train(SHORT)
    (here / "runs" / "adhoc" / "broken").mkdir()
    (here / "runs" / "adhoc" / "broken" / "config.yaml").write_text("a: [")
    with pytest.warns(UserWarning, match="left out: .*broken"):
        assert len(gl.load_runs("runs/adhoc")) == 1
    with pytest.raises(FileNotFoundError, match="nowhere"):
        gl.load_runs("nowhere")
    with pytest.raises(FileNotFoundError, match=r"no config\.yaml"):
        gl.load(here)
    with pytest.raises(ValueError, match="allowed: last, best"):
        gl.load(here, checkpoint="first")


def test_the_names_are_there_and_wait_for_nothing() -> None:
    program = (
        "import sys, gan_lightning as gl; print(sorted(set(sys.modules) & {'torch', 'lightning', 'hydra'}), dir(gl))"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.startswith("[]") and all(name in out for name in gl.__all__)
    assert all(getattr(gl, name) is not None for name in gl.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = gl.nothing


def test_packages_that_are_trusted_are_a_list_and_no_text_that_has_others_in_it(here: Path) -> None:
    run = gl.train(SHORT)
    with pytest.raises(ValueError, match="a list of packages is needed"):
        gl.load(run.directory, trusted="my_losses")
    with pytest.raises(ValueError, match="a list of packages is needed"):
        gl.load_runs(run.directory.parent, trusted="my_losses")
    (same,) = gl.load_runs(run.directory.parent, trusted=["my_losses"])
    assert same.trusted == ["my_losses"]
