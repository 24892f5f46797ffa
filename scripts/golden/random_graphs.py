"""Golden losses and gradients of random graphs: PyTorch's automatic differentiation in float64.

Reads graphs as JSON and runs them with an interpreter of its own, which shares no code with nevus:

    npx tsx scripts/golden/random_graphs.ts 400 | /usr/bin/python3 scripts/golden/random_graphs.py test/golden/random_graphs.json

Left out are graphs that say little about a gradient in float32:
- a value lies next to a kink or a tie, where rounding decides on which side it falls;
- the same interpreter in float32 is off by more than a tenth of what the test tolerates, or a value is huge.

Of a gradient, its norm and its products with fixed random vectors are stored: these see every element.
"""

import collections
import hashlib
import itertools
import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

# No __pycache__ in the source tree.
sys.dont_write_bytecode = True
from gradients import seed_of, unit  # noqa: E402

PROBES = 2
# What a tenth of the test's tolerance is: float32 must manage that, or a graph says little.
STABLE = 1e-5
# Distance to a kink, relative to the largest value of the tensor.
MARGIN = 2e-4
LARGEST = 1e4


class Unsuitable(Exception):
    pass


class Run:
    """One run of a graph in one precision."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.margin = math.inf
        self.largest = 0.0

    def kink(self, distance, of):
        """Notes the distance of values to the next kink."""
        if distance.numel() > 0:
            scale = max(of.detach().abs().max().item(), 1e-3)
            self.margin = min(self.margin, distance.detach().abs().min().item() / scale)

    def gap(self, x, dim):
        """Notes how far the largest value along a dim is from the second."""
        if x.shape[dim] > 1:
            top = x.detach().topk(2, dim=dim).values
            first, second = top.select(dim, 0), top.select(dim, 1)
            # A window may hold padding only beside its one element.
            self.kink((first - second)[torch.isfinite(second)], first)


# Windows


def resolved_pads(a, size, kernel, strides, dilations):
    """Begins and ends per axis, and the output's size."""
    n = len(size)
    mode = a.get("auto_pad", "NOTSET")
    given = a.get("pads", [0] * (2 * n))
    begins, ends, out = [], [], []
    for i in range(n):
        extent = dilations[i] * (kernel[i] - 1) + 1
        if mode in ("SAME_UPPER", "SAME_LOWER"):
            steps = -(-size[i] // strides[i])
            total = max(0, (steps - 1) * strides[i] + extent - size[i])
            small, large = total // 2, total - total // 2
            begin, end = (small, large) if mode == "SAME_UPPER" else (large, small)
        else:
            begin, end = (0, 0) if mode == "VALID" else (given[i], given[n + i])
            room = size[i] + begin + end - extent
            if a.get("ceil_mode", 0):
                steps = -(-room // strides[i]) + 1
                if (steps - 1) * strides[i] >= size[i] + begin:
                    steps -= 1
            else:
                steps = room // strides[i] + 1
        begins.append(begin)
        ends.append(end)
        out.append(steps)
    return begins, ends, out


def padded(x, begins, ends, value=0.0):
    """Pads, or with negative numbers crops, the last axes."""
    flat = [p for b, e in reversed(list(zip(begins, ends))) for p in (b, e)]
    return F.pad(x, flat, value=value)


def windows(x, a, fill):
    """[N, C, out…, taps]: every window's elements, `fill` outside; and the same of ones with zeros outside the pads."""
    size, kernel = list(x.shape[2:]), a["kernel_shape"]
    n = len(size)
    strides, dilations = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    begins, ends, out = resolved_pads(a, size, kernel, strides, dilations)

    def gathered(t, more, value):
        last = [(out[i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 for i in range(n)]
        beyond = [max(0, last[i] - t.shape[2 + i]) for i in range(n)]
        t = padded(t, [0] * n, beyond, value) if more else t
        for i in range(n):
            at = [s * strides[i] + k * dilations[i] for s in range(out[i]) for k in range(kernel[i])]
            t = t.index_select(2 + i, torch.tensor(at))
        t = t.reshape([*t.shape[:2], *itertools.chain(*zip(out, kernel))])
        t = t.permute([0, 1] + [2 + 2 * i for i in range(n)] + [3 + 2 * i for i in range(n)])
        return t.flatten(2 + n)

    values = gathered(padded(x, begins, ends, fill), True, fill)
    inside = gathered(padded(torch.ones_like(x), begins, ends, 0.0), True, 0.0)
    in_pads = gathered(torch.ones_like(padded(x, begins, ends)), True, 0.0)
    return values, inside, in_pads


CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def conv(run, a, x, w, b=None):
    n = x.dim() - 2
    strides, dilations = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    begins, ends, out = resolved_pads(a, x.shape[2:], w.shape[2:], strides, dilations)
    y = CONV[n](padded(x, begins, ends), w, b, strides, 0, dilations, a.get("group", 1))
    assert list(y.shape[2:]) == out
    return y


def conv_transpose(run, a, x, w, b=None):
    n = x.dim() - 2
    strides, dilations = a.get("strides", [1] * n), a.get("dilations", [1] * n)
    extra = a.get("output_padding", [0] * n)
    y = TRANSPOSED[n](x, w, None, strides, 0, 0, a.get("group", 1), dilations)
    y = padded(y, [0] * n, extra)
    if "output_shape" in a:
        # The larger half comes first unless auto_pad is SAME_UPPER.
        total = [y.shape[2 + i] - s for i, s in enumerate(a["output_shape"])]
        begins, ends = [t - t // 2 for t in total], [t // 2 for t in total]
    else:
        pads = a.get("pads", [0] * (2 * n))
        begins, ends = pads[:n], pads[n:]
    y = padded(y, [-p for p in begins], [-p for p in ends])
    return y if b is None else y + b.reshape([-1] + [1] * n)


def max_pool(run, a, x):
    values, _, _ = windows(x, a, -math.inf)
    run.gap(values, -1)
    return values.max(-1).values


def average_pool(run, a, x):
    values, inside, in_pads = windows(x, a, 0.0)
    count = (in_pads if a.get("count_include_pad", 0) else inside).sum(-1)
    return values.sum(-1) / count


def global_max_pool(run, a, x):
    flat = x.flatten(2)
    run.gap(flat, -1)
    return flat.max(-1).values.reshape([*x.shape[:2]] + [1] * (x.dim() - 2))


def global_average_pool(run, a, x):
    return x.mean(list(range(2, x.dim())), keepdim=True)


# Normalisation


def batch_norm(run, a, x, scale, bias, mean, variance):
    return F.batch_norm(x, mean.clone(), variance.clone(), scale, bias, bool(a.get("training_mode", 0)), 0.1, a.get("epsilon", 1e-5))


def instance_norm(run, a, x, scale, bias):
    return F.instance_norm(x, None, None, scale, bias, True, 0.1, a.get("epsilon", 1e-5))


def group_norm(run, a, x, scale, bias):
    return F.group_norm(x, a["num_groups"], scale, bias, a.get("epsilon", 1e-5))


def layer_norm(run, a, x, scale, bias=None):
    axis = a.get("axis", -1) % x.dim()
    return F.layer_norm(x, x.shape[axis:], scale, bias, a.get("epsilon", 1e-5))


# Resize


def source(mode, scale, size, out):
    """Where each element of an axis comes from, in the coordinates of the input."""
    at = np.arange(out, dtype=np.float64)
    if mode == "asymmetric":
        return at / scale
    if mode == "align_corners":
        # One element lies at the start.
        return at * (size - 1) / (out - 1) if out > 1 else at * 0
    if mode == "pytorch_half_pixel" and out == 1:
        return at * 0
    return (at + 0.5) / scale - 0.5


def nearest(run, x, rounding, exact):
    distance = np.abs(x + 0.5 - np.round(x + 0.5)) if "round" in rounding else np.abs(x - np.round(x))
    # On the border itself the rule decides, next to it rounding does.
    if not exact and (distance < 1e-4).any():
        raise Unsuitable("a coordinate next to the border of two elements")
    if rounding == "round_prefer_floor":
        return np.ceil(x - 0.5)
    if rounding == "round_prefer_ceil":
        return np.floor(x + 0.5)
    return np.floor(x) if rounding == "floor" else np.ceil(x)


def resize(run, a, x, roi=None, scales=None, sizes=None):
    """Every axis is a product with a matrix of interpolation weights."""
    for axis in range(x.dim()):
        size = x.shape[axis]
        if sizes is None:
            scale = scales[axis].item()
            out = math.floor(size * scale)
        else:
            out = int(sizes[axis])
            scale = out / size
        if scale == 1:
            continue
        at = source(a["coordinate_transformation_mode"], scale, size, out)
        matrix = np.zeros((out, size))
        rows = np.arange(out)
        if a["mode"] == "nearest":
            exact = float(scale * 64).is_integer() and float(64 / scale).is_integer() and a["coordinate_transformation_mode"] != "align_corners"
            column = np.clip(nearest(run, at, a["nearest_mode"], exact), 0, size - 1).astype(int)
            matrix[rows, column] = 1
        else:
            low = np.floor(at)
            part = at - low
            np.add.at(matrix, (rows, np.clip(low, 0, size - 1).astype(int)), 1 - part)
            np.add.at(matrix, (rows, np.clip(low + 1, 0, size - 1).astype(int)), part)
        x = torch.movedim(torch.tensordot(torch.tensor(matrix, dtype=x.dtype), x, dims=([1], [axis])), 0, axis)
    return x


# Layout


def depth_to_space(run, a, x):
    b = a["blocksize"]
    n, c, h, w = x.shape
    if a.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, b)
    return x.reshape(n, b, b, c // b**2, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // b**2, h * b, w * b)


def space_to_depth(run, a, x):
    b = a["blocksize"]
    n, c, h, w = x.shape
    return x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b**2, h // b, w // b)


def slice_(run, a, x, starts, ends, axes=None, steps=None):
    axes = axes.tolist() if axes is not None else list(range(len(starts)))
    steps = steps.tolist() if steps is not None else [1] * len(starts)
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes, steps):
        at = list(range(x.shape[axis]))[slice(start, end, step)]
        # Python reads −1 as the last element, ONNX as well; "before the first" is written as a number below −size.
        x = x.index_select(axis % x.dim(), torch.tensor(at))
    return x


def pad(run, a, x, pads, value=None):
    mode = a.get("mode", "constant")
    pads = pads.tolist()
    n = x.dim()
    if mode == "constant":
        return padded(x, pads[:n], pads[n:], 0.0 if value is None else value.item())
    for axis in range(n):
        size = x.shape[axis]
        at = range(-pads[axis], size + pads[n + axis])
        if mode == "edge":
            at = [min(max(i, 0), size - 1) for i in at]
        else:
            at = [-i if i < 0 else 2 * (size - 1) - i if i >= size else i for i in at]
        x = x.index_select(axis, torch.tensor(list(at)))
    return x


def split(run, a, x, sizes=None):
    axis = a.get("axis", 0)
    if sizes is None:
        return torch.split(x, -(-x.shape[axis] // a["num_outputs"]), axis)
    return torch.split(x, sizes.tolist(), axis)


def gather(run, a, x, indices):
    axis = a.get("axis", 0) % x.dim()
    flat = indices.flatten() % x.shape[axis]
    y = x.index_select(axis, flat)
    return y.reshape(list(x.shape[:axis]) + list(indices.shape) + list(x.shape[axis + 1:]))


def gather_elements(run, a, x, indices):
    axis = a.get("axis", 0)
    return torch.gather(x, axis, indices % x.shape[axis])


def reshape(run, a, x, shape):
    return x.reshape([x.shape[i] if s == 0 else s for i, s in enumerate(shape.tolist())])


def flatten(run, a, x):
    axis = a.get("axis", 1)
    axis = axis + x.dim() if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def transpose(run, a, x):
    return x.permute(a.get("perm", list(range(x.dim()))[::-1]))


def squeeze(run, a, x, axes=None):
    return x.squeeze() if axes is None else x.squeeze(axes.item())


def unsqueeze(run, a, x, axes):
    rank = x.dim() + len(axes)
    for axis in sorted(i % rank for i in axes.tolist()):
        x = x.unsqueeze(axis)
    return x


def expand(run, a, x, shape):
    return x.expand(torch.broadcast_shapes(x.shape, shape.tolist()))


# Element by element


def relu(run, a, x):
    run.kink(x, x)
    return F.relu(x)


def leaky_relu(run, a, x):
    run.kink(x, x)
    return F.leaky_relu(x, a.get("alpha", 0.01))


def prelu(run, a, x, slope):
    run.kink(x, x)
    return torch.where(x > 0, x, x * slope)


def elu(run, a, x):
    run.kink(x, x)
    return F.elu(x, a.get("alpha", 1.0))


def selu(run, a, x):
    run.kink(x, x)
    alpha, gamma = a.get("alpha", 1.67326319217681884765625), a.get("gamma", 1.05070102214813232421875)
    return gamma * torch.where(x > 0, x, alpha * (torch.exp(x.clamp(max=0)) - 1))


def clip(run, a, x, low=None, high=None):
    for bound in (low, high):
        if bound is not None:
            run.kink(x - bound, x)
    return x.clamp(None if low is None else low.item(), None if high is None else high.item())


def hard_sigmoid(run, a, x):
    y = a.get("alpha", 0.2) * x + a.get("beta", 0.5)
    run.kink(y, y)
    run.kink(y - 1, y)
    return y.clamp(0, 1)


def hard_swish(run, a, x):
    run.kink(x - 3, x)
    run.kink(x + 3, x)
    return F.hardswish(x)


def absolute(run, a, x):
    run.kink(x, x)
    return x.abs()


def gelu(run, a, x):
    return F.gelu(x, approximate=a.get("approximate", "none"))


def comparison(f):
    def compute(run, a, x, y):
        run.kink(x - y, x)
        return f(x, y)

    return compute


def extreme(f):
    def compute(run, a, *xs):
        y = xs[0]
        for x in xs[1:]:
            run.kink(y - x, y)
            y = f(y, x)
        return y

    return compute


def rounding(f, half):
    def compute(run, a, x):
        at = x + 0.5 if half else x
        run.kink(at - at.detach().round(), x)
        return f(x)

    return compute


def sign(run, a, x):
    run.kink(x, x)
    return torch.sign(x)


# Over axes


def reduced(a, x, axes):
    if axes is None:
        axes = [] if a.get("noop_with_empty_axes", 0) else list(range(x.dim()))
    else:
        axes = sorted(i % x.dim() for i in axes.tolist())
    return axes, bool(a.get("keepdims", 1))


def reduction(f):
    def compute(run, a, x, axes=None):
        axes, keep = reduced(a, x, axes)
        return f(x, axes, keep) if axes else f(x.unsqueeze(0), [0], False)

    return compute


def reduce_largest(sign):
    def compute(run, a, x, axes=None):
        axes, keep = reduced(a, x, axes)
        if not axes:
            return x
        kept = [i for i in range(x.dim()) if i not in axes]
        flat = sign * x.permute(kept + axes).reshape([x.shape[i] for i in kept] + [-1])
        run.gap(flat, -1)
        y = sign * flat.max(-1).values
        return y.reshape([1 if i in axes else x.shape[i] for i in range(x.dim())]) if keep else y

    return compute


def gemm(run, a, x, y, c=None):
    x = x.T if a.get("transA", 0) else x
    y = y.T if a.get("transB", 0) else y
    product = a.get("alpha", 1.0) * (x @ y)
    return product if c is None else product + a.get("beta", 1.0) * c


def nll(run, a, x, targets, weight=None):
    return F.nll_loss(x, targets, weight, ignore_index=a.get("ignore_index", -100), reduction=a.get("reduction", "mean"))


def softmax_cross_entropy(run, a, x, targets, weight=None):
    return nll(run, a, F.log_softmax(x, 1), targets, weight)


def plain(f):
    return lambda run, a, *xs: f(*xs)


OPERATORS = {
    "Abs": absolute,
    "Add": plain(torch.add),
    "AveragePool": average_pool,
    "BatchNormalization": batch_norm,
    # There are only casts to wider floats and back.
    "Cast": plain(lambda x: x),
    "Ceil": rounding(torch.ceil, False),
    "Clip": clip,
    "Concat": lambda run, a, *xs: torch.cat(xs, a["axis"]),
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Cos": plain(torch.cos),
    "DepthToSpace": depth_to_space,
    "Div": plain(torch.div),
    "Dropout": plain(lambda x: x),
    "Elu": elu,
    "Erf": plain(torch.erf),
    "Exp": plain(torch.exp),
    "Expand": expand,
    "Flatten": flatten,
    "Floor": rounding(torch.floor, False),
    "Gather": gather,
    "GatherElements": gather_elements,
    "Gelu": gelu,
    "Gemm": gemm,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
    "Greater": comparison(torch.gt),
    "GroupNormalization": group_norm,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "Identity": plain(lambda x: x),
    "InstanceNormalization": instance_norm,
    "LayerNormalization": layer_norm,
    "LeakyRelu": leaky_relu,
    "Less": comparison(torch.lt),
    "Log": plain(torch.log),
    "LogSoftmax": lambda run, a, x: F.log_softmax(x, a.get("axis", -1)),
    "MatMul": plain(torch.matmul),
    "Max": extreme(torch.maximum),
    "MaxPool": max_pool,
    "Mean": plain(lambda *xs: sum(xs) / len(xs)),
    "Min": extreme(torch.minimum),
    "Mish": plain(F.mish),
    "Mul": plain(torch.mul),
    "Neg": plain(torch.neg),
    "NegativeLogLikelihoodLoss": nll,
    "PRelu": prelu,
    "Pad": pad,
    "Pow": plain(torch.pow),
    "Reciprocal": plain(torch.reciprocal),
    "ReduceL2": reduction(lambda x, axes, keep: x.square().sum(axes, keep).sqrt()),
    "ReduceMax": reduce_largest(1),
    "ReduceMean": reduction(lambda x, axes, keep: x.mean(axes, keep)),
    "ReduceMin": reduce_largest(-1),
    "ReduceSum": reduction(lambda x, axes, keep: x.sum(axes, keep)),
    "ReduceSumSquare": reduction(lambda x, axes, keep: x.square().sum(axes, keep)),
    "Relu": relu,
    "Reshape": reshape,
    "Resize": resize,
    "Round": rounding(torch.round, True),
    "Selu": selu,
    "Sigmoid": plain(torch.sigmoid),
    "Sign": sign,
    "Sin": plain(torch.sin),
    "Slice": slice_,
    "Softmax": lambda run, a, x: F.softmax(x, a.get("axis", -1)),
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy,
    "Softplus": plain(F.softplus),
    "Softsign": plain(F.softsign),
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Sqrt": plain(torch.sqrt),
    "Squeeze": squeeze,
    "Sub": plain(torch.sub),
    "Sum": plain(lambda *xs: sum(xs)),
    "Tanh": plain(torch.tanh),
    "Tile": plain(lambda x, repeats: x.repeat(repeats.tolist())),
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
    "Where": plain(torch.where),
}


def values_of(name, seed, dims, low, high):
    u = unit(seed_of(name, seed), int(np.prod(dims)))
    return (low + (high - low) * u).astype(np.float32).reshape(dims)


def as_float(value):
    """A float attribute, as float32 as it is in a file."""
    return float(np.float32(value["float"])) if isinstance(value, dict) else value


def execute(graph, dtype):
    run = Run(dtype)
    tensors = {"": None}
    for name, (dims, low, high) in {**graph["inputs"], **graph["weights"]}.items():
        tensors[name] = torch.tensor(values_of(name, graph["seed"], dims, low, high), dtype=dtype)
    for name, (kind, dims, values) in graph["constants"].items():
        kinds = {"int64": torch.int64, "bool": torch.bool, "float32": dtype}
        given = np.float32(values) if kind == "float32" else values
        tensors[name] = torch.tensor(given, dtype=kinds[kind]).reshape(dims)
    wanted = graph["wrt"]
    for name in wanted:
        if name in tensors:
            tensors[name].requires_grad_(True)
    for op, inputs, outputs, attributes in graph["nodes"]:
        a = {k: as_float(v) for k, v in attributes.items()}
        result = OPERATORS[op](run, a, *[tensors[x] for x in inputs])
        results = result if isinstance(result, (tuple, list)) else [result]
        for name, value in zip(outputs, results):
            if any(value is tensors[x] for x in inputs):
                # A tensor of its own, whose gradient is that of its own uses.
                value = value.view_as(value)
            if value.is_floating_point():
                if not torch.isfinite(value).all():
                    raise Unsuitable("a value that is not finite")
                run.largest = max(run.largest, value.detach().abs().max().item())
            if name in wanted and not value.requires_grad:
                value.requires_grad_(True)
            tensors[name] = value
    loss = tensors["loss"]
    gradients = torch.autograd.grad(loss, [tensors[name] for name in wanted], allow_unused=True)
    found = {n: None if g is None else g.numpy().astype(np.float64).ravel() for n, g in zip(wanted, gradients)}
    return run, loss.item(), found


def probes(g):
    """Products with vectors of values in [−√3, √3), whose mean square is 1."""
    return [g @ values_of("probe", k, [g.size], -math.sqrt(3), math.sqrt(3)).astype(np.float64) for k in range(PROBES)]


def golden(graph):
    run, loss, gradients = execute(graph, torch.float64)
    if run.margin < MARGIN:
        raise Unsuitable("a value next to a kink")
    if run.largest > LARGEST:
        raise Unsuitable("a huge value")
    single, single_loss, single_gradients = execute(graph, torch.float32)
    if not abs(single_loss - loss) <= STABLE * max(abs(loss), 0.1):
        raise Unsuitable("a loss that float32 cannot tell")
    tensors = {}
    for name, g in gradients.items():
        if g is None or not g.any():
            tensors[name] = []
            continue
        norm = np.linalg.norm(g)
        if not np.isfinite(norm) or norm > LARGEST or norm < 1e-4:
            raise Unsuitable("a huge or tiny gradient")
        if not np.linalg.norm(single_gradients[name] - g) <= STABLE * norm:
            raise Unsuitable("a gradient that float32 cannot tell")
        tensors[name] = [float("%.7g" % v) for v in [norm, *probes(g)]]
    if sum(len(t) > 0 for t in tensors.values()) < min(2, len(tensors)):
        raise Unsuitable("no gradients")
    text = json.dumps(graph, separators=(",", ":"), ensure_ascii=False)
    return {
        "seed": graph["seed"],
        "graph": hashlib.sha256(text.encode()).hexdigest()[:12],
        "loss": float("%.8g" % loss),
        "gradients": tensors,
    }


def main():
    graphs = json.load(sys.stdin)
    kept, reasons, used = [], collections.Counter(), collections.Counter()
    for graph in graphs:
        try:
            kept.append(golden(graph))
            used.update({node[0] for node in graph["nodes"]})
        except Unsuitable as reason:
            reasons[str(reason)] += 1
        except Exception:
            print(json.dumps(graph), file=sys.stderr)
            raise
    print("%d graphs of %d; left out: %s" % (len(kept), len(graphs), dict(reasons)))
    print("graphs by operator:", ", ".join("%s %d" % (op, used[op]) for op in sorted(OPERATORS)))
    lines = ",\n".join(json.dumps(g, separators=(",", ":")) for g in kept)
    with open(sys.argv[1], "w") as file:
        file.write("[\n" + lines + "\n]\n")


if __name__ == "__main__":
    main()
