"""The DCGAN family of Table 1: sizes, counts, independence of samples, refusals."""

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.networks.dcgan import Critic, Generator, plan

DEPTHS, LAYOUTS, WIDTHS = (4, 8, 12, 20), ("middle", "even"), (32, 64, 128)

# Source: two independent counts, one by the released network-building functions, one by plain PyTorch builds.
# (layout, depth): for each of the widths: generator normalised, not normalised, critic normalised, not normalised.
COUNTS = {
    ("middle", 4): (
        (523_139, 522_691, 261_057, 260_673),
        (1_558_275, 1_557_379, 1_034_113, 1_033_345),
        (5_164_547, 5_162_755, 4_116_225, 4_114_689),
    ),
    ("middle", 8): (
        (671_363, 670_403, 409_281, 408_385),
        (2_149_635, 2_147_715, 1_625_473, 1_623_681),
        (7_526_915, 7_523_075, 6_478_593, 6_475_009),
    ),
    ("middle", 12): (
        (819_587, 818_115, 557_505, 556_097),
        (2_740_995, 2_738_051, 2_216_833, 2_214_017),
        (9_889_283, 9_883_395, 8_840_961, 8_835_329),
    ),
    ("middle", 20): (
        (1_116_035, 1_113_539, 853_953, 851_521),
        (3_923_715, 3_918_723, 3_399_553, 3_394_689),
        (14_614_019, 14_604_035, 13_565_697, 13_555_969),
    ),
    ("even", 8): (
        (754_403, 753_379, 492_321, 491_361),
        (2_481_603, 2_479_555, 1_957_441, 1_955_521),
        (8_854_403, 8_850_307, 7_806_081, 7_802_241),
    ),
    ("even", 12): (
        (985_667, 984_067, 723_585, 722_049),
        (3_404_931, 3_401_731, 2_880_769, 2_877_697),
        (12_544_259, 12_537_859, 11_495_937, 11_489_793),
    ),
    ("even", 20): (
        (1_531_235, 1_528_419, 1_269_153, 1_266_401),
        (5_583_555, 5_577_923, 5_059_393, 5_053_889),
        (21_251_459, 21_240_195, 20_203_137, 20_192_129),
    ),
}
COUNTS["even", 4] = COUNTS["middle", 4]


def settings(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "image_shape": (1, 16, 16),
        "filters": 4,
        "depth": None,
        "norm": "none",
        "nonlinearity": "leaky_relu",
    }
    return plain | changes


def generator(**changes: Any) -> Generator:
    torch.manual_seed(0)
    arguments: dict[str, Any] = {"latent_dim": 8} | settings(**changes)
    return Generator(**arguments)


def critic(**changes: Any) -> Critic:
    torch.manual_seed(0)
    return Critic(**settings(**changes))


def images(count: int, channels: int = 1, size: int = 16) -> Tensor:
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def weight_layers(network: nn.Module) -> int:
    return sum(isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d) for layer in network.modules())


@pytest.mark.parametrize(("layout", "depth"), COUNTS)
def test_parameter_counts_are_those_of_the_released_layers(layout: str, depth: int) -> None:
    with torch.device("meta"):
        for filters, expected in zip(WIDTHS, COUNTS[layout, depth], strict=True):
            shape = {"image_shape": (3, 32, 32), "filters": filters, "depth": depth, "extra_layout": layout}
            counts = (
                parameters(generator(**shape, latent_dim=128, norm="batch")),
                parameters(generator(**shape, latent_dim=128, norm="none")),
                parameters(critic(**shape, norm="layer")),
                parameters(critic(**shape, norm="none")),
            )
            assert counts == expected


def test_plain_dcgan_of_32x32_is_depth_four() -> None:
    assert parameters(critic(image_shape=(3, 32, 32), filters=32)) == 260_673


@pytest.mark.parametrize(
    ("depth", "layout", "extra"),
    [
        (4, "even", (0, 0, 0)),
        (8, "middle", (0, 4, 0)),
        (12, "middle", (0, 8, 0)),
        (20, "middle", (0, 16, 0)),
        (8, "even", (1, 2, 1)),
        (12, "even", (2, 4, 2)),
        (20, "even", (5, 6, 5)),
    ],
)
def test_extra_layers_of_32x32_stand_on_the_maps_of_their_layout(
    depth: int, layout: str, extra: tuple[int, ...]
) -> None:
    assert plan(32, depth=depth, extra_layout=layout) == list(zip((4, 8, 16), extra, strict=True))


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_every_depth_builds_for_every_size_with_as_many_weight_layers(size: int) -> None:
    for channels, depth, layout in product((1, 3), DEPTHS, LAYOUTS):
        changes = {"image_shape": (channels, size, size), "depth": depth, "extra_layout": layout, "norm": "layer"}
        with torch.device("meta"):
            networks = generator(**changes), critic(**changes)
            samples = networks[0](torch.empty(2, 8))
            assert samples.shape == (2, channels, size, size)
            assert networks[1](samples).shape == (2,)
        assert [weight_layers(network) for network in networks] == [depth, depth]


