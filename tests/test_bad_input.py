"""What a user gets wrong is one line and exit code 2, before any long work, and nothing is lost."""

import shutil
from pathlib import Path

import pytest
from commands import TINY, Ended, Train, ended, start_train
from omegaconf import OmegaConf
from PIL import Image

from gan_lightning import cli

CONDITIONAL = ["arch=cifar_resnet_conditional", "class_loss=ac_gan", "data.resolution=32"]
"""AC-GAN's networks on digits, which have ten classes."""


def assert_refused(result: Ended, *said: str) -> None:
    assert result.code == 2
    assert len(result.err.strip().splitlines()) == 1, result.err
    assert result.err.startswith("error: ")
    for words in said:
        assert words in result.err
    assert "Traceback" not in result.out + result.err


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["objective=wgann"], ["wgann", "dcgan, hinge, lsgan, relativistic, wgan_clip, wgan_gp"]),
        (["nokey=1"], ["nokey"]),
        (["arch=toy"], ["arch.generator.dim needs data.dim", "do not go together"]),
        (["arch.generator.filter=3"], ["arch.generator.filter"]),
        (["generator_steps=0"], ["generator_steps=0", "at least 1"]),
        (["generator_steps=many"], ["generator_steps=many"]),
        (["seed=-1"], ["seed=-1"]),
        (["study=../x"], ["study=../x is not possible"]),
        (["arch=random", "seed=9216"], ["seed=9216", "0 to 9215"]),
        (["data.batch_size=63", "trainer=ddp"], ["data.batch_size=63", "trainer.devices=2"]),
        (["-m", "seed=range(0)"], ["no runs"]),
        (["seed=["], ["seed=[ is no override"]),
        (["a=b=c"], ["a=b=c is no override"]),
        (["learning_rate_scale=nan"], ["learning_rate_scale=nan", "positive number"]),
        (["arch.width_scale=nan"], ["arch.generator.width_scale=nan is not possible: a number is needed"]),
        (["-m", "seed=glob(*)"], ["the sweep has no runs", "seed=glob(*)"]),
        (["-m", "seed=interval(0,1)"], ["seed=interval(0,1) cannot be swept"]),
        (["-m", "hydra.sweeper.params.seed=1"], ["hydra.sweeper.params.seed=1", "typed as it is"]),
        (["-m", "+hydra.sweeper.params.seed=1"], ["+hydra.sweeper.params.seed=1", "typed as it is"]),
        (["-m", "hydra.sweep.subdir=x"], ["hydra.sweep.subdir=x", "named by its overrides"]),
        (["-m", "~hydra.callbacks.sweep"], ["~hydra.callbacks.sweep is not possible"]),
        (["-m", "hydra.sweeper.max_batch_size=0"], ["hydra.sweeper.max_batch_size=0", "at least 1"]),
        (["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=0"], ["hydra.launcher.n_jobs=0", "at least 1"]),
        (["+objetive=lsgan"], ["+objetive=lsgan is not possible", "keys near it: objective"]),
        (["+trainer.precision=16"], ["+trainer.precision=16 is not possible", "trainer.devices"]),
        (["+trainer={precision: 16}"], ["trainer.precision"]),
        (["++every.chekpoint=3"], ["keys near it: every.checkpoint"]),
        (["-m", "+objetive=lsgan,dcgan"], ["+objetive=lsgan is not possible", "keys near it: objective"]),
        (["-m", "+sweeps=table2_laptop", "+trainer.precision=16"], ["trainer.precision"]),
        (["method=r3gan", "objective=wgan_gp"], ["objective=wgan_gp beside method=r3gan is not possible"]),
        (["-m", "+sweeps=table2_laptop", "method=r3gan"], ["beside method=r3gan is not possible"]),
        (["-m", "seed=0,1", "method=wgan_gp,nosuch"], ["nosuch", "wgan_gp_one_sided"]),
        (["+sweeps=table2_laptop"], ["+sweeps=table2_laptop without -m", "it sweeps seed, objective"]),
        (["+sweeps=table2_laptop", "seed=3"], ["it sweeps objective"]),
        (["arch=dcgan", "data=swiss_roll", "generator_steps=2"], ["needs data.", "do not go together"]),
        (["-m", "generator_steps=2,3"], ["sweeping generator_steps is not possible", "decay=linear"]),
        (["-m", "decay=linear,none", "generator_steps=2,3"], ["sweeping generator_steps", "decay=none"]),
        (["-m", "trainer.threads=1,2"], ["2 runs of the sweep would share the directory defaults: trainer.threads"]),
    ],
)
def test_a_mistake_in_the_config_is_one_line(train: Train, overrides: list[str], said: list[str]) -> None:
    assert_refused(train(*overrides), *said)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["arch.critic.norm=batch"], ["arch.critic.norm=batch", "section 4", "layer, none"]),
        (["arch.critic.norm=spectral"], ["spectral", "batch, layer, none"]),
        (["arch.generator.nonlinearity=gelu"], ["gelu", "relu, leaky_relu, softplus, tanh"]),
        (["data.resolution=20"], ["data.resolution=20", "power of two"]),
        ([*CONDITIONAL, "arch.critic.classes=null"], ["class_loss", "no class scores"]),
        ([*CONDITIONAL, "arch.critic.classes=5"], ["arch.critic tells 5 classes", "arch.classes=10"]),
        ([*CONDITIONAL, "data.batch_size=7"], ["bn_chunks=2", "must divide the batch, here 7"]),
        (["data.batch_size=100000"], ["data.batch_size=100000", "1500"]),
        (["+data.n_critic=7"], ["data.n_critic=7", "set n_critic, here 1"]),
        (["constraint.weight=-1"], ["constraint.weight=-1"]),
        (["trainer.accelerator=tpu"], ["tpu", "auto, cpu, gpu"]),
        (["data=image_folder", "data.root=nowhere", "data.resolution=16"], ["nowhere"]),
        (["data=lsun_bedrooms", "data.root=nowhere"], ["nowhere", "bedroom_train_lmdb/data.mdb"]),
        (["data=image_folder", "data.flip=maybe"], ["data.flip=maybe", "true or false"]),
        (["metrics=digits_classifier", "metrics.weights=nowhere.pt"], ["nowhere.pt"]),
        (["metrics=inception", "metrics.weights=nowhere.pth"], ["nowhere.pth"]),
        (["metrics=digits_classifier", "metrics.samples=50"], ["metrics.samples=50"]),
        (["metrics=ngrams"], ["lines of text", "1x16x16"]),
        (["+optimizer.momentum=0.9"], ["momentum"]),
        (["+data.colour=red"], ["colour"]),
    ],
)
def test_what_does_not_go_together_is_one_line(train: Train, overrides: list[str], said: list[str]) -> None:
    result = train(*TINY, *overrides)
    assert_refused(result, *said)
    assert not (train.directory(*TINY, *overrides) / "config.yaml").exists()


