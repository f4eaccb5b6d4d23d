"""What architectures ask of their settings: a resolution that they are made for, widths that are whole numbers."""

from collections.abc import Sequence


def scaled(name: str, width: int, width_scale: float) -> int:
    """A width, called ``name`` in the configuration, times ``width_scale``.

    Raises:
        ValueError: if the product is not a positive integer.
    """
    product = width * width_scale
    if product < 1 or product != int(product):
        raise ValueError(f"{name}={width} times width_scale={width_scale} must be a positive integer, got {product:g}")
    return int(product)


def square_size(image_shape: Sequence[int]) -> int:
    """Height of a square image.

    Raises:
        ValueError: if the image is not square.
    """
    _, height, width = image_shape
    if height != width:
        raise ValueError(f"data.image_shape={tuple(image_shape)} does not fit this arch: a square is needed")
    return height


def require_resolution(image_shape: Sequence[int], resolution: int) -> None:
    """Refuse images of another size than an architecture is made for.

    Raises:
        ValueError: if they are not ``(C, resolution, resolution)``.
    """
    size = square_size(image_shape)
    if size != resolution:
        raise ValueError(f"data.resolution={size} does not fit this arch: {resolution} is needed")