@pytest.mark.parametrize("depth", [2, 3])
def test_net_too_shallow_for_its_size_starts_from_a_larger_map(depth: int) -> None:
    networks = generator(image_shape=(1, 32, 32), depth=depth), critic(image_shape=(1, 32, 32), depth=depth)
    assert [weight_layers(network) for network in networks] == [depth, depth]
    assert networks[1](networks[0](torch.zeros(2, 8))).shape == (2,)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_norm_is_on_every_layer_but_the_generators_last_and_the_critics_first_and_last(norm: str) -> None:
    kind = {"batch": nn.BatchNorm2d, "layer": nn.GroupNorm}[norm]
    changes = {"image_shape": (1, 32, 32), "depth": 8, "norm": norm}
    counts = [
        sum(isinstance(x, kind) for x in network.modules()) for network in (generator(**changes), critic(**changes))
    ]
    assert counts == [7, 6]


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_samples_are_within_the_range_of_images(norm: str) -> None:
    samples = generator(norm=norm)(100 * torch.randn(8, 8, generator=torch.Generator().manual_seed(2)))
    assert samples.abs().max() <= 1
    assert samples.min() < -0.5 and samples.max() > 0.5


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_permuting_a_batch_permutes_its_scores(norm: str) -> None:
    network, batch, order = critic(norm=norm), images(5), torch.tensor([3, 0, 4, 1, 2])
    scores = network(batch)
    assert scores.shape == (5,)
    assert scores.unique().numel() == 5
    torch.testing.assert_close(network(batch[order]), scores[order])


@pytest.mark.parametrize(("norm", "independent"), [("layer", True), ("none", True), ("batch", False)])
def test_gradient_at_one_sample_ignores_the_others_unless_there_is_batch_norm(norm: str, independent: bool) -> None:
    network, batch = critic(norm=norm), images(3).requires_grad_()
    (gradient,) = torch.autograd.grad(network(batch)[1], batch)
    assert gradient[1].any()
    assert (not gradient[[0, 2]].any()) == independent


def test_labels_do_not_change_an_unconditional_network() -> None:
    labels = torch.tensor([1, 2, 3])
    assert torch.equal(critic()(images(3), labels), critic()(images(3)))
    assert torch.equal(generator()(torch.ones(3, 8), labels), generator()(torch.ones(3, 8)))


@pytest.mark.parametrize("build", [generator, critic])
def test_initial_weights_have_the_standard_deviation_asked_for(build: Any) -> None:
    network = build(filters=16, depth=4, initial_std=0.02)
    weights = [parameter.flatten() for parameter in network.parameters() if parameter.ndim > 1]
    assert all(weight.std().item() == pytest.approx(0.02, rel=0.1) for weight in weights)
    assert torch.cat(weights).abs().max().item() == pytest.approx(0.034641, rel=0.001)


def test_width_scale_scales_the_filters() -> None:
    assert parameters(critic(filters=32, width_scale=0.125)) == parameters(critic(filters=4))


@pytest.mark.parametrize("build", [generator, critic])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_shape": (1, 8, 8)}, r"data\.resolution=8 .*: a power of two from 16 on is needed"),
        ({"image_shape": (1, 48, 48)}, r"data\.resolution=48 .*: a power of two from 16 on is needed"),
        ({"image_shape": (3, 32, 64)}, r"data\.image_shape=\(3, 32, 64\) .*: a square is needed"),
        ({"depth": 1}, r"depth=1 is not possible: a whole number of at least 2 is needed"),
        ({"extra_layout": "top"}, r"extra_layout=top is not possible: one of middle, even is needed"),
        ({"norm": "instance"}, r"norm=instance is not possible: one of batch, layer, none is needed"),
        ({"nonlinearity": "gelu"}, r"nonlinearity=gelu is not possible: one of relu, leaky_relu, softplus, tanh, elu"),
        ({"width_scale": 0.3}, r"filters=4 times width_scale=0\.3 must be a positive integer, got 1\.2"),
        ({"filters": 0}, r"filters=0 times width_scale=1\.0 must be a positive integer"),
    ],
)
def test_argument_out_of_range_is_refused_in_one_line(build: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}[^\n]*$"):
        build(**changes)
