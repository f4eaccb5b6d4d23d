"""A report as a page: one file, nothing of a run's in it but as text, and what a reader does with it in a browser."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from importlib import util
from pathlib import Path
from typing import Any

import pytest
from test_comparison import AddMember

from gan_lightning.report import page as page_module
from gan_lightning.report.__main__ import has_ended, main
from gan_lightning.report.kinds import write_report
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.page import frames
from gan_lightning.report.page.frames import evenly
from gan_lightning.report.plots.interactive import POINTS, thinned
from gan_lightning.report.study import read_study

LOGGED = {
    step: {"score/digits_score": step / 100, "val/critic_loss": -step, "seconds": step / 10.0} for step in (100, 200)
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """The page of the runs in `grouped`, by its command; returned as text."""

    def run(*arguments: str) -> str:
        file = tmp_path / "page.html"
        assert main([str(tmp_path / "runs/grouped"), "--html", str(file), *arguments]) == 0
        return file.read_text(encoding="utf-8")

    return run


def add_all(add_member: AddMember) -> None:
    """Three methods of two seeds with curves and pictures."""
    for method, scores in {"dcgan": (10.0, 9.0), "wgan_gp": (2.5, 3.5), "lsgan": (1.0, 1.0)}.items():
        for seed, score in enumerate(scores):
            add_member(method, seed, score, logged=LOGGED, samples=(100, 200))


def test_the_page_loads_nothing_and_its_rules_forbid_it(add_member: AddMember, write: Callable[..., str]) -> None:
    add_all(add_member)
    page = write()
    rules = page[page.index("Content-Security-Policy") :].split('"')[2]
    assert "default-src 'none'" in rules and "unsafe-eval" not in rules
    assert re.findall(r"script-src ([^;]*)", rules)[0].count("'sha256-") == 2
    scripts_cut = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", scripts_cut)
    assert 'http-equiv="refresh"' not in page


def test_what_a_run_says_stays_text(add_member: AddMember, write: Callable[..., str]) -> None:
    evil = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>[a](https://b.c)|`x`'
    add_member("wgan_gp", 0, 2.0, logged=LOGGED, samples=(100,), label=evil)
    add_member("dcgan", 0, status="failed", scores=None, error=evil, label="GAN")
    page = re.sub(r"<script>.*?</script>", "", write(), flags=re.DOTALL)
    assert "<img src=x" not in page and "<script>alert" not in page and 'href="https' not in page
    assert "&lt;img src=x" in page


def test_a_bar_in_a_name_divides_no_cells() -> None:
    assert markdown_table([["a", "b"], ["x|y", "1"]])[2] == r"| x\|y |   1 |"


def test_figures_are_plotlys(add_member: AddMember, tmp_path: Path) -> None:
    graph_objects = pytest.importorskip("plotly.graph_objects", reason="a page is an extra")
    add_all(add_member)
    write_report(read_study("grouped", tmp_path / "runs"), tmp_path / "report")
    figures = json.loads((tmp_path / "report" / "score.plotly.json").read_text())
    by_iterations, by_seconds = (graph_objects.Figure(figure) for figure in figures)
    line = next(trace for trace in by_iterations.data if trace.name == "WGAN-GP" and "lines" in trace.mode)
    assert list(line.x) == [100, 200] and list(line.y) == [1.0, 2.0]
    assert by_seconds.layout.xaxis.title.text == "seconds of training"


def test_long_lines_are_thinned_and_end_where_they_end() -> None:
    assert thinned(3) == [0, 1, 2] and thinned(0) == []
    kept = thinned(123_457)
    assert len(kept) <= POINTS + 1 and kept[-1] == 123_456


def test_iterations_are_chosen_evenly_with_the_last() -> None:
    assert evenly([10, 20, 30, 40, 50], 3) == [10, 30, 50]
    assert evenly([10, 20, 30], 1) == [30] and evenly([], 1) == []


def test_samples_that_would_be_too_large_are_left_out_and_that_is_told(
    add_member: AddMember, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_all(add_member)
    shown = samples_in(write())
    assert [len(cell["shown"]) for cell in shown["cells"]] == [2, 2, 2] and shown["left_out"] == 0
    size = len(next(iter(shown["pictures"].values())))
    monkeypatch.setattr(frames, "LARGEST_SAMPLES", 2 * size + 10)
    less = samples_in(write())
    assert less["iterations"] == [200] and len(less["cells"]) == 2 and less["left_out"] == 1


def samples_in(page: str) -> dict[str, Any]:
    block = page[page.index('class="samples"') :]
    return json.loads(block[block.index('json">') + 6 : block.index("</script>")])


def test_a_study_has_a_page_with_the_papers_rows(add_pair: Callable[[int, float, float], None], tmp_path: Path) -> None:
    for seed in range(3):
        add_pair(seed, 2.0, 5.0 + seed)
    file = tmp_path / "page.html"
    assert main(["table2_laptop", "--runs", str(tmp_path / "runs"), "--html", str(file)]) == 0
    assert "paper: min. Inception score" in file.read_text()


def test_a_page_without_its_packages_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = util.find_spec
    monkeypatch.setattr(page_module, "find_spec", lambda name: None if name == "plotly" else real(name))
    assert main([str(tmp_path), "--html", str(tmp_path / "page.html")]) == 2
    assert "pip install 'gan_lightning[html]'; missing: plotly" in capsys.readouterr().err


def test_a_list_has_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--html", "page.html"]) == 2
    assert "a page is of one study" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "words"), [("--watch=0", "at least 1 second"), ("--html=.", "a directory")])
def test_options_are_refused_before_runs_are_read(
    option: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "nothing"), option]) == 2
    assert words in capsys.readouterr().err


def test_a_watched_page_reloads_itself_until_all_runs_have_ended(
    add_member: AddMember, write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_member("dcgan", 0, 2.0, logged=LOGGED)
    directory = add_member("wgan_gp", 0, 2.0, logged=LOGGED, status="running")
    assert not has_ended(read_study("grouped", tmp_path / "runs"))
    seen = []

    def wait(seconds: float) -> None:
        seen.append((seconds, 'http-equiv="refresh" content="7"' in (tmp_path / "page.html").read_text()))
        result = json.loads((directory / "result.json").read_text())
        (directory / "result.json").write_text(json.dumps(result | {"status": "finished"}))

    monkeypatch.setattr("time.sleep", wait)
    assert 'http-equiv="refresh"' not in write("--watch", "7")
    assert seen == [(7, True)]


def test_ctrl_c_ends_the_watch_and_leaves_a_page_that_stands_still(
    add_member: AddMember, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_member("dcgan", 0, 2.0, logged=LOGGED, status="running")

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    assert 'http-equiv="refresh"' not in write("--watch")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real one, without a window."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if not program:
        pytest.skip("no Chromium: apt-get install chromium")
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any, add_member: AddMember, write: Callable[..., str], tmp_path: Path) -> Iterator[Callable]:
    """Opens the page in a window of a size; in the end nothing was asked of the network and no error was logged."""
    add_all(add_member)
    write()
    wrong: list[str] = []

    def open_page(width: int = 1280, **options: Any) -> Any:
        window = browser.new_page(viewport={"width": width, "height": 800}, **options)
        window.on("console", lambda message: wrong.append(message.text))
        window.on("pageerror", lambda error: wrong.append(str(error)))
        window.on("request", lambda asked: wrong.append(asked.url) if asked.url.startswith("http") else None)
        window.goto((tmp_path / "page.html").as_uri())
        window.wait_for_selector(".legend .traces[role=button]")
        return window

    yield open_page
    assert wrong == []


def hidden(window: Any, name: str, *, expected: bool) -> bool:
    """Whether a group of the first figure is hidden, or shown, as expected, once the page has drawn it."""
    for _ in range(100):
        lines = window.evaluate("document.querySelector('.figures figure').data.map(t => [t.name, t.visible])")
        states = {visible == "legendonly" for line, visible in lines if line == name}
        if states == {expected}:
            return True
        window.wait_for_timeout(100)
    return False


def test_the_legend_hides_a_group_by_mouse_and_by_keyboard(opened: Callable) -> None:
    window = opened()
    item = window.locator(".figures figure").first.locator(".legend .traces", has_text=re.compile("^GAN$"))
    item.locator(".legendtoggle").click()
    assert hidden(window, "GAN", expected=True) and hidden(window, "WGAN-GP", expected=False)
    item.focus()
    window.keyboard.press("Enter")
    assert hidden(window, "GAN", expected=False)


def test_titles_sort_numbers_as_numbers_and_back(opened: Callable) -> None:
    window = opened()
    table = window.locator("table").first
    title = table.get_by_role("button", name="final")

    def column() -> list[str]:
        return table.locator("tbody tr td:nth-child(1)").all_text_contents()

    assert column() == ["GAN", "WGAN-GP", "LSGAN"]
    title.focus()
    window.keyboard.press("Enter")
    assert column() == ["LSGAN", "WGAN-GP", "GAN"]  # as text, 9.5 would be above 3
    assert table.locator("th[aria-sort=ascending]").count() == 1
    title.click()
    assert column() == ["GAN", "WGAN-GP", "LSGAN"] and table.locator("th[aria-sort=descending]").count() == 1


def test_the_slider_shows_earlier_samples(opened: Callable, tmp_path: Path) -> None:
    from PIL import Image

    for folder in (tmp_path / "runs" / "grouped").glob("*/samples"):
        Image.new("RGB", (60, 60), "white").save(folder / "000100.png")
    assert main([str(tmp_path / "runs/grouped"), "--html", str(tmp_path / "page.html")]) == 0
    window = opened()
    slider, picture = window.get_by_role("slider"), window.locator(".samples img").first
    assert slider.get_attribute("aria-valuetext") == "iteration 200"
    last = picture.get_attribute("src")
    slider.focus()
    window.keyboard.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "iteration 100" and picture.get_attribute("src") != last
    assert window.locator(".samples img[alt]").count() == 3


def test_a_phone_scrolls_tables_and_not_the_page(opened: Callable) -> None:
    window = opened(360)
    assert window.evaluate("document.documentElement.scrollWidth") == 360
    assert window.evaluate("[...document.querySelectorAll('.table')].every(t => t.tabIndex === 0)")


def test_dark_is_as_the_system_has_it_and_a_button_changes_it(opened: Callable) -> None:
    def paper(window: Any) -> str:
        return window.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = opened(), opened(color_scheme="dark")
    assert paper(light) == "rgb(255, 255, 255)" != paper(dark)
    light.get_by_role("button", name="Change to dark colours").click()
    assert paper(light) == paper(dark)
    assert light.evaluate("document.querySelector('.figures figure').layout.font.color") == "#e6edf3"
