"""Files as inputs: an image as torchvision resizes, crops and normalizes it, or the numbers."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from convcalc.forward.files import numbers_of, read_json
from convcalc.forward.foreign import FileError
from convcalc.shape import Shape

Normalize = Literal["imagenet", "unit", "signed"]

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the red, green and blue of ImageNet's images, from 0 to 1."""
SHARE = 0.875
"""Part of the shorter side that is left in the middle: 224 of 256."""


def read_image(
    path: str, shape: Shape, normalize: Normalize | None = None, *, batch: int = 1
) -> Any:
    """A batch (N, C, H, W) of the same image from a PNG, JPEG, NPY or JSON file.

    Numbers with a point in an NPY file, and all of a `.json` file, are the input itself and must
    have its shape, which the axis of a single channel may be left out of. Everything else is an
    image of values from 0 to 255, read as red, green and blue or, for one channel, as grey; it is
    scaled so that the crop from its middle is 0.875 of the shorter side, and normalized: `imagenet`
    (the default for three channels) to mean 0 and deviation 1, `unit` (the default for one) to
    0 … 1, `signed` to −1 … 1.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".json":
        array = numbers_of(path, read_json(path), "the input")
        if normalize is not None:
            message = f"{path} is the input itself: nothing is normalized to {normalize!r}"
            raise FileError(message)
        return _repeated(_as_given(path, array, shape).astype(np.float32), batch)
    if suffix == ".npy":
        array = _npy(path)
        if array.dtype.kind == "f":
            if normalize is not None:
                message = (
                    f"{path} holds {array.dtype}, which is the input itself: nothing is normalized "
                    f"to {normalize!r}"
                )
                raise FileError(message)
            return _repeated(_as_given(path, array, shape).astype(np.float32), batch)
        if array.dtype != np.uint8 or array.ndim not in (2, 3):
            message = f"{path} holds {array.dtype}; an image is H×W or H×W×C of uint8, or floats"
            raise FileError(message)
    else:
        array = None
    if shape.rank != 2 or shape.channels not in (1, 3):
        message = f"an image has 2 axes and 1 or 3 channels, and the input is {shape}"
        raise FileError(message)
    pixels = _pixels(path, array, shape).astype(np.float32) / np.float32(255)
    return _repeated(np.moveaxis(_normalized(pixels, normalize), -1, 0), batch)


def read_indices(path: str, shape: Shape, *, batch: int = 1) -> Any:
    """A batch (N, 1, L) of the same whole numbers, which are looked up, from an NPY or JSON file.

    That they are whole, and numbers of rows that there are, is not asked here.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".json", ".npy"):
        message = (
            f"{path} is neither .npy nor .json, which hold whole numbers: what is looked up is no "
            "image"
        )
        raise FileError(message)
    array = _npy(path) if suffix == ".npy" else numbers_of(path, read_json(path), "the input")
    if array.dtype.kind not in "fiu":
        message = f"{path} holds {array.dtype}, and what is looked up is whole numbers"
        raise FileError(message)
    return _repeated(_as_given(path, array, shape), batch)


def _npy(path: str) -> Any:
    """The array of an NPY file."""
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        message = f"{path} is no NPY file that can be read: {_reason(error)}"
        raise FileError(message) from None


def _repeated(example: Any, batch: int) -> Any:
    return np.broadcast_to(example, (batch, *example.shape))


def _as_given(path: str, array: Any, shape: Shape) -> Any:
    if array.ndim == shape.rank + 2 and array.shape[0] == 1:
        array = array[0]
    if shape.channels == 1 and array.ndim == shape.rank > 0:
        array = array[None]
    if array.shape != shape.axes:
        message = (
            f"{path} holds {'×'.join(map(str, array.shape))} numbers, and the input is "
            f"{'×'.join(map(str, shape.axes))} (channels first)"
        )
        raise FileError(message)
    return array


def _normalized(pixels: Any, normalize: Normalize | None) -> Any:
    if normalize is None:
        normalize = "imagenet" if pixels.shape[-1] == 3 else "unit"
    if normalize == "signed":
        return pixels * np.float32(2) - np.float32(1)
    if normalize == "imagenet":
        if pixels.shape[-1] != 3:
            message = "normalizing by ImageNet's means needs three channels"
            raise FileError(message)
        return (pixels - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
    return pixels


def _reason(error: Exception) -> str:
    """What is wrong, without the number that the system has for it."""
    return str(getattr(error, "strerror", None) or error)


def _pixels(path: str, array: Any, shape: Shape) -> Any:
    """Values 0 … 255 as (H, W, C) of the input's size."""
    height, width = shape.spatial
    if array is not None and array.shape[:2] == (height, width):
        pixels = array.reshape(height, width, -1)
        if pixels.shape[-1] == shape.channels:
            return pixels
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        message = f"{path} needs Pillow to be read and resized: pip install pillow"
        raise FileError(message) from None
    try:
        opened = Image.fromarray(array) if array is not None else Image.open(path)
        with opened as image:
            image = image.convert("RGB" if shape.channels == 3 else "L")  # noqa: PLW2901
            scale = max(height / image.height, width / image.width) / SHARE
            size = max(round(image.width * scale), width), max(round(image.height * scale), height)
            image = image.resize(size, Image.Resampling.BILINEAR)  # noqa: PLW2901
            left, top = (size[0] - width) // 2, (size[1] - height) // 2
            image = image.crop((left, top, left + width, top + height))  # noqa: PLW2901
            return np.asarray(image).reshape(height, width, shape.channels)
    except (
        OSError,
        ValueError,
        TypeError,
        SyntaxError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
    ) as error:
        message = f"{path} is no image that can be read: {_reason(error)}"
        raise FileError(message) from None
