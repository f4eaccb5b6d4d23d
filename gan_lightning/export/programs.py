"""A generator as programs that need neither its classes nor this package: ``torch.export`` and ONNX."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

BATCHES = (1, 3, 100)
"""Sizes with which a program is tried."""

TOLERANCE = 1e-5
"""By which a program's samples may differ from the generator's."""

ONNX = ("onnx", "onnxruntime", "onnxscript")


def has_onnx() -> bool:
    """Whether the packages of the extra ``export`` are there."""
    return all(find_spec(name) for name in ONNX)


def inputs_of(count: int, *, latent_dim: int, classes: int | None) -> tuple[Tensor, ...]:
    """Latents ``(count, latent_dim)``, and labels ``(count,)`` where there are classes; the same at every call."""
    latents = torch.randn(count, latent_dim, generator=torch.Generator().manual_seed(count))
    return (latents,) if classes is None else (latents, torch.arange(count) % classes)


def write_programs(
    generator: nn.Module, folder: Path, *, latent_dim: int, classes: int | None, by_batch: bool
) -> dict[str, float]:
    """Write ``generator.pt2`` and, where its packages are there, ``generator.onnx``, with any batch size.

    Args:
        generator: on the CPU, in eval mode.
        folder: to write to.
        latent_dim, classes: of the generator.
        by_batch: whether it normalises by the batch: one of a single sample is then not tried.

    Returns:
        By file, how far its samples are from the generator's at most, over batches of `BATCHES`.

    Raises:
        ValueError: if the generator cannot be exported, or a program's samples differ by more than `TOLERANCE`.
    """
    sizes = [size for size in BATCHES if size > 1 or not by_batch]
    tried = [inputs_of(size, latent_dim=latent_dim, classes=classes) for size in sizes]
    with torch.no_grad():
        expected = [generator(*inputs) for inputs in tried]
    batch = torch.export.Dim("batch", min=2 if by_batch else 1)
    names = ("latents", "labels")[: len(tried[0])]
    try:
        with quiet(), torch.no_grad():
            program = torch.export.export(generator, tried[1], dynamic_shapes=({0: batch},) * len(names), strict=False)
            torch.export.save(program, folder / "generator.pt2")
    except Exception as error:  # torch has many
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"the generator cannot be exported: {type(error).__name__}: {reason}") from error
    exported = torch.export.load(folder / "generator.pt2").module()
    with torch.no_grad():
        differences = {"generator.pt2": largest([exported(*inputs) for inputs in tried], expected)}
    if has_onnx():
        write_onnx(program, folder / "generator.onnx", names)
        found = run_onnx(folder / "generator.onnx", names, tried)
        differences["generator.onnx"] = largest(found, expected)
    for name, difference in differences.items():
        if not difference <= TOLERANCE:
            raise ValueError(f"{name} is not possible: its samples differ by {difference:.2g} from the generator's")
    return differences


def write_onnx(program: torch.export.ExportedProgram, file: Path, names: tuple[str, ...]) -> None:
    """Write a program in the form of ONNX, weights within."""
    with quiet():
        onnx = torch.onnx.export(program, dynamo=True, verbose=False, input_names=list(names), output_names=["samples"])
        assert onnx is not None
        onnx.save(str(file), external_data=False)


def run_onnx(file: Path, names: tuple[str, ...], tried: list[tuple[Tensor, ...]]) -> list[Tensor]:
    """What onnxruntime makes of inputs."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    given = [{name: value.numpy() for name, value in zip(names, inputs, strict=True)} for inputs in tried]
    return [torch.from_numpy(session.run(None, inputs)[0]) for inputs in given]


def largest(found: list[Tensor], expected: list[Tensor]) -> float:
    """The largest difference between samples; NaN where one is not a number."""
    return max((one - other).abs().max().item() for one, other in zip(found, expected, strict=True))


@contextmanager
def quiet() -> Iterator[None]:
    """Within it exporters say nothing: of errors they raise, the rest is about themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
