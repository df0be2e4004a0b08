"""Files of weights that are never read, because reading runs code: the line that converts each."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from convcalc.diagnostics import ArgumentError


class FileError(ArgumentError):
    """A file that cannot be used, and why."""


TORCH = (
    "import io, numpy, pathlib, torch; "
    "f = io.BytesIO(pathlib.Path({path!r}).read_bytes()); "
    "w = torch.load(f, map_location='cpu', weights_only=True); "
    "w = w.get('state_dict', w); "
    "numpy.savez({out!r}, **{{k: v.float().numpy() for k, v in w.items()}})"
)
"""What writes PyTorch's state dict as NPZ, half precision as float32."""
KERAS = (
    "import keras, numpy; m = keras.saving.load_model({path!r}); "
    "r = dict(kernel='weight', embeddings='weight', gamma='weight', beta='bias', "
    "moving_mean='running_mean', moving_variance='running_var'); "
    "numpy.savez({out!r}, **{{'.'.join([*p[:-1], r.get(p[-1], p[-1])]): "
    "numpy.moveaxis(v, (-1, -2), (0, 1)) if v.ndim > 1 and p[-1] != 'embeddings' else v "
    "for p, v in ((w.path.split('/'), numpy.array(w)) for w in m.weights)}})"
)
"""What writes a Keras model's weights as NPZ, filters and channels first; tables are rows there,
too."""


def refuse(path: str, start: bytes, members: Sequence[str] | None) -> None:
    """Refuse what is neither NPZ nor safetensors by its first bytes, or its members if it is a ZIP.

    Raises `FileError` that says what it is and how it is converted.
    """
    names = members or ()
    message = ""
    if any(name.endswith("data.pkl") for name in names):
        message = _torch(path, "a PyTorch checkpoint, which is a pickle in a ZIP archive")
    elif start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        message = _torch(path, "a pickle, as older versions of PyTorch write checkpoints")
    elif any(name.endswith(".weights.h5") for name in names):
        message = _keras(path, "a Keras archive")
    elif start.startswith(b"\x89HDF\r\n\x1a\n"):
        message = _keras(path, "HDF5, as Keras writes weights")
    elif start.startswith(b"\x93NUMPY"):
        message = f"{path} is one array without a name (.npy), and weights are several: .npz"
    elif start.startswith(b"GGUF"):
        message = f"{path} is GGUF, and weights are read from NPZ and safetensors"
    if message:
        raise FileError(message)


def _torch(path: str, what: str) -> str:
    return (
        f"{path} is {what}: reading one can run code, so it is never done here. "
        f"This writes it as NPZ, where PyTorch is installed:\n  {_line(TORCH, path)}"
    )


def _keras(path: str, what: str) -> str:
    return (
        f"{path} is {what}, which is not read here. This writes it as NPZ in PyTorch's layout, "
        f"where Keras is installed:\n  {_line(KERAS, path)}\n"
        "  A linear layer behind a flatten has its inputs in another order there, channels last: "
        "put its weight's axes right before you use it"
    )


def _line(code: str, path: str) -> str:
    """A line for a shell, whatever is in the path."""
    written = code.format(path=path, out=str(Path(path).with_suffix(".npz")))
    if any(sign in written for sign in '"$`\\!'):
        return f"python -c {shlex.quote(written)}"
    return f'python -c "{written}"'
