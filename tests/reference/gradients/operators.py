"""Writes operators.json: small models, one for each operator and way of using it, with gradients by central
differences in float64 through onnx's reference evaluator (numpy). Needs numpy, onnx and scipy.

    python tests/reference/gradients/operators.py
"""

import base64
import json
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as nh
from onnx.reference import ReferenceEvaluator
from scipy.special import erf

HERE = Path(__file__).parent
STEP = 1e-6
cases = []
erf_ = np.vectorize(math.erf)


def numbers(array):
    return {"shape": list(array.shape), "data": [float(f"{v:.9g}") for v in np.asarray(array, np.float64).ravel()]}


def build(nodes, inputs, weights, opset, kind, dynamic, output, ml):
    made = {np.dtype(np.float32): kind, np.dtype(np.float64): kind, np.dtype(np.int64): T.INT64,
            np.dtype(np.int32): T.INT32, np.dtype(bool): T.BOOL}
    infos = []
    for name, value in inputs.items():
        dims = [f"{name}{i}" for i in range(value.ndim)] if dynamic else list(value.shape)
        infos.append(h.make_tensor_value_info(name, made[value.dtype], dims))
    wide = np.float64 if kind == T.DOUBLE else np.float32
    tensors = [nh.from_array(v.astype(wide) if v.dtype.kind == "f" else v, k) for k, v in weights.items()]
    nodes = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    if kind == T.DOUBLE:
        for node in nodes:
            for a in node.attribute:
                if node.op_type == "Cast" and a.name == "to" and a.i == T.FLOAT:
                    a.i = T.DOUBLE
    graph = h.make_graph(nodes, "case", infos, [h.make_tensor_value_info(output, kind, None)], tensors)
    opsets = [h.make_opsetid("", opset)] + [h.make_opsetid(d, 1 if d == "com.microsoft" else 3) for d in ml]
    return h.make_model(graph, opset_imports=opsets, ir_version=10 if opset > 20 else 8)


def case(name, nodes, inputs, weights=None, opset=18, output="y", f64=None, dynamic=True):
    """`nodes`: an (op, inputs, attributes) or a list of ready nodes; `f64`: the same function where onnx's is not
    one of float64."""
    weights = weights or {}
    nodes = [nodes] if not isinstance(nodes, list) else nodes
    ready = []
    for i, n in enumerate(nodes):
        if isinstance(n, tuple):
            op, ins, attrs = n[0], n[1], dict(n[2]) if len(n) > 2 else {}
            outs = n[3] if len(n) > 3 else ["y" if i == len(nodes) - 1 else f"t{i}"]
            n = h.make_node(op, ins, outs, **attrs)
        ready.append(n)
    ml = sorted({n.domain for n in ready if n.domain})
    inputs = {k: np.asarray(v, np.float32) if np.asarray(v).dtype.kind == "f" else np.asarray(v) for k, v in inputs.items()}
    weights = {k: np.asarray(v, np.float32) if np.asarray(v).dtype.kind == "f" else np.asarray(v) for k, v in weights.items()}
    wide = {k: v.astype(np.float64) if v.dtype.kind == "f" else v for k, v in inputs.items()}
    if f64 is None:
        reference = ReferenceEvaluator(build(ready, inputs, weights, opset, T.DOUBLE, False, output, ml))
        run = lambda at: np.asarray(reference.run([output], at)[0], np.float64)
    else:
        run = lambda at: np.asarray(f64(**at), np.float64)
    y = run(wide)
    seed = np.random.default_rng(len(cases)).normal(size=y.shape).astype(np.float32)
    gradients = {}
    for k, v in wide.items():
        if v.dtype.kind != "f":
            continue
        g = np.zeros_like(v)
        for at in np.ndindex(*v.shape):
            low, high = v.copy(), v.copy()
            low[at] -= STEP
            high[at] += STEP
            with np.errstate(all="ignore"):
                d = (run({**wide, k: high}) - run({**wide, k: low})) / (2 * STEP)
            g[at] = float((d * seed).sum())
        assert np.isfinite(g).all(), name
        gradients[k] = numbers(g)
    kinds = {"i": "int64", "f": "float32", "b": "bool"}
    entry = {"name": name, "output": output, "seed": numbers(seed), "gradients": gradients, "models": {},
             "inputs": {k: {**numbers(v), "type": kinds[v.dtype.kind]} for k, v in inputs.items()}}
    for word, moving in [("fixed", False), ("moving", True)][: 2 if dynamic else 1]:
        model = build(ready, inputs, weights, opset, T.FLOAT, moving, output, ml)
        entry["models"][word] = base64.b64encode(model.SerializeToString()).decode()
    cases.append(entry)


def away(shape, seed, least=0.15):
    """Numbers that stay away from 0 and from each other, where slopes jump."""
    r = np.random.default_rng(seed)
    n = int(np.prod(shape)) or 1
    values = (np.arange(n) + 1) * (2.0 / n) + least
    r.shuffle(values)
    return (values * r.choice([-1, 1], n)).reshape(shape).astype(np.float32)


