"""n-grams of texts whose divergence is known."""

from collections import Counter
from math import log2
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.metrics import ngrams
from gan_lightning.metrics.ngrams import NgramScorer, count_ngrams, jensen_shannon, merged
from gan_lightning.sampling import Sampler


def lines(*texts: str) -> Tensor:
    return torch.tensor([[ord(symbol) for symbol in text] for text in texts])


def divergence(one: Tensor, other: Tensor, length: int) -> float:
    return jensen_shannon(count_ngrams(one, length), count_ngrams(other, length))


@pytest.mark.parametrize(
    ("one", "other", "length", "expected"),
    [
        ("ab", "ac", 1, 0.5),
        ("ab", "ab", 1, 0.0),
        ("ab", "ba", 1, 0.0),
        ("ab", "ba", 2, 1.0),
        ("ab", "cd", 1, 1.0),
        ("aaab", "aaaa", 1, (0.75 * log2(6 / 7) + 0.25 * log2(2) + log2(8 / 7)) / 2),
    ],
)
def test_divergence_of_known_texts(one: str, other: str, length: int, expected: float) -> None:
    assert divergence(lines(one), lines(other), length) == pytest.approx(expected, abs=1e-12)
    assert divergence(lines(other), lines(one), length) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_windows_stay_inside_their_line_and_are_counted_in_blocks(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = torch.randint(0, 2**15, (50, 6), generator=torch.Generator().manual_seed(0)) % 3 * 10_000
    expected = Counter(tuple(line[place : place + length]) for line in text.tolist() for place in range(6 - length + 1))
    whole = count_ngrams(text, length)
    monkeypatch.setattr(ngrams, "AT_A_TIME", 13)
    blocks = count_ngrams(text, length)
    assert sorted(whole[1]) == sorted(expected.values()) and len(whole[0]) == len(expected)
    assert [a.tolist() for a in whole] == [a.tolist() for a in blocks]


def test_counts_of_parts_add_up() -> None:
    both = merged([count_ngrams(lines("aab"), 2), count_ngrams(lines("abb"), 2)])
    assert both[1].tolist() == [1, 2, 1]  # aa, ab, bb


class Writer(nn.Module):
    """Writes one line again and again, as numbers of its symbols."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.codes = lines(text)[0]

    def forward(self, latent: Tensor) -> Tensor:
        return self.codes.expand(len(latent), -1)


def scorer(**changes: Any) -> NgramScorer:
    return NgramScorer(**{"lengths": [1, 2], "samples": 100, "seed": 0} | changes)


def sampler_of(text: str) -> Sampler:
    return Sampler(Writer(text), latent_dim=2, device=torch.device("cpu"))


def test_generator_of_the_training_text_scores_zero_and_of_another_one_higher() -> None:
    real = lines(*["abab"] * 150)
    assert scorer().score(sampler_of("abab"), real.split(40)) == {"js_1": 0.0, "js_2": 0.0}
    other = scorer().score(sampler_of("abba"), real.split(40))
    assert other["js_1"] == pytest.approx(0, abs=1e-12) and other["js_2"] > 0.1


def test_floor_is_the_divergence_of_the_first_lines_from_the_rest() -> None:
    real = lines(*["ab"] * 100, *["ac"] * 50)
    own = scorer()
    own.score(sampler_of("ab"), iter(real.split(40)))
    protocol = own.protocol()
    assert protocol["floor_js_1"] == pytest.approx(0.5)
    assert protocol["floor_js_2"] == pytest.approx(1.0)
    assert protocol["reference_ngrams"] == 300
    assert own.score(sampler_of("ab"))["js_1"] == own.score(sampler_of("ab"), None)["js_1"]


def test_longest_ngrams_decide_and_lower_is_better() -> None:
    assert (scorer().monitor, scorer().higher_is_better) == ("js_2", False)


def test_too_little_real_text_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^100 lines of real text are too few: more than metrics\.samples=100$"):
        scorer().score(sampler_of("ab"), [lines(*["ab"] * 100)])


def test_lines_shorter_than_an_ngram_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^metrics\.lengths=\[1, 2\] is not possible: lines have 1 symbols$"):
        scorer().score(sampler_of("a"), [lines(*["a"] * 200)])


@pytest.mark.parametrize("lengths", [[], [0], [5], [2, 1], [1, 1]])
def test_lengths_that_cannot_be_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match=r"^lengths=\[.*\] is not possible: some of 1, 2, 3, 4 are needed, rising$"):
        scorer(lengths=lengths)


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^samples=0 is not possible: a whole number of at least 1 is needed"):
        scorer(samples=0)
