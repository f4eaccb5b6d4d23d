"""result.json: one class writes it and reads it, that of an earlier layout too."""

import json
import math
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from gan_lightning.runs.result import Result, read_result, write_result

EARLIER = Path(__file__).parent / "earlier_layout" / "result.json"

RESULT = Result(
    status="finished",
    study="adhoc",
    method="dcgan_r1",
    label="GAN + R1",
    seed=3,
    generator_steps=20,
    generator_step=20,
    seconds=1.5,
    learning_rate_scale=10.0,
    n_critic=1,
    choices={"arch": "random", "method": "dcgan_r1"},
    architecture={"generator.depth": 4},
    scores={"monitor": "a", "final": {"a": 2.5}, "best": {"a": None}, "protocol": {"samples": 100}},
    data="Digits 1x16x16",
    parameters={"generator": 10, "critic": 20},
    versions={"torch": "2.15.0"},
    host="laptop",
    device="cpu",
)


def test_result_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_result(tmp_path / "run" / "result.json", RESULT)
    assert read_result(tmp_path / "run" / "result.json") == RESULT
    assert list((tmp_path / "run").iterdir()) == [tmp_path / "run" / "result.json"]


def test_file_is_one_flat_object_of_all_fields(tmp_path: Path) -> None:
    write_result(tmp_path / "result.json", RESULT)
    assert json.loads((tmp_path / "result.json").read_text()) == asdict(RESULT)
    assert set(asdict(RESULT)) == {field.name for field in fields(Result)}


def test_result_of_the_earlier_layout_has_its_objective_for_method_and_label_and_the_rest_unknown() -> None:
    earlier = read_result(EARLIER)
    assert (earlier.method, earlier.label) == ("wgan_gp", "wgan_gp")
    assert (earlier.learning_rate_scale, earlier.n_critic, earlier.data, earlier.parameters) == (None,) * 4
    assert earlier.score("final", "digits_score") == pytest.approx(1.186, abs=1e-3)
    assert (earlier.status, earlier.generator_step, earlier.device) == ("finished", 2, "cpu")


@pytest.mark.parametrize("status", ["finished", "diverged", "failed"])
def test_run_that_is_not_running_has_ended(status: str) -> None:
    assert replace(RESULT, status=status).ended
    assert not replace(RESULT, status="running").ended


def test_score_is_none_if_never_taken_and_nan_if_it_was_no_number() -> None:
    assert RESULT.score("final", "a") == 2.5
    assert RESULT.score("final", "b") is None
    assert math.isnan(RESULT.score("best", "a") or 0.0)
    assert replace(RESULT, scores=None).score("final", "a") is None


@pytest.mark.parametrize("text", ['{"status": "fini', "", "[1]", "1", '{"status": "asleep", "method": "a"}'])
def test_broken_file_is_named_with_the_remedy_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "result.json"
    file.write_text(text)
    remedy = "the run's own command writes it anew from what the last checkpoint knows, and moves a broken one aside"
    with pytest.raises(ValueError, match=rf"^{file}: not a run's result: [^\n]*; {remedy}$"):
        read_result(file)


@pytest.mark.parametrize("name", ["status", "seed", "generator_steps", "method", "study"])
def test_missing_entry_is_named(tmp_path: Path, name: str) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps({key: value for key, value in asdict(RESULT).items() if key != name}))
    with pytest.raises(ValueError, match=rf"^{file}: .*{name}"):
        read_result(file)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", None),
        ("seed", -1),
        ("seconds", "long"),
        ("seconds", 1e400),
        ("generator_steps", [1]),
        ("study", [3]),
        ("error", ["no"]),
        ("choices", {"arch": 1}),
        ("scores", [1]),
        ("scores", {"final": [1]}),
        ("scores", {"best": {"a": "good"}}),
        ("scores", {"final": {"a": 10**400}}),
    ],
)
def test_entry_of_the_wrong_type_is_refused(tmp_path: Path, name: str, value: object) -> None:
    file = tmp_path / "result.json"
    file.write_text(json.dumps(asdict(RESULT) | {name: value}))
    with pytest.raises(ValueError, match=rf"^{file}: not a run's result"):
        read_result(file)


def test_a_deep_or_a_huge_file_is_broken(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    for text, said in (("[" * 10**5, "recursion"), (" " * 2**21, "has more than")):
        file.write_text(text)
        with pytest.raises(ValueError, match=rf"^{file}: not a run's result: [^\n]*{said}"):
            read_result(file)


def test_missing_file_is_not_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_result(tmp_path / "result.json")
