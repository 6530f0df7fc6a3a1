"""Sample 3: handwritten digits, a small convolutional network trained here with NumPy."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from common import OPSETS, save_onnx, write_text

CHANNELS = (12, 24)
EPOCHS = 40
BATCH = 32
IMAGES = 20


def split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels as bytes 0..255 [rows, 8, 8] and digits: 75 and 25 percent, stratified."""
    source = load_digits()
    pixels = np.rint(source.images * 255 / 16).astype(np.uint8)
    train, held = train_test_split(
        np.arange(len(pixels)), test_size=0.25, random_state=7, stratify=source.target
    )
    return pixels[train], source.target[train], pixels[held], source.target[held]


def scaled(pixels: np.ndarray) -> np.ndarray:
    """What the network wants: float32 [rows, 1, 8, 8] from 0 to 1."""
    return (pixels.astype(np.float32) / np.float32(255))[:, None]


def patches(x: np.ndarray) -> np.ndarray:
    """3x3 neighbourhoods with a border of zeros: [rows, channels * 9, height * width]."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * 9, h * w)


def unpatches(grad: np.ndarray, shape: tuple) -> np.ndarray:
    """The transpose of `patches`: sums what each pixel gave to its neighbourhoods."""
    n, c, h, w = shape
    grad = grad.reshape(n, c, 3, 3, h, w)
    out = np.zeros((n, c, h + 2, w + 2))
    for i in range(3):
        for j in range(3):
            out[:, :, i : i + h, j : j + w] += grad[:, :, i, j]
    return out[:, :, 1:-1, 1:-1]


class Network:
    """Conv 3x3, ReLU, max pool 2, conv 3x3, ReLU, max pool 2, linear; float64 while it learns."""

    def __init__(self, rng: np.random.Generator):
        a, b = CHANNELS
        self.weights = [
            rng.normal(0, np.sqrt(2 / 9), (a, 9)),
            np.zeros(a),
            rng.normal(0, np.sqrt(2 / (9 * a)), (b, 9 * a)),
            np.zeros(b),
            rng.normal(0, np.sqrt(1 / (b * 4)), (b * 4, 10)),
            np.zeros(10),
        ]

    def convolve(self, x, weight, bias):
        """Convolution, ReLU and pooling, with what the way back needs."""
        n, _, h, w = x.shape
        columns = patches(x)
        z = (weight @ columns + bias[:, None]).reshape(n, -1, h // 2, 2, w // 2, 2)
        z = z.transpose(0, 1, 2, 4, 3, 5).reshape(n, len(weight), h // 2, w // 2, 4)
        best = z.argmax(-1)[..., None]
        top = np.take_along_axis(z, best, -1)[..., 0]
        return np.maximum(top, 0), (x.shape, columns, best, top)

    def convolve_back(self, grad, weight, kept):
        """Gradients of weight, bias and input."""
        shape, columns, best, top = kept
        n, _, h, w = shape
        spread = np.zeros((*top.shape, 4))
        np.put_along_axis(spread, best, (grad * (top > 0))[..., None], -1)
        spread = spread.reshape(n, len(weight), h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        flat = spread.reshape(n, len(weight), h * w)
        d_weight = np.einsum("nop,nkp->ok", flat, columns)
        return d_weight, flat.sum((0, 2)), unpatches(weight.T @ flat, shape)

    def forward(self, x):
        """Probabilities, and what the way back needs."""
        w1, b1, w2, b2, w3, b3 = self.weights
        one, kept1 = self.convolve(x, w1, b1)
        two, kept2 = self.convolve(one, w2, b2)
        flat = two.reshape(len(x), -1)
        scores = flat @ w3 + b3
        scores = np.exp(scores - scores.max(1, keepdims=True))
        return scores / scores.sum(1, keepdims=True), (kept1, kept2, flat, two.shape)

    def gradients(self, x, digits):
        """Gradients of the mean log loss."""
        proba, (kept1, kept2, flat, shape) = self.forward(x)
        delta = (proba - np.eye(10)[digits]) / len(x)
        d_two = (delta @ self.weights[4].T).reshape(shape)
        dw2, db2, d_one = self.convolve_back(d_two, self.weights[2], kept2)
        dw1, db1, _ = self.convolve_back(d_one, self.weights[0], kept1)
        return [dw1, db1, dw2, db2, flat.T @ delta, delta.sum(0)]


def train_network() -> Network:
    """Adam with a falling step and small shifts of the pictures, one fixed seed."""
    pixels, digits, _, _ = split()
    x = scaled(pixels).astype(np.float64)
    rng = np.random.default_rng(7)
    network = Network(rng)
    first = [np.zeros_like(w) for w in network.weights]
    second = [np.zeros_like(w) for w in network.weights]
    step = 0
    for epoch in range(EPOCHS):
        rate = 4e-3 * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(x))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            shifted = np.roll(x[rows], rng.integers(-1, 2) if epoch % 2 else 0, axis=3)
            step += 1
            for i, grad in enumerate(network.gradients(shifted, digits[rows])):
                first[i] = 0.9 * first[i] + 0.1 * grad
                second[i] = 0.999 * second[i] + 0.001 * grad**2
                move = (first[i] / (1 - 0.9**step)) / (np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8)
                network.weights[i] -= rate * move
    return network


def to_onnx_model(network: Network):
    """The same network as ONNX operators."""
    a, b = CHANNELS
    w1, b1, w2, b2, w3, b3 = network.weights
    arrays = {
        "conv1.weight": w1.reshape(a, 1, 3, 3),
        "conv1.bias": b1,
        "conv2.weight": w2.reshape(b, a, 3, 3),
        "conv2.bias": b2,
        "linear.weight": w3,
        "linear.bias": b3,
    }
    pads = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("Conv", ["image", "conv1.weight", "conv1.bias"], ["conv1"], "conv1", **pads),
        helper.make_node("Relu", ["conv1"], ["relu1"], "relu1"),
        helper.make_node("MaxPool", ["relu1"], ["pool1"], "pool1", **pool),
        helper.make_node("Conv", ["pool1", "conv2.weight", "conv2.bias"], ["conv2"], "conv2", **pads),
        helper.make_node("Relu", ["conv2"], ["relu2"], "relu2"),
        helper.make_node("MaxPool", ["relu2"], ["pool2"], "pool2", **pool),
        helper.make_node("Flatten", ["pool2"], ["flat"], "flat", axis=1),
        helper.make_node("Gemm", ["flat", "linear.weight", "linear.bias"], ["scores"], "linear"),
        helper.make_node("Softmax", ["scores"], ["probabilities"], "softmax", axis=1),
        helper.make_node("ArgMax", ["scores"], ["label"], "argmax", axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["batch"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10]),
        ],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in arrays.items()],
    )
    opset = [helper.make_opsetid("", OPSETS[""])]
    return helper.make_model(graph, producer_name="modeldesk-samples", opset_imports=opset, ir_version=8)


def save_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """A compressed NPZ whose entries carry no time, so that its bytes repeat."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.save(data, array)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data.getvalue())


