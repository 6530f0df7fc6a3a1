"""Infidelity and max-sensitivity by captum 0.9.0: python with_captum.py; writes captum.json beside this file.

Made by hand, as torch is several GB: pip install torch==2.15.0 captum==0.9.0.
"""

import json
from pathlib import Path

import captum
import numpy as np
import torch
from captum.attr import InputXGradient
from captum.metrics import infidelity, infidelity_perturb_func_decorator, sensitivity_max

HERE = Path(__file__).resolve().parent
SETS, COPIES = 40, 10


def main() -> None:
    """Figures of three rows of the reference network, for attributions that are shares, slopes and products."""
    network = json.loads((HERE.parent / "shap" / "network.json").read_text())
    w = {name: torch.tensor(network[name], dtype=torch.float64) for name in ("mean", "scale", "w1", "b1", "w2")}

    def probability(x):
        hidden = torch.tanh((x - w["mean"]) / w["scale"] @ w["w1"] + w["b1"])
        return torch.sigmoid(hidden @ w["w2"] + network["b2"])

    background = torch.tensor(network["background"], dtype=torch.float64)
    mean = background.mean(0, keepdim=True)
    rng = np.random.default_rng(3)
    cases = []
    for row in (0, 7, 31):
        x = background[row : row + 1].clone().requires_grad_(True)
        gradient = torch.autograd.grad(probability(x).sum(), x)[0]
        x = x.detach()
        masks = rng.random((SETS, x.shape[1])) < rng.random((SETS, 1))
        masks[~masks.any(1), 0] = True
        gone = torch.tensor(masks, dtype=torch.float64)

        def without(inputs, baselines=None):
            return inputs - gone * (inputs - mean)

        shares, slopes = infidelity_perturb_func_decorator(True)(without), infidelity_perturb_func_decorator(False)(without)
        # Not quite the model's own: shares that add up to something else.
        kinds = {
            "shares": (1.3 * gradient * (x - mean), shares, mean),
            "slopes": (0.8 * gradient, slopes, None),
            "products": (gradient * x, shares, None),
        }
        case = {
            "x": x[0].tolist(),
            "mean": mean[0].tolist(),
            "sets": [np.flatnonzero(mask).tolist() for mask in masks],
            "changes": (probability(x) - probability(without(x.expand(SETS, -1)))).tolist(),
        }
        for name, (attributions, perturb, baselines) in kinds.items():
            of = dict(baselines=baselines, n_perturb_samples=SETS)
            case[name] = {
                "attributions": attributions[0].tolist(),
                "infidelity": infidelity(probability, perturb, x, attributions, **of).item(),
                "normalized": infidelity(probability, perturb, x, attributions, normalize=True, **of).item(),
            }
        noise = torch.tensor(rng.uniform(-0.1, 0.1, (COPIES, x.shape[1])), dtype=torch.float64) * background.std(0)
        method = InputXGradient(probability)
        case["sensitivity"] = {
            "own": method.attribute(x.clone()).detach()[0].tolist(),
            "copies": method.attribute((x + noise).clone()).detach().tolist(),
            "max": sensitivity_max(
                method.attribute, x, perturb_func=lambda inputs: (inputs + noise,), n_perturb_samples=COPIES
            ).item(),
        }
        cases.append(case)
    value = {"source": f"captum {captum.__version__}, torch {torch.__version__}", "cases": cases}
    members = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()]
    (HERE / "captum.json").write_text("{\n" + ",\n".join(members) + "\n}\n")


if __name__ == "__main__":
    main()