def positive(shape, seed):
    return np.abs(away(shape, seed)) + 0.1


def normal(shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def elementwise():
    for op in ["Add", "Sub", "Mul", "Div"]:
        a, b = away((2, 3, 4), 1), away((3, 4), 2)
        case(f"{op} of equal shapes", (op, ["a", "b"]), {"a": a, "b": away((2, 3, 4), 3)})
        case(f"{op} over fewer dimensions", (op, ["a", "b"]), {"a": a, "b": b})
        case(f"{op} over a dimension of one", (op, ["b", "a"]), {"a": a, "b": away((2, 1, 1), 4)})
        case(f"{op} with a constant", (op, ["a", "w"]), {"a": a}, {"w": b})
        case(f"{op} of a smaller value and a constant", (op, ["w", "b"]), {"b": b}, {"w": a})
    x = away((2, 5), 5)
    case("Mul of a value with itself", ("Mul", ["a", "a"]), {"a": x})
    case("Pow 2", ("Pow", ["a", "w"]), {"a": x}, {"w": np.float32(2)})
    case("Pow 3 of whole numbers", ("Pow", ["a", "w"]), {"a": x}, {"w": np.int64(3)})
    case("Pow 0.5", ("Pow", ["a", "w"]), {"a": positive((2, 5), 5)}, {"w": np.float32(0.5)})
    case("Pow of a list", ("Pow", ["a", "w"]), {"a": positive((2, 5), 6)}, {"w": positive((5,), 7)})
    case("Pow of values", ("Pow", ["a", "b"]), {"a": positive((2, 5), 6), "b": away((5,), 7)})
    for op in ["Sum", "Mean", "Min", "Max"]:
        case(f"{op} of three", (op, ["a", "b", "c"]), {"a": x, "b": away((5,), 8) * 0.9, "c": away((2, 1), 9) * 0.8})
    case("Where", ("Where", ["m", "a", "b"]), {"a": x, "b": away((5,), 10)},
         {"m": np.array([[True, False, True, True, False], [False, False, True, False, True]])})
    for op in ["Neg", "Abs", "Exp", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Identity", "Reciprocal"]:
        case(op, (op, ["a"]), {"a": x * 0.6})
    for op in ["Sqrt", "Log"]:
        case(op, (op, ["a"]), {"a": positive((2, 5), 11)})
    case("Clip", ("Clip", ["a", "lo", "hi"]), {"a": x}, {"lo": np.float32(-0.71), "hi": np.float32(1.13)})
    case("Clip from below", ("Clip", ["a", "lo"]), {"a": x}, {"lo": np.float32(-0.71)})
    case("Clip from above", ("Clip", ["a", "", "hi"]), {"a": x}, {"hi": np.float32(0.71)})
    case("Clip of opset 7", ("Clip", ["a"], {"min": -0.71, "max": 1.13}), {"a": x}, opset=7,
         f64=lambda a: np.clip(a, -0.71, 1.13))
    case("Dropout", ("Dropout", ["a"]), {"a": x})
    case("Dropout of opset 7", ("Dropout", ["a"], {"ratio": 0.4}), {"a": x}, opset=7)
    case("Cast to double and back", [("Cast", ["a"], {"to": T.DOUBLE}), ("Exp", ["t0"]), ("Cast", ["t1"], {"to": T.FLOAT})], {"a": x})
    case("CastLike", [("CastLike", ["a", "w"]), ("Exp", ["t0"])], {"a": x}, {"w": np.float32(1)})
    case("a value used three times", [("Exp", ["a"]), ("Mul", ["t0", "a"]), ("Add", ["t1", "t0"]), ("Sub", ["t2", "a"])], {"a": x})
    case("a rounded side branch", [("Floor", ["a"]), ("Mul", ["t0", "a"])], {"a": x})
    scaler = h.make_node("Scaler", ["a"], ["y"], domain="ai.onnx.ml", offset=[0.1, 0.2, 0.3, 0.4, 0.5], scale=[2.0, 0.5, 1.5, 3.0, 1.0])
    case("ai.onnx.ml Scaler", [scaler], {"a": x},
         f64=lambda a: (a - np.array([0.1, 0.2, 0.3, 0.4, 0.5])) * np.array([2.0, 0.5, 1.5, 3.0, 1.0]))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def activations():
    x = away((3, 4), 20) * 2
    case("Relu", ("Relu", ["a"]), {"a": x})
    case("LeakyRelu", ("LeakyRelu", ["a"], {"alpha": 0.2}), {"a": x})
    case("PRelu", ("PRelu", ["a", "w"]), {"a": x}, {"w": normal((4,), 21)})
    case("ThresholdedRelu", ("ThresholdedRelu", ["a"], {"alpha": 0.77}), {"a": x}, f64=lambda a: np.where(a > 0.77, a, 0))
    case("Elu", ("Elu", ["a"], {"alpha": 0.7}), {"a": x}, f64=lambda a: np.where(a > 0, a, np.float32(0.7) * (np.exp(a) - 1)))
    case("Selu", ("Selu", ["a"]), {"a": x})
    case("Celu", ("Celu", ["a"], {"alpha": 1.7}), {"a": x}, f64=lambda a: np.maximum(a, 0) + np.minimum(0, 1.7 * (np.exp(a / 1.7) - 1)))
    case("Sigmoid", ("Sigmoid", ["a"]), {"a": x}, f64=sigmoid_of)
    case("HardSigmoid", ("HardSigmoid", ["a"], {"alpha": 0.5, "beta": 0.4}), {"a": x})
    case("HardSwish", ("HardSwish", ["a"]), {"a": x * 2}, f64=lambda a: a * np.clip(a / 6 + 0.5, 0, 1))
    case("Swish as a product", [("Sigmoid", ["a"]), ("Mul", ["a", "t0"])], {"a": x}, f64=lambda a: a * sigmoid(a))
    case("Swish", ("Swish", ["a"], {"alpha": 1.3}), {"a": x}, opset=24, f64=lambda a: a * sigmoid(np.float32(1.3) * a))
    quick = h.make_node("QuickGelu", ["a"], ["y"], domain="com.microsoft", alpha=1.702)
    case("com.microsoft QuickGelu", [quick], {"a": x}, f64=lambda a: a * sigmoid(np.float32(1.702) * a))
    case("Mish", ("Mish", ["a"]), {"a": x}, f64=lambda a: a * np.tanh(np.log1p(np.exp(a))))
    case("Tanh", ("Tanh", ["a"]), {"a": x})
    case("Softplus", ("Softplus", ["a"]), {"a": x})
    case("Softsign", ("Softsign", ["a"]), {"a": x})
    case("Erf", ("Erf", ["a"]), {"a": x}, f64=lambda a: erf(a))
    gelu = lambda a: 0.5 * a * (1 + erf(a / np.sqrt(2)))
    by_tanh = lambda a: 0.5 * a * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)))
    case("Gelu", ("Gelu", ["a"]), {"a": x}, opset=20, f64=gelu)
    case("Gelu by tanh", ("Gelu", ["a"], {"approximate": "tanh"}), {"a": x}, opset=20, f64=by_tanh)
    case("com.microsoft Gelu", [h.make_node("Gelu", ["a"], ["y"], domain="com.microsoft")], {"a": x}, f64=gelu)
    for op in ["Softmax", "LogSoftmax"]:
        case(op, (op, ["a"], {"axis": -1}), {"a": x})
        case(f"{op} along another axis", (op, ["a"], {"axis": 1}), {"a": away((2, 3, 4), 22)})
    flat = lambda a: np.exp(a) / np.exp(a).reshape(2, -1).sum(1)[:, None, None]
    case("Softmax of opset 9 over all that follows", ("Softmax", ["a"], {"axis": 1}), {"a": away((2, 3, 4), 23)}, opset=9, f64=flat)
    case("Softmax of opset 9 at the end", ("Softmax", ["a"], {"axis": 1}), {"a": x}, opset=9,
         f64=lambda a: np.exp(a) / np.exp(a).sum(1, keepdims=True))