def write(folder: Path) -> dict:
    """Writes the sample and says what it is."""
    train, _, pixels, digits = split()
    network = train_network()
    metadata = {
        "class_names": json.dumps([str(d) for d in range(10)]),
        "image_layout": "NCHW",
        "image_mode": "L",
        "image_scale": "1/255",
        "target": "label",
    }
    model = to_onnx_model(network)
    save_onnx(folder / "model.onnx", model, "Which digit was written by hand?", metadata)
    proba, _ = network.forward(scaled(pixels).astype(np.float64))
    score = accuracy_score(digits, proba.argmax(1)), log_loss(digits, proba, labels=np.arange(10))
    save_npz(folder / "heldout.npz", {"image": scaled(pixels), "label": digits.astype(np.int64)})
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(IMAGES):
        name = f"{i + 1:03d}.png"
        Image.fromarray(pixels[i], "L").save(folder / "images" / name, optimize=True)
        rows.append((name, digits[i]))
    pd.DataFrame(rows, columns=["file", "label"]).to_csv(folder / "images" / "labels.csv", index=False)
    write_text(folder / "card.md", card(len(train), len(pixels), score))
    return {
        "name": "digits",
        "title": "Handwritten digits, a convolutional network",
        "task": "classification",
        "models": ["model.onnx"],
        "data": "heldout.npz",
        "images": "images",
        "background": None,
        "target": "label",
        "positive": None,
    }


def card(train_rows: int, held_rows: int, score: tuple) -> str:
    """The model card."""
    a, b = CHANNELS
    return f"""
# Digits: a small convolutional network

**Question.** Which digit is on a grey picture of 8 by 8 pixels?

**Data.** Optical Recognition of Handwritten Digits, test part: Alpaydin and Kaynak, 1998, UCI Machine Learning
Repository, https://doi.org/10.24432/C50P49. Licence: CC BY 4.0. Taken from the copy inside scikit-learn
(`sklearn.datasets.load_digits`). Changes: grey levels 0 to 16 became bytes 0 to 255.

**Split.** {train_rows} pictures for training, {held_rows} held out, stratified, seed 7. `heldout.npz` holds all
held-out pictures as the model wants them (`image` float32 [{held_rows}, 1, 8, 8] from 0 to 1, and `label`);
`images/` holds the first {IMAGES} of them as PNG, with `images/labels.csv`.

**Training.** Convolutions 3x3 with {a} and {b} channels, each with ReLU and max pooling, then one linear layer;
{EPOCHS} epochs of Adam written in NumPy (`xtask/python/sample_digits.py`). Input `image` float32
[batch, 1, 8, 8], pixel / 255; outputs `label` int64 [batch] and `probabilities` float32 [batch, 10].
The file's metadata says how to feed pictures: `image_mode` L, `image_layout` NCHW, `image_scale` 1/255.

**Score on the held-out pictures.** Accuracy {score[0]:.3f}, log loss {score[1]:.3f}.

**Intended use.** To try Modeldesk on pictures.

**Regenerate.** `cargo xtask samples`. Data, pictures and card come out the same everywhere; the last bits of the
weights may differ on a CPU with other vector instructions.
"""
