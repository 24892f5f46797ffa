"""Golden losses and gradients: PyTorch's automatic differentiation in float64, sharing no code with nevus.

Reads the tarball of nsfwjs 4.4.0 (`npm pack nsfwjs@4.4.0`) for InceptionV3's tail behind mixed7, whose gradients are
stored as norms, samples and random projections; three small blocks with weights made by a formula are stored whole.

    /usr/bin/python3 scripts/golden/gradients.py nsfwjs-4.4.0.tgz test/golden/gradients.json

A value next to a kink of ReLU may fall on its other side in float32, which changes a gradient by more than rounding
does. So every network is evaluated for a few seeds, and the one whose values keep most distance is used.
"""

import json
import sys
import tarfile

import numpy as np
import torch
import torch.nn.functional as F

# No __pycache__ in the source tree.
sys.dont_write_bytecode = True
import keras_networks  # noqa: E402

P = 65521
SAMPLES = 64
PROJECTIONS = 8
CLASSES = 5
SMOOTHING = 0.05


def unit(seed, size):
    """size numbers in [0, 1): j = (i + 9973 seed) mod P; ((j² mod P) · 40503 + ⌊i / P⌋ · 7919 + 613 seed) mod P / 2¹⁶."""
    i = np.arange(size, dtype=np.int64)
    j = (i + 9973 * seed) % P
    return ((j * j % P) * 40503 + (i // P) * 7919 + 613 * seed) % P / 65536


def seed_of(name, seed):
    """Σ (i + 1) · code_i over the name's characters, + 31 seed, mod P."""
    return (sum((i + 1) * ord(c) for i, c in enumerate(name)) + 31 * seed) % P


def value(name, seed, shape, low, high):
    """Float32 values in [low, high), as a float64 tensor."""
    u = unit(seed_of(name, seed), int(np.prod(shape)))
    v = (low + (high - low) * u).astype(np.float32)
    return torch.from_numpy(v.astype(np.float64).reshape(shape))


class Margin:
    """Smallest distance of a value to a kink, in standard deviations of its tensor."""

    def __init__(self):
        self.least = np.inf

    def see(self, x, *kinks):
        for kink in kinks:
            self.least = min(self.least, ((x - kink).abs().min() / x.std()).item())


def targets_and_weights(n):
    return torch.arange(n) * 3 % CLASSES, 0.5 + torch.arange(n, dtype=torch.float64) % 3 / 4


def loss_of(pooled, head):
    """Σ w ℓ / Σ w with smoothed cross-entropy ℓ."""
    logits = pooled @ head["head/logits/kernel"] + head["head/logits/bias"]
    targets, weights = targets_and_weights(len(pooled))
    each = F.cross_entropy(logits, targets, reduction="none", label_smoothing=SMOOTHING)
    return (each * weights).sum() / weights.sum()


def head_weights(width, seed):
    limit = (6 / (width + CLASSES)) ** 0.5
    return {
        "head/logits/kernel": value("head/logits/kernel", seed, [width, CLASSES], -limit, limit),
        "head/logits/bias": value("head/logits/bias", seed, [CLASSES], -0.5, 0.5),
    }


def best_of(seeds, margin_of):
    margins = {seed: margin_of(seed) for seed in seeds}
    best = max(margins, key=margins.get)
    print("  seed %d keeps %.1e standard deviations from every kink" % (best, margins[best]))
    return best


def rounded(values, digits=7):
    return [float("%.*g" % (digits, v)) for v in np.asarray(values).ravel()]


# InceptionV3 behind mixed7


def tail_features(seed, n):
    """[n, 768, 17, 17], about half of them 0 as after ReLU."""
    return (value("features", seed, [n, 768, 17, 17], -2, 2)).clamp(min=0)


def run_tail(config, weights, features, margin):
    values, at = {}, None
    for layer in config["layers"]:
        name = layer["name"]
        if at is None:
            if name == "mixed7":
                values[name], at = features, name
            continue
        inputs = [values[n[0]] for n in layer["inbound_nodes"][0]]
        if layer["class_name"] == "Activation" and margin is not None:
            margin.see(inputs[0], 0)
        values[name] = keras_networks.run(layer, weights, inputs)
        if name == "mixed10":
            return values[name].mean((2, 3))


def behind(config, name):
    names = [layer["name"] for layer in config["layers"]]
    return config["layers"][names.index(name) + 1:names.index("mixed10") + 1]


def tail_golden(tar):
    config, raw = keras_networks.read(tar, "inception_v3")
    layers = behind(config, "mixed7")
    weights = {k: torch.from_numpy(np.asarray(v, np.float64)) for k, v in raw.items()}
    trained = {}
    for layer in layers:
        c, name = layer["config"], layer["name"]
        if layer["class_name"] == "Conv2D":
            trained[name + "/kernel"] = weights[name + "/kernel"]
        if layer["class_name"] == "BatchNormalization":
            # The network has no γ of its own; one of ones is the same function and has a gradient.
            c["scale"] = True
            weights[name + "/gamma"] = torch.ones_like(weights[name + "/beta"])
            trained[name + "/gamma"] = weights[name + "/gamma"]
            trained[name + "/beta"] = weights[name + "/beta"]
    n = 2

    def margin_of(seed):
        margin = Margin()
        with torch.no_grad():
            run_tail(config, weights, tail_features(seed, n), margin)
        return margin.least

    seed = best_of(range(12), margin_of)
    head = head_weights(2048, seed)
    trained.update(head)
    for w in trained.values():
        w.requires_grad_(True)
    loss = loss_of(run_tail(config, weights, tail_features(seed, n), None), head)
    loss.backward()
    tensors = {}
    for name, w in trained.items():
        g = w.grad.permute(3, 2, 0, 1) if w.dim() == 4 else w.grad
        g = g.contiguous().numpy().ravel()
        stride = -(-g.size // SAMPLES)
        tensors[name] = {
            "norm": float("%.9g" % np.linalg.norm(g)),
            "samples": rounded(g[::stride]),
            "projections": rounded([g @ sign(k, g.size) for k in range(PROJECTIONS)], 9),
        }
    return {"seed": seed, "batch": n, "loss": loss.item(), "tensors": tensors}


def sign(k, size):
    """Random signs: of unit(k + 1) − 1/2."""
    return np.where(unit(k + 1, size) < 0.5, -1.0, 1.0)


# Blocks


class Net:
    """Makes weights by name on first use, as in test/autodiff/golden-blocks.ts."""

    def __init__(self, seed, grad, margin=None):
        self.seed, self.grad, self.margin, self.trained = seed, grad, margin, {}

    def weight(self, name, shape, low, high):
        w = value(name, self.seed, shape, low, high)
        if self.grad:
            w.requires_grad_(True)
        self.trained[name] = w
        return w

    def conv(self, x, name, out, kernel, stride=1, pads=(0, 0, 0, 0), groups=1, bias=False):
        """pads: top, left, bottom, right."""
        fan = x.shape[1] // groups * kernel * kernel
        limit = (3 / fan) ** 0.5
        w = self.weight(name + "/kernel", [out, x.shape[1] // groups, kernel, kernel], -limit, limit)
        b = self.weight(name + "/bias", [out], -0.3, 0.3) if bias else None
        top, left, bottom, right = pads
        return F.conv2d(F.pad(x, [left, right, top, bottom]), w, b, stride, groups=groups)

    def norm(self, x, name, gain=1):
        n = x.shape[1]
        gamma = self.weight(name + "/gamma", [n], 0.5 * gain, 1.5 * gain)
        beta = self.weight(name + "/beta", [n], -0.3, 0.3)
        mean = value(name + "/moving_mean", self.seed, [n], -0.3, 0.3)
        variance = value(name + "/moving_variance", self.seed, [n], 0.5, 1.5)
        return F.batch_norm(x, mean, variance, gamma, beta, eps=1e-3)

    def relu(self, x):
        if self.margin is not None:
            self.margin.see(x, 0)
        return F.relu(x)

    def relu6(self, x):
        if self.margin is not None:
            self.margin.see(x, 0, 6)
        return F.relu6(x)


def residual(net, x):
    """conv, norm, relu, conv, norm, beside a strided 1 × 1 shortcut."""
    y = net.relu(net.norm(net.conv(x, "conv1", 16, 3, 2, (1, 1, 1, 1)), "bn1"))
    y = net.norm(net.conv(y, "conv2", 16, 3, 1, (1, 1, 1, 1)), "bn2")
    shortcut = net.norm(net.conv(x, "shortcut", 16, 1, 2), "bn3")
    return net.relu(y + shortcut)


def inverted(net, x):
    """Expand, one filter per channel with stride 2 and TensorFlow's pads, project; then once more with a shortcut."""
    y = net.relu6(net.norm(net.conv(x, "expand1", 32, 1), "bn1", 4))
    y = net.relu6(net.norm(net.conv(y, "depthwise1", 32, 3, 2, (0, 0, 1, 1), 32), "bn2", 4))
    y = net.norm(net.conv(y, "project1", 8, 1), "bn3")
    z = net.relu6(net.norm(net.conv(y, "expand2", 48, 1), "bn4", 4))
    z = net.relu6(net.norm(net.conv(z, "depthwise2", 48, 3, 1, (1, 1, 1, 1), 48), "bn5", 4))
    z = net.norm(net.conv(z, "project2", 8, 1), "bn6")
    return y + z


def squeeze(net, x):
    """conv, then channels weighed by a small network of their means."""
    y = net.relu(net.norm(net.conv(x, "conv1", 16, 3, 1, (1, 1, 1, 1)), "bn1"))
    s = y.mean((2, 3), keepdim=True)
    s = net.relu(net.conv(s, "reduce", 4, 1, bias=True))
    s = torch.sigmoid(net.conv(s, "restore", 16, 1, bias=True))
    return net.relu(net.conv(y * s, "conv2", 8, 3, 2, (1, 1, 1, 1), 4, bias=True))


# name: block, batch, input channels, size, output channels
BLOCKS = {
    "residual": (residual, 16, 8, 9, 16),
    "inverted": (inverted, 4, 8, 12, 8),
    "squeeze": (squeeze, 3, 4, 7, 8),
}


def block_golden(name):
    block, n, channels, size, width = BLOCKS[name]

    def features(seed):
        return value("features", seed, [n, channels, size, size], -1, 1)

    def margin_of(seed):
        margin = Margin()
        with torch.no_grad():
            block(Net(seed, False, margin), features(seed))
        return margin.least

    seed = best_of(range(100), margin_of)
    net = Net(seed, True)
    head = head_weights(width, seed)
    for w in head.values():
        w.requires_grad_(True)
    loss = loss_of(block(net, features(seed)).mean((2, 3)), head)
    loss.backward()
    gradients = {k: rounded(w.grad.numpy()) for k, w in {**net.trained, **head}.items()}
    return {"seed": seed, "batch": n, "loss": loss.item(), "gradients": gradients}


def main():
    torch.set_num_threads(2)
    with tarfile.open(sys.argv[1]) as tar:
        golden = {"inception_v3": tail_golden(tar)}
    golden["blocks"] = {name: block_golden(name) for name in BLOCKS}
    with open(sys.argv[2], "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