def test_missing_inception_weights_name_both_remedies(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(train.folder))
    monkeypatch.setattr("urllib.request.urlopen", _no_internet)
    assert_refused(train(*TINY, "metrics=inception"), "internet", "metrics.weights=FILE")


def _no_internet(*_: object, **__: object) -> None:
    raise OSError("no internet")


def test_an_empty_folder_of_images_is_one_line(train: Train) -> None:
    (train.folder / "pictures").mkdir()
    overrides = [*TINY, "data=image_folder", "data.root=pictures", "data.resolution=16", "metrics=none"]
    assert_refused(train(*overrides), "pictures")


def test_a_broken_picture_is_named(train: Train) -> None:
    folder = train.folder / "pictures"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (20, 20)).save(folder / name)
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:40])
    overrides = [*TINY, "data=image_folder", "data.root=pictures", "data.resolution=16", "metrics=none"]
    assert_refused(train(*overrides), "b.png")


def test_a_directory_of_another_config_is_refused_and_left_as_it_is(train: Train) -> None:
    place = "hydra.run.dir=here"
    assert train(*TINY, "generator_steps=2", place).code == 0
    before = {path: path.read_bytes() for path in (train.folder / "here").rglob("*") if path.is_file()}
    result = train(*TINY, "generator_steps=2", "seed=1", place)
    assert_refused(result, "here", "another config", "seed: 0 -> 1")
    for path, content in before.items():
        assert path.read_bytes() == content