def sigmoid_of(a):
    return sigmoid(a)


def matrices():
    a, b = normal((3, 4), 30), normal((4, 5), 31)
    case("MatMul of matrices", ("MatMul", ["a", "b"]), {"a": a, "b": b})
    case("MatMul with weights", ("MatMul", ["a", "w"]), {"a": normal((2, 3, 4), 32)}, {"w": b})
    case("MatMul with weights at the left", ("MatMul", ["w", "a"]), {"a": normal((2, 3, 4), 32)}, {"w": normal((5, 3), 33)})
    case("MatMul of batches", ("MatMul", ["a", "b"]), {"a": normal((2, 3, 4), 34), "b": normal((2, 4, 2), 35)})
    case("MatMul of a batch and one matrix", ("MatMul", ["a", "b"]), {"a": normal((2, 3, 4), 34), "b": normal((4, 2), 35)})
    case("MatMul over repeated batches", ("MatMul", ["a", "b"]), {"a": normal((2, 1, 3, 4), 36), "b": normal((3, 4, 2), 37)})
    case("MatMul with a vector", ("MatMul", ["a", "w"]), {"a": a}, {"w": normal((4,), 38)})
    for ta in (0, 1):
        for tb in (0, 1):
            aa, bb = (a.T if ta else a), (b.T if tb else b)
            case(f"Gemm {ta}{tb}", ("Gemm", ["a", "b", "c"], {"alpha": 0.7, "beta": 1.3, "transA": ta, "transB": tb}),
                 {"a": aa, "b": bb, "c": normal((5,), 39)})
    case("Gemm with weights", ("Gemm", ["a", "w", "v"], {"transB": 1}), {"a": a}, {"w": b.T.copy(), "v": normal((5,), 39)})


