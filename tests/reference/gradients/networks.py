"""Writes the networks (ONNX) and what torch and captum say of their gradients (JSON): networks of the kinds that
people have, with random weights. Needs torch, captum, onnx and onnxscript.

    python tests/reference/gradients/networks.py
"""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from captum.attr import InputXGradient, IntegratedGradients, Saliency
from torch import nn

HERE = Path(__file__).parent
torch.manual_seed(7)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 12), nn.SiLU(), nn.Linear(12, 3))

    def forward(self, x):
        return self.layers(x)


class Separable(nn.Module):
    def __init__(self, wide, stride=1):
        super().__init__()
        self.depth = nn.Conv2d(wide, wide, 3, stride=stride, padding=1, groups=wide, bias=False)
        self.one = nn.BatchNorm2d(wide)
        self.point = nn.Conv2d(wide, wide, 1, bias=False)
        self.two = nn.BatchNorm2d(wide)

    def forward(self, x):
        return self.two(self.point(torch.nn.functional.relu6(self.one(self.depth(x)))))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.a = Separable(8)
        self.b = Separable(8, stride=2)
        self.squeeze = nn.Conv2d(8, 4, 1)
        self.excite = nn.Conv2d(4, 8, 1)
        self.mean = nn.AvgPool2d(2)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.pool(torch.relu(self.norm(self.stem(x))))
        x = x + self.a(x)
        x = torch.nn.functional.hardswish(self.b(x))
        gate = torch.nn.functional.adaptive_avg_pool2d(x, 1)
        x = x * torch.sigmoid(self.excite(torch.relu(self.squeeze(gate))))
        x = self.mean(x)
        return self.head(torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Attention(nn.Module):
    def __init__(self, wide=16, heads=4):
        super().__init__()
        self.heads, self.wide = heads, wide
        self.qkv = nn.Linear(wide, 3 * wide)
        self.out = nn.Linear(wide, wide)

    def forward(self, x):
        n, length, _ = x.shape
        q, k, v = self.qkv(x).reshape(n, length, 3, self.heads, self.wide // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        share = torch.softmax(q @ k.transpose(-1, -2) / (self.wide // self.heads) ** 0.5, -1)
        return self.out((share @ v).transpose(1, 2).reshape(n, length, self.wide))


class Transformer(nn.Module):
    def __init__(self, wide=16):
        super().__init__()
        self.embed = nn.Linear(5, wide)
        self.token = nn.Parameter(torch.randn(1, 1, wide))
        self.one, self.two = nn.LayerNorm(wide), nn.LayerNorm(wide)
        self.attention = Attention(wide)
        self.feed = nn.Sequential(nn.Linear(wide, 32), nn.GELU(), nn.Linear(32, wide))
        self.head = nn.Linear(wide, 3)

    def forward(self, x):
        x = self.embed(x)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        x = x + self.attention(self.one(x))
        x = x + self.feed(self.two(x))
        return self.head(x[:, 0])


def settle(model):
    """Weights of a size that lets something through, and statistics that are not those of the start."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.7, 1.4)
            module.bias.data.normal_(0, 0.2)
    return model.eval()


def make(name, model, x, softmax, dynamo=True):
    model = settle(model)
    # A new container is in training mode, and the exporter puts everything back into it.
    whole = (nn.Sequential(model, nn.Softmax(-1)) if softmax else model).eval()
    path = HERE / f"{name}.onnx"
    torch.onnx.export(whole, (x,), path, input_names=["x"], output_names=["y"], dynamo=dynamo, external_data=False,
                      dynamic_shapes={"input": {0: torch.export.Dim("batch")}} if dynamo and softmax else
                      ({"x": {0: torch.export.Dim("batch")}} if dynamo else None),
                      dynamic_axes=None if dynamo else {"x": {0: "batch"}}, **({} if dynamo else {"opset_version": 12}))
    loaded = onnx.load(path)
    for value in list(loaded.metadata_props):
        loaded.metadata_props.remove(value)
    for node in loaded.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del loaded.graph.value_info[:]
    onnx.save(loaded, path)

    wide, x = model.eval().double(), x.double()
    base = torch.full_like(x[:1], 0.1)
    target = [int(i) % model(x).shape[1] for i in range(len(x))]
    listed = lambda t: [float(f"{v:.9g}") for v in t.detach().numpy().ravel()]
    x.requires_grad_()
    after = nn.Sequential(wide, nn.Softmax(-1))
    ig, delta = IntegratedGradients(wide).attribute(x, base, target=target, n_steps=400, method="gausslegendre", return_convergence_delta=True)
    entry = {
        "shape": list(x.shape), "x": listed(x), "target": target, "scores": listed(wide(x)), "base": 0.1,
        "gradient": listed(Saliency(wide).attribute(x, target=target, abs=False)),
        "answer_gradient": listed(Saliency(after).attribute(x, target=target, abs=False)) if softmax else None,
        "input_x_gradient": listed(InputXGradient(wide).attribute(x, target=target)),
        "integrated": listed(ig), "integrated_delta": listed(delta),
    }
    (HERE / f"{name}.json").write_text(json.dumps(entry, separators=(",", ":")) + "\n")
    print(name, path.stat().st_size, sorted({n.op_type for n in loaded.graph.node}), loaded.opset_import[0].version, "delta", float(delta.abs().max()))


r = torch.Generator().manual_seed(3)
make("mlp", Mlp(), torch.randn(4, 6, generator=r), True)
make("cnn", Cnn(), torch.randn(2, 3, 12, 12, generator=r), True)
make("transformer", Transformer(), torch.randn(3, 5, 5, generator=r), False)
try:
    torch.manual_seed(9)
    make("cnn_opset12", Cnn(), torch.randn(2, 3, 12, 12, generator=r), True, dynamo=False)
    torch.manual_seed(10)
    make("transformer_opset12", Transformer(), torch.randn(3, 5, 5, generator=r), False, dynamo=False)
except Exception as error:
    print("the old exporter:", error)


def formula():
    """A perceptron whose weights are in the file, so that a test can evaluate it without ONNX."""
    torch.manual_seed(11)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2)).double().eval()
    x = torch.randn(3, 5, dtype=torch.double)
    background = torch.randn(20, 5, dtype=torch.double)
    listed = lambda t: [float(v) for v in t.detach().numpy().ravel()]
    x.requires_grad_()
    gradients = IntegratedGradients(model)
    along = lambda base: gradients.attribute(x, base, target=1, n_steps=200, method="gausslegendre")
    entry = {
        "w1": listed(model[0].weight), "b1": listed(model[0].bias), "w2": listed(model[2].weight), "b2": listed(model[2].bias),
        "x": listed(x), "background": listed(background), "target": 1,
        "saliency": listed(Saliency(model).attribute(x, target=1)),
        "input_x_gradient": listed(InputXGradient(model).attribute(x, target=1)),
        "integrated": listed(along(background.mean(0, keepdim=True))),
        "expected": listed(torch.stack([along(row[None]) for row in background]).mean(0)),
    }
    (HERE / "formula.json").write_text(json.dumps(entry, separators=(",", ":")) + "\n")


formula()