def test_another_folder_of_pictures_is_not_read_into_the_directory_of_the_first(train: Train) -> None:
    for name, colour in (("a", "red"), ("b", "blue")):
        (train.folder / name).mkdir()
        for number in range(12):
            Image.new("RGB", (16, 16), colour).save(train.folder / name / f"{number}.png")
    run = [*TINY, "data=image_folder", "data.resolution=16", "metrics=none", "generator_steps=2"]
    assert train(*run, "data.root=a").code == 0
    assert_refused(train(*run, "data.root=b"), "data is not what this run has read so far", "study=NAME")
    assert train(*run, "data.root=a").out.startswith("already finished")
    shutil.copytree(train.folder / "a", train.folder / "c")
    assert "already finished" in train(*run, "data.root=c").out
    assert train(*run, "data.root=b", "data.name=blue").code == 0


def test_a_method_that_does_not_say_its_name_is_not_taken_for_another() -> None:
    config = OmegaConf.create({"method": "wgan_gp"})
    with pytest.raises(
        ValueError, match=r"^conf/method/mine\.yaml must say method: mine, and a label; it leaves wgan_gp$"
    ):
        cli.check_method(config, {"method": "mine", "objective": "wgan_gp"})
    cli.check_method(config, {"method": "wgan_gp"})
    cli.check_method(config, {"objective": "lsgan"})


def test_a_part_without_a_class_is_named(train: Train) -> None:
    assert_refused(train(*TINY, "arch.critic._target_=null"), "arch.critic needs a _target_")
    assert_refused(train(*TINY, "objective._target_=null"), "objective needs a _target_")


def test_a_directory_of_the_earlier_layout_is_refused_and_left_as_it_is(train: Train) -> None:
    earlier = Path(__file__).parent / "runs" / "earlier_layout"
    shutil.copytree(earlier, train.folder / "here")
    assert_refused(train(*TINY, "generator_steps=4", "hydra.run.dir=here"), "here", "earlier version", "metrics.scorer")
    for path in earlier.iterdir():
        assert (train.folder / "here" / path.name).read_bytes() == path.read_bytes()


def test_a_directory_that_lost_its_config_is_refused(train: Train) -> None:
    run = [*TINY, "hydra.run.dir=here"]
    assert train(*run, "generator_steps=2").code == 0
    (train.folder / "here" / "config.yaml").unlink()
    assert_refused(train(*run, "generator_steps=4"), "here", "no config.yaml")


def test_a_run_that_a_sweep_refuses_has_failed_whatever_lies_in_its_directory(train: Train) -> None:
    sweep = ["-m", *TINY, "seed=0,1", "generator_steps=2"]
    assert train(*sweep).code == 0
    config = train.directory(*TINY, "seed=1") / "config.yaml"
    config.write_text(config.read_text().replace("critic_norm: layer", "critic_norm: batch"))
    result = train(*sweep)
    assert result.code == 1
    assert "1 finished, 0 diverged, 1 failed" in result.out
    assert "another config, critic_norm: batch -> layer" in result.out
    config.write_text(config.read_text().replace("critic_norm: batch", "critic_norm: layer"))
    assert "2 finished, 0 diverged, 0 failed" in train(*sweep).out


def test_a_truncated_checkpoint_is_named_and_the_previous_one_used(train: Train) -> None:
    run = [*TINY, "every.checkpoint=2", "hydra.run.dir=here"]
    assert train(*run, "generator_steps=4").code == 0
    last = train.folder / "here" / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    result = train(*run, "generator_steps=6")
    assert result.code == 0
    assert str(last) in result.out
    assert "going on from generator iteration 2" in result.out


def test_checkpoints_that_are_all_truncated_are_one_line(train: Train) -> None:
    run = [*TINY, "every.checkpoint=2", "hydra.run.dir=here"]
    assert train(*run, "generator_steps=2").code == 0
    last = train.folder / "here" / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    assert_refused(train(*run, "generator_steps=4"), "last.ckpt", "truncated")


def test_a_directory_in_use_is_refused(train: Train) -> None:
    from gan_lightning.runs.directory import RunDirectory

    with RunDirectory(train.folder / "here").claimed():
        assert_refused(train(*TINY, "hydra.run.dir=here"), "here", "in use")


def test_a_mistake_in_one_run_of_a_sweep_leaves_the_others_alone(train: Train) -> None:
    result = train("-m", *TINY, "generator_steps=2", "arch.critic.norm=batch,layer")
    assert result.code == 1
    assert "1 finished, 0 diverged, 1 failed" in result.out
    assert "Traceback" not in result.out + result.err


def test_the_program_itself_ends_with_one_line_and_code_2(tmp_path: Path) -> None:
    assert_refused(ended(start_train("objective=wgann", folder=tmp_path)), "wgann")