def conv64(x, w, strides, pads, dilations, group, bias=None):
    """A convolution in plain loops."""
    n = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[i], pads[i + n]) for i in range(n)])
    reach = [(w.shape[2 + i] - 1) * dilations[i] + 1 for i in range(n)]
    out = [(x.shape[2 + i] - reach[i]) // strides[i] + 1 for i in range(n)]
    y = np.zeros((x.shape[0], w.shape[0], *out))
    per_out, per_in = w.shape[0] // group, w.shape[1]
    for g in range(group):
        xs = x[:, g * per_in:(g + 1) * per_in]
        ws = w[g * per_out:(g + 1) * per_out]
        for at in np.ndindex(*out):
            cut = tuple(slice(at[i] * strides[i], at[i] * strides[i] + reach[i], dilations[i]) for i in range(n))
            y[(slice(None), slice(g * per_out, (g + 1) * per_out), *at)] = np.tensordot(
                xs[(slice(None), slice(None), *cut)], ws, (list(range(1, n + 2)), list(range(1, n + 2))))
    return y if bias is None else y + bias.reshape(1, -1, *[1] * n)


def transposed64(x, w, strides, pads, dilations, group, extra):
    n = x.ndim - 2
    reach = [(w.shape[2 + i] - 1) * dilations[i] + 1 for i in range(n)]
    full = [(x.shape[2 + i] - 1) * strides[i] + reach[i] + extra[i] for i in range(n)]
    y = np.zeros((x.shape[0], w.shape[1] * group, *full))
    per_in, per_out = w.shape[0] // group, w.shape[1]
    for g in range(group):
        for at in np.ndindex(*x.shape[2:]):
            xs = x[(slice(None), slice(g * per_in, (g + 1) * per_in), *at)]
            cut = tuple(slice(at[i] * strides[i], at[i] * strides[i] + reach[i], dilations[i]) for i in range(n))
            y[(slice(None), slice(g * per_out, (g + 1) * per_out), *cut)] += np.tensordot(xs, w[g * per_in:(g + 1) * per_in], (1, 0))
    cut = tuple(slice(pads[i], full[i] - pads[i + n]) for i in range(n))
    return y[(slice(None), slice(None), *cut)]


def convolutions():
    def conv(name, x, w, strides=None, pads=None, dilations=None, group=1, dynamic=True, settled=None, **more):
        n = x.ndim - 2
        s, p, d = strides or [1] * n, pads or [0] * (2 * n), dilations or [1] * n
        attrs = {"strides": s, "dilations": d, "group": group, **more}
        if "auto_pad" not in more:
            attrs["pads"] = p
        w64 = w.astype(np.float64)
        case(f"Conv {name}", ("Conv", ["a", "w"], attrs), {"a": x}, {"w": w}, dynamic=dynamic,
             f64=lambda a: conv64(a, w64, s, settled or p, d, group))

    x = normal((2, 4, 6, 7), 40)
    conv("3x3 padded", x, normal((3, 4, 3, 3), 41), pads=[1, 1, 1, 1])
    conv("3x3 unpadded", x, normal((3, 4, 3, 3), 41))
    conv("1x1", x, normal((3, 4, 1, 1), 42))
    conv("stride 2", x, normal((3, 4, 3, 3), 43), strides=[2, 2], pads=[1, 1, 1, 1])
    conv("stride 2 and 3 with uneven padding", x, normal((3, 4, 3, 2), 43), strides=[2, 3], pads=[0, 1, 2, 0])
    conv("1x1 of stride 2", x, normal((3, 4, 1, 1), 44), strides=[2, 2])
    conv("dilated", x, normal((3, 4, 3, 3), 45), dilations=[2, 2], pads=[2, 2, 2, 2])
    conv("dilated of stride 2", x, normal((3, 4, 2, 2), 45), dilations=[2, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    conv("grouped", x, normal((6, 2, 3, 3), 46), group=2, pads=[1, 1, 1, 1])
    conv("grouped of stride 2", x, normal((6, 2, 3, 3), 46), group=2, strides=[2, 2])
    conv("depthwise", x, normal((4, 1, 3, 3), 47), group=4, pads=[1, 1, 1, 1])
    conv("depthwise of stride 2", x, normal((4, 1, 3, 3), 47), group=4, strides=[2, 2], pads=[1, 1, 1, 1])
    conv("depthwise with two outputs each", x, normal((8, 1, 3, 3), 48), group=4)
    conv("padded by more than its kernel", x, normal((3, 4, 2, 2), 49), pads=[2, 2, 2, 2])
    conv("SAME_UPPER", x, normal((3, 4, 2, 2), 49), auto_pad="SAME_UPPER", settled=[0, 0, 1, 1])
    conv("SAME_LOWER", x, normal((3, 4, 2, 2), 49), auto_pad="SAME_LOWER", settled=[1, 1, 0, 0])
    conv("SAME_UPPER of stride 2", x, normal((3, 4, 3, 3), 49), auto_pad="SAME_UPPER", strides=[2, 2], settled=[0, 1, 1, 1], dynamic=False)
    conv("in one dimension", normal((2, 3, 9), 50), normal((4, 3, 3), 51), pads=[1, 1])
    conv("in three dimensions", normal((1, 2, 4, 3, 4), 52), normal((2, 2, 2, 2, 2), 53))

    def transposed(name, x, w, strides=None, pads=None, dilations=None, group=1, extra=None):
        n = x.ndim - 2
        s, p, d, e = strides or [1] * n, pads or [0] * (2 * n), dilations or [1] * n, extra or [0] * n
        attrs = {"strides": s, "pads": p, "dilations": d, "group": group, "output_padding": e}
        w64 = w.astype(np.float64)
        case(f"ConvTranspose {name}", ("ConvTranspose", ["a", "w"], attrs), {"a": x}, {"w": w},
             f64=lambda a: transposed64(a, w64, s, p, d, group, e))

    x = normal((2, 4, 3, 4), 54)
    transposed("of stride 2", x, normal((4, 3, 3, 3), 55), strides=[2, 2], pads=[1, 1, 1, 1])
    transposed("with output padding", x, normal((4, 3, 3, 3), 55), strides=[2, 2], extra=[1, 1])
    transposed("grouped", x, normal((4, 2, 2, 2), 56), group=2)
    transposed("dilated", x, normal((4, 2, 2, 2), 56), dilations=[2, 2])


def pool64(x, kernel, strides, pads, ceil, kind, include=False, dilations=None):
    n = x.ndim - 2
    d = dilations or [1] * n
    reach = [(kernel[i] - 1) * d[i] + 1 for i in range(n)]
    room = [x.shape[2 + i] + pads[i] + pads[i + n] - reach[i] for i in range(n)]
    out = []
    for i in range(n):
        count = room[i] // strides[i] + 1
        if ceil and room[i] % strides[i] and count * strides[i] < x.shape[2 + i] + pads[i]:
            count += 1
        out.append(count)
    y = np.zeros((*x.shape[:2], *out))
    for at in np.ndindex(*out):
        cells = []
        for k in np.ndindex(*kernel):
            place = [at[i] * strides[i] - pads[i] + k[i] * d[i] for i in range(n)]
            if all(0 <= place[i] < x.shape[2 + i] for i in range(n)):
                cells.append(x[(slice(None), slice(None), *place)])
        y[(slice(None), slice(None), *at)] = np.max(cells, 0) if kind == "max" else np.sum(cells, 0) / (np.prod(kernel) if include else len(cells))
    return y


def pools():
    x = away((2, 3, 5, 6), 60)
    for name, kernel, strides, pads, ceil, dynamic in [
        ("2x2", [2, 2], [2, 2], [0, 0, 0, 0], 0, True),
        ("that overlap", [3, 3], [1, 1], [1, 1, 1, 1], 0, True),
        ("3x3 of stride 2 padded", [3, 3], [2, 2], [1, 1, 1, 1], 0, True),
        ("with a last window over the end", [2, 2], [2, 2], [0, 0, 0, 0], 1, False),
        ("3x2 unevenly padded", [3, 2], [2, 1], [0, 1, 1, 0], 0, True),
    ]:
        attrs = {"kernel_shape": kernel, "strides": strides, "pads": pads, "ceil_mode": ceil}
        case(f"MaxPool {name}", ("MaxPool", ["a"], attrs), {"a": x}, f64=lambda a: pool64(a, kernel, strides, pads, ceil, "max"))
        case(f"AveragePool {name}", ("AveragePool", ["a"], attrs), {"a": x}, dynamic=dynamic,
             f64=lambda a: pool64(a, kernel, strides, pads, ceil, "mean"))
        if not ceil:
            case(f"AveragePool {name}, padding counted", ("AveragePool", ["a"], {**attrs, "count_include_pad": 1}), {"a": x},
                 f64=lambda a: pool64(a, kernel, strides, pads, ceil, "mean", True))
    case("MaxPool dilated", ("MaxPool", ["a"], {"kernel_shape": [2, 2], "strides": [1, 1], "dilations": [2, 2]}), {"a": x},
         f64=lambda a: pool64(a, [2, 2], [1, 1], [0] * 4, 0, "max", dilations=[2, 2]))
    case("AveragePool of opset 7 in one dimension", ("AveragePool", ["a"], {"kernel_shape": [2], "strides": [2]}), {"a": away((2, 3, 6), 61)},
         opset=7, f64=lambda a: pool64(a, [2], [2], [0, 0], 0, "mean"))
    case("GlobalAveragePool", ("GlobalAveragePool", ["a"]), {"a": x})
    case("GlobalMaxPool", ("GlobalMaxPool", ["a"]), {"a": x})


def standardised(a, axes, epsilon=1e-5):
    m = a.mean(axes, keepdims=True)
    return (a - m) / np.sqrt(((a - m) ** 2).mean(axes, keepdims=True) + epsilon)


def norms():
    x = normal((2, 4, 3, 3), 70)
    w = lambda n, s: normal((n,), s) + 1.5
    scale, bias, mean, var = w(4, 71), w(4, 72), w(4, 73), np.abs(w(4, 74))
    per = lambda v: v.astype(np.float64).reshape(1, -1, 1, 1)
    bn = {"s": scale, "b": bias, "m": mean, "v": var}
    case("BatchNormalization", ("BatchNormalization", ["a", "s", "b", "m", "v"], {"epsilon": 0.01}), {"a": x}, bn,
         f64=lambda a: (a - per(mean)) / np.sqrt(per(var) + 0.01) * per(scale) + per(bias))
    case("BatchNormalization of opset 7 of rows", ("BatchNormalization", ["a", "s", "b", "m", "v"], {"spatial": 1}), {"a": normal((3, 4), 75)}, bn,
         opset=7, f64=lambda a: (a - mean.astype(np.float64)) / np.sqrt(var.astype(np.float64) + 1e-5) * scale.astype(np.float64) + bias)
    y = normal((2, 3, 4), 76)
    case("LayerNormalization", ("LayerNormalization", ["a", "s", "b"]), {"a": y}, {"s": scale, "b": bias},
         f64=lambda a: standardised(a, (-1,)) * scale.astype(np.float64) + bias)
    s2 = normal((3, 4), 77) + 1
    case("LayerNormalization over two dimensions", ("LayerNormalization", ["a", "s"], {"axis": 1, "epsilon": 0.1}), {"a": y}, {"s": s2},
         f64=lambda a: standardised(a, (1, 2), np.float64(np.float32(0.1))) * s2.astype(np.float64))
    case("RMSNormalization", ("RMSNormalization", ["a", "s"]), {"a": y}, {"s": scale}, opset=23,
         f64=lambda a: a / np.sqrt((a**2).mean(-1, keepdims=True) + 1e-5) * scale.astype(np.float64))
    case("LayerNormalization spelled out", [
        ("ReduceMean", ["a", "last"]), ("Sub", ["a", "t0"]), ("Pow", ["t1", "two"]), ("ReduceMean", ["t2", "last"]), ("Add", ["t3", "eps"]),
        ("Sqrt", ["t4"]), ("Div", ["t1", "t5"]), ("Mul", ["t6", "s"]), ("Add", ["t7", "b"])], {"a": y},
        {"last": np.array([-1]), "two": np.float32(2), "eps": np.float32(1e-5), "s": scale, "b": bias})
    case("InstanceNormalization", ("InstanceNormalization", ["a", "s", "b"]), {"a": x}, {"s": scale, "b": bias},
         f64=lambda a: standardised(a, (2, 3)) * per(scale) + per(bias))

    def groups(a):
        return standardised(a.reshape(2, 2, -1), (2,)).reshape(a.shape)

    g2, b2 = w(2, 78), w(2, 79)
    twice = lambda v: np.repeat(v, 2).astype(np.float64).reshape(1, -1, 1, 1)
    case("GroupNormalization by group", ("GroupNormalization", ["a", "s", "b"], {"num_groups": 2}), {"a": x}, {"s": g2, "b": b2}, opset=18,
         f64=lambda a: groups(a) * twice(g2) + twice(b2))
    case("GroupNormalization by channel", ("GroupNormalization", ["a", "s", "b"], {"num_groups": 2}), {"a": x}, {"s": scale, "b": bias}, opset=21,
         f64=lambda a: groups(a) * per(scale) + per(bias))
    case("LpNormalization 2", ("LpNormalization", ["a"], {"p": 2, "axis": 1}), {"a": y}, f64=lambda a: a / np.sqrt((a**2).sum(1, keepdims=True)))
    case("LpNormalization 1", ("LpNormalization", ["a"], {"p": 1, "axis": -1}), {"a": away((2, 5), 80)}, f64=lambda a: a / np.abs(a).sum(-1, keepdims=True))
    for norm, length in [("L1", lambda a: np.abs(a).sum(1, keepdims=True)), ("L2", lambda a: np.sqrt((a**2).sum(1, keepdims=True)))]:
        node = h.make_node("Normalizer", ["a"], ["y"], domain="ai.onnx.ml", norm=norm)
        case(f"ai.onnx.ml Normalizer {norm}", [node], {"a": positive((2, 5), 81)}, f64=lambda a, length=length: a / length(a))


def shapes():
    x = normal((2, 3, 4), 90)
    i = lambda *v: np.array(v, np.int64)
    sq = lambda *first: [*first, ("Mul", [f"t{len(first) - 1}", f"t{len(first) - 1}"])]
    case("Reshape", sq(("Reshape", ["a", "s"])), {"a": x}, {"s": i(0, -1)})
    case("Reshape by the batch", sq(("Shape", ["a"]), ("Gather", ["t0", "zero"]), ("Concat", ["t1", "rest"], {"axis": 0}), ("Reshape", ["a", "t2"])),
         {"a": x}, {"zero": i(0), "rest": i(-1)})
    case("Flatten", sq(("Flatten", ["a"], {"axis": 2})), {"a": x})
    case("Squeeze", sq(("Squeeze", ["a", "s"])), {"a": x[:, :, :1]}, {"s": i(2)})
    case("Unsqueeze", sq(("Unsqueeze", ["a", "s"])), {"a": x}, {"s": i(1, -1)})
    case("Unsqueeze of opset 9", sq(("Unsqueeze", ["a"], {"axes": [1]})), {"a": x}, opset=9, f64=lambda a: (a * a)[:, None])
    case("Transpose", sq(("Transpose", ["a"], {"perm": [2, 0, 1]})), {"a": x})
    case("Transpose turned round", sq(("Transpose", ["a"])), {"a": x})
    case("Expand", sq(("Expand", ["a", "s"])), {"a": x[:, :1]}, {"s": i(2, 3, 4)})
    case("Concat", sq(("Concat", ["a", "b", "w"], {"axis": 1})), {"a": x, "b": normal((2, 1, 4), 91)}, {"w": normal((2, 2, 4), 92)})
    case("Concat at the end", sq(("Concat", ["a", "a"], {"axis": -1})), {"a": x})
    split = lambda ins, attrs: [h.make_node("Split", ins, ["p", "q"], **attrs), h.make_node("Exp", ["p"], ["r"]), h.make_node("Mul", ["r", "q"], ["y"])]
    case("Split in equal parts", split(["a"], {"axis": 2, "num_outputs": 2}), {"a": x})
    case("Split by sizes, one part used", [h.make_node("Split", ["a", "s"], ["p", "q"], axis=1), h.make_node("Exp", ["q"], ["y"])], {"a": x}, {"s": i(1, 2)})
    case("Split of opset 11", split(["a"], {"axis": 2, "split": [2, 2]}), {"a": x}, opset=11, f64=lambda a: np.exp(a[:, :, :2]) * a[:, :, 2:])
    case("Pad", sq(("Pad", ["a", "s", "v"])), {"a": x}, {"s": i(0, 1, 2, 1, 0, 1), "v": np.float32(3)})
    case("Pad of some axes", sq(("Pad", ["a", "s", "", "axes"])), {"a": x}, {"s": i(1, 2), "axes": i(-1)})
    case("Pad reflected", sq(("Pad", ["a", "s"], {"mode": "reflect"})), {"a": x}, {"s": i(0, 1, 2, 0, 1, 1)})
    case("Pad of the edge", sq(("Pad", ["a", "s"], {"mode": "edge"})), {"a": x}, {"s": i(0, 1, 2, 0, 1, 1)})
    case("Pad of opset 9", sq(("Pad", ["a"], {"pads": [0, 1, 2, 1, 0, 1]})), {"a": x}, opset=9, f64=lambda a: np.pad(a, [(0, 1), (1, 0), (2, 1)]) ** 2)
    case("DepthToSpace", sq(("DepthToSpace", ["a"], {"blocksize": 2})), {"a": normal((1, 8, 2, 3), 93)})
    case("SpaceToDepth", sq(("SpaceToDepth", ["a"], {"blocksize": 2})), {"a": normal((1, 2, 4, 6), 94)})
    case("Trilu", sq(("Trilu", ["a"], {"upper": 0})), {"a": normal((2, 4, 4), 95)})
    case("CumSum", sq(("CumSum", ["a", "s"])), {"a": x}, {"s": np.int64(1)}, f64=lambda a: np.cumsum(a, 1) ** 2)
    case("CumSum without itself", sq(("CumSum", ["a", "s"], {"exclusive": 1, "reverse": 1})), {"a": x}, {"s": np.int64(2)},
         f64=lambda a: (np.cumsum(a[:, :, ::-1], 2)[:, :, ::-1] - a) ** 2)


def picking():
    x = normal((3, 4, 5), 100)
    i = lambda *v: np.array(v, np.int64)
    sq = lambda *first: [*first, ("Mul", [f"t{len(first) - 1}", f"t{len(first) - 1}"])]
    case("Slice", sq(("Slice", ["a", "s", "e", "x"])), {"a": x}, {"s": i(1, -3), "e": i(3, 9), "x": i(1, 2)})
    case("Slice with steps", sq(("Slice", ["a", "s", "e", "x", "p"])), {"a": x}, {"s": i(0, -1), "e": i(9, -9), "x": i(0, 2), "p": i(2, -2)})
    case("Slice of opset 9", sq(("Slice", ["a"], {"starts": [1], "ends": [3], "axes": [1]})), {"a": x}, opset=9, f64=lambda a: a[:, 1:3] ** 2)
    case("Gather one", sq(("Gather", ["a", "s"], {"axis": 1})), {"a": x}, {"s": np.int64(-2)})
    case("Gather some twice", sq(("Gather", ["a", "s"], {"axis": 2})), {"a": x}, {"s": np.array([[0, 3], [3, 3]])})
    case("GatherElements", sq(("GatherElements", ["a", "s"], {"axis": 1})), {"a": x}, {"s": np.random.default_rng(1).integers(0, 4, (3, 4, 5))})
    case("GatherND", sq(("GatherND", ["a", "s"])), {"a": x}, {"s": np.array([[0, 1], [2, 2], [2, 2]])})
    case("Tile", sq(("Tile", ["a", "s"])), {"a": x}, {"s": i(1, 2, 3)})
    case("Resize twice as large", ("Resize", ["a", "", "s"], {"mode": "nearest"}), {"a": normal((1, 2, 3, 3), 101)}, {"s": np.array([1, 1, 2, 2], np.float32)},
         f64=lambda a: a.repeat(2, 2).repeat(2, 3))
    node = h.make_node("ArrayFeatureExtractor", ["a", "s"], ["t"], domain="ai.onnx.ml")
    case("ai.onnx.ml ArrayFeatureExtractor", [node, h.make_node("Mul", ["t", "t"], ["y"])], {"a": x[0]}, {"s": i(3, 1)}, f64=lambda a: a[:, [3, 1]] ** 2)


def reductions():
    x = away((2, 3, 4), 110)
    i = lambda *v: np.array(v, np.int64)
    for op in ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"]:
        at = positive((2, 3, 4), 111) if op == "ReduceLogSum" else x
        case(f"{op} over one axis", (op, ["a", "x"], {"keepdims": 0}), {"a": at}, {"x": i(1)})
        case(f"{op} over two kept axes", (op, ["a", "x"], {"keepdims": 1}), {"a": at}, {"x": i(0, -1)})
        case(f"{op} over everything", (op, ["a"], {"keepdims": 0}), {"a": at})
    case("ReduceMean of opset 9", ("ReduceMean", ["a"], {"axes": [1, 2], "keepdims": 0}), {"a": x}, opset=9, f64=lambda a: a.mean((1, 2)))
    case("ReduceSum of nothing", ("ReduceSum", ["a", "x"], {"noop_with_empty_axes": 1}), {"a": x}, {"x": np.zeros(0, np.int64)}, f64=lambda a: a)


def rarer():
    a, b = normal((2, 3, 4), 120), normal((2, 4, 5), 121)
    for equation, second in [("bij,bjk->bik", b), ("bij,bkj->bik", normal((2, 5, 4), 122)), ("bij,kj", normal((5, 4), 123)),
                             ("bij,k->b", normal((3,), 124)), ("bij,bij->ij", normal((2, 3, 4), 125))]:
        case(f"Einsum {equation}", ("Einsum", ["a", "b"], {"equation": equation}), {"a": a, "b": second})
    case("Einsum of one", ("Einsum", ["a"], {"equation": "bij->jb"}), {"a": a})
    case("Einsum of weights", ("Einsum", ["w", "a"], {"equation": "jk, bij -> bki"}), {"a": a}, {"w": normal((4, 2), 126)})
    x = away((2, 3, 4), 127)
    i = lambda *v: np.array(v, np.int64)
    case("ReduceProd over one axis", ("ReduceProd", ["a", "x"], {"keepdims": 0}), {"a": x}, {"x": i(1)})
    case("ReduceProd over everything", ("ReduceProd", ["a"], {"keepdims": 0}), {"a": x})
    zeros = away((3, 3), 128)
    zeros[0, 1] = zeros[1, 0] = zeros[1, 2] = 0
    case("ReduceProd of zeros", ("ReduceProd", ["a", "x"]), {"a": zeros}, {"x": i(1)})
    x = normal((2, 5, 3, 2), 129)
    for size in [3, 5]:
        # onnx's evaluator takes the number of rows for that of the channels.
        near = [[d for d in range(5) if abs(c - d) <= size // 2] for c in range(5)]
        squares = lambda a, near=near: np.stack([(a[:, n] ** 2).sum(1) for n in near], 1)
        case(f"LRN of {size}", ("LRN", ["a"], {"size": size, "alpha": 0.4, "beta": 0.6, "bias": 1.2}), {"a": x},
             f64=lambda a, size=size, squares=squares: a / (1.2 + 0.4 / size * squares(a)) ** 0.6)
    x = normal((1, 2, 3, 4), 130)
    scales, sizes = np.array([1, 1, 2, 1.5], np.float32), i(1, 2, 5, 3)
    for mode in ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]:
        how = {"mode": "linear", "coordinate_transformation_mode": mode}
        case(f"Resize linear, {mode}", ("Resize", ["a", "", "s"], how), {"a": x}, {"s": scales})
        case(f"Resize linear to a size, {mode}", ("Resize", ["a", "", "", "s"], how), {"a": x}, {"s": sizes})
    case("Resize cubic", ("Resize", ["a", "", "s"], {"mode": "cubic"}), {"a": x}, {"s": scales})


for family in [elementwise, activations, matrices, convolutions, pools, norms, shapes, picking, reductions, rarer]:
    family()
text = "[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in cases) + "\n]\n"
(HERE / "operators.json").write_text(text)
print(len(cases), "cases,", len(text), "bytes")
