"""Writes small networks (ONNX) and what captum says of them by the methods that change the gradient (JSON): guided
backpropagation, DeepLIFT, DeepSHAP, epsilon-LRP, occlusion and Grad-CAM, in float64. Needs torch, captum, onnx and
onnxscript.

    python tests/reference/gradients/rules.py
"""

import json
import warnings
from pathlib import Path

import onnx
import torch
from captum.attr import LRP, DeepLift, DeepLiftShap, GuidedBackprop, LayerAttribution, LayerGradCam, Occlusion
from captum.attr._utils.custom_modules import Addition_Module
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent


class Cnn(nn.Module):
    """A residual block with batch norm, between pools. captum wants each activation to be a module of its own. Its
    DeepLIFT (0.9) does not add up where two such modules follow each other: the hook of the first runs before that of
    the second and sees the plain gradient. The product with 1 stands between them for that reason alone."""

    def __init__(self):
        super().__init__()
        self.one, self.norm, self.a = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.two, self.b = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()
        self.add = Addition_Module()
        self.mean = nn.AvgPool2d(2)
        self.head, self.c, self.out = nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)

    def forward(self, x):
        x = self.pool(self.a(self.norm(self.one(x))) * 1.0)
        x = self.add(x, self.b(self.two(x)))
        return self.out(self.c(self.head(self.mean(x).flatten(1))))


def settle(model):
    """Statistics that are not those of the start."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.7, 1.4)
            module.bias.data.normal_(0, 0.2)
    return model.eval()


def export(name, model, x):
    whole = nn.Sequential(model, nn.Softmax(-1)).eval()
    path = HERE / f"{name}.onnx"
    torch.onnx.export(whole, (x,), path, input_names=["x"], output_names=["y"], dynamo=True, external_data=False,
                      dynamic_shapes={"input": {0: torch.export.Dim("batch")}})
    loaded = onnx.load(path)
    for value in list(loaded.metadata_props):
        loaded.metadata_props.remove(value)
    for node in loaded.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del loaded.graph.value_info[:]
    onnx.save(loaded, path)
    print(name, path.stat().st_size, [node.op_type for node in loaded.graph.node])


def lrp(model, x, target, epsilon):
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d, Addition_Module)):
            module.rule = EpsilonRule(epsilon)
    return LRP(model).attribute(x.clone().requires_grad_(), target=target)


def make(name, seed, model, shape, of_lrp=True, window=None, layer=None):
    torch.manual_seed(seed)
    model = settle(model())
    x, background = torch.randn(2, *shape), torch.randn(4, *shape)
    # Numbers that float32 holds, so that both sides mean the same row.
    export(name, model, x)
    model, x, background = model.double().eval(), x.double(), background.double()
    target = [i % 3 for i in range(1, len(x) + 1)]
    mean = background.mean(0, keepdim=True)
    listed = lambda t: [float(f"{v:.8g}") for v in t.detach().numpy().ravel()]
    exact = lambda t: [float(v) for v in t.detach().numpy().ravel()]
    lift, delta = DeepLift(model).attribute(x, mean, target=target, return_convergence_delta=True)
    entry = {
        "shape": list(x.shape), "x": exact(x), "background": exact(background), "target": target,
        "scores": listed(model(x)), "guided": listed(GuidedBackprop(model).attribute(x.clone().requires_grad_(), target=target)),
        "deeplift": listed(lift), "deeplift_delta": listed(delta),
        "deepshap": listed(DeepLiftShap(model).attribute(x, background, target=target)),
    }
    if of_lrp:
        entry["lrp"] = listed(lrp(model, x, target, 1e-9))
    # Torch's exporter joins a batch norm with its convolution, which is one sum then and not two.
    if of_lrp and not any(isinstance(module, nn.BatchNorm2d) for module in model.modules()):
        entry |= {"lrp_epsilon": 0.25, "lrp_at_epsilon": listed(lrp(model, x, target, 0.25))}
    if window:
        size, stride = window
        entry |= {"window": size, "stride": stride}
        entry["occlusion"] = listed(Occlusion(model).attribute(
            x, (shape[0], size, size), strides=(shape[0], stride, stride), baselines=mean, target=target))
    if layer:
        cam = LayerGradCam(model, layer(model)).attribute(x, target=target, relu_attributions=True)
        entry["gradcam"] = listed(LayerAttribution.interpolate(cam, x.shape[2:], "bilinear"))
    (HERE / f"{name}.json").write_text(json.dumps(entry, separators=(",", ":")) + "\n")
    print("  delta", float(delta.abs().max()))


make("rules_mlp", 21, lambda: nn.Sequential(
    nn.Linear(5, 10), nn.ReLU(), nn.Linear(10, 8), nn.Tanh(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)), (5,))
make("rules_plain", 24, lambda: nn.Sequential(
    nn.Linear(5, 8, bias=False), nn.ReLU(), nn.Linear(8, 6, bias=False), nn.ReLU(), nn.Linear(6, 3, bias=False)), (5,))
make("rules_bends", 22, lambda: nn.Sequential(
    nn.Linear(5, 8), nn.ELU(), nn.Linear(8, 8), nn.LeakyReLU(0.2), nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 8),
    nn.Softplus(), nn.Linear(8, 3)), (5,), of_lrp=False)
make("rules_cnn", 23, Cnn, (2, 7, 7), window=(3, 2), layer=lambda model: model.two)
