"""Golden losses and gradients of the blocks in test/autodiff/blocks: PyTorch's automatic differentiation in float64.

    /usr/bin/python3 scripts/golden/blocks.py test/golden/blocks.json

Of a gradient, its norm and its products with fixed random vectors are stored (`probes` of random_graphs.py). A value next
to a kink may fall on its other side in float32; so every block is evaluated for a few seeds, and the one whose values
keep most distance is used.
"""

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

# No __pycache__ in the source tree.
sys.dont_write_bytecode = True
from gradients import Margin, best_of, value  # noqa: E402
from random_graphs import probes  # noqa: E402

INPUT = "block_in"


class Net:
    """Makes weights by name on first use, as in test/autodiff/blocks/layers.ts."""

    def __init__(self, seed):
        self.seed, self.margin, self.trained = seed, Margin(), {}

    def weight(self, name, shape, low, high):
        w = value(name, self.seed, shape, low, high).requires_grad_(True)
        self.trained[name] = w
        return w

    def conv(self, x, name, out, kernel, stride=1, pad=0, groups=1, bias=True):
        inputs = x.shape[1] // groups
        limit = (3 / (inputs * kernel * kernel)) ** 0.5
        w = self.weight(name + "/kernel", [out, inputs, kernel, kernel], -limit, limit)
        b = self.weight(name + "/bias", [out], -0.3, 0.3) if bias else None
        return F.conv2d(x, w, b, stride, pad, groups=groups)

    def batch_norm(self, x, name, training=False):
        n = x.shape[1]
        gamma = self.weight(name + "/gamma", [n], 0.5, 1.5)
        beta = self.weight(name + "/beta", [n], -0.3, 0.3)
        mean = value(name + "/mean", self.seed, [n], -0.3, 0.3)
        variance = value(name + "/variance", self.seed, [n], 0.5, 1.5)
        return F.batch_norm(x, mean, variance, gamma, beta, training, eps=1e-3)

    def layer_norm(self, x, name):
        n = x.shape[-1]
        gamma = self.weight(name + "/gamma", [n], 0.5, 1.5)
        return F.layer_norm(x, [n], gamma, self.weight(name + "/beta", [n], -0.3, 0.3), 1e-5)

    def linear(self, x, name, out):
        limit = (3 / x.shape[-1]) ** 0.5
        w = self.weight(name + "/kernel", [x.shape[-1], out], -limit, limit)
        return x @ w + self.weight(name + "/bias", [out], -0.3, 0.3)

    def kinked(self, f, x, *kinks):
        self.margin.see(x.detach(), *kinks)
        return f(x)

    def relu(self, x):
        return self.kinked(F.relu, x, 0)

    def relu6(self, x):
        return self.kinked(F.relu6, x, 0, 6)


def attention(net, x, name, heads):
    n, length, width = x.shape
    qkv = net.linear(x, name + "/qkv", 3 * width).reshape(n, length, 3, heads, width // heads)
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    scores = (q @ k.transpose(-1, -2)) / (width // heads) ** 0.5
    mixed = scores.softmax(-1) @ v
    return net.linear(mixed.transpose(1, 2).reshape(n, length, width), name + "/projection", width)


def encoder(net, x, name, heads):
    width = x.shape[-1]
    x = x + attention(net, net.layer_norm(x, name + "/norm1"), name + "/attention", heads)
    y = F.gelu(net.linear(net.layer_norm(x, name + "/norm2"), name + "/mlp1", 4 * width))
    return x + net.linear(y, name + "/mlp2", width)


def vit_block(net, x):
    return encoder(net, x, "block", 3)


def vit(net, x):
    n = len(x)
    tokens = net.conv(x, "patches", 24, 4, 4).flatten(2).transpose(1, 2)
    token = net.weight("token", [1, 1, 24], -1, 1)
    x = torch.cat([token.expand(n, -1, -1), tokens], 1) + net.weight("positions", [1, 10, 24], -0.5, 0.5)
    for name in ("block1", "block2"):
        x = encoder(net, x, name, 4)
    return net.linear(net.layer_norm(x, "norm")[:, 0], "head", 5).log_softmax(-1)


def convnext(net, x):
    y = net.conv(x, "depthwise", 16, 7, pad=3, groups=16).permute(0, 2, 3, 1)
    y = net.linear(F.gelu(net.linear(net.layer_norm(y, "norm"), "mlp1", 64)), "mlp2", 16)
    return x + (y * net.weight("scale", [16], -0.5, 0.5)).permute(0, 3, 1, 2)


def squeeze_swish(net, x):
    y = F.silu(net.conv(x, "before", 16, 3, pad=1))
    s = F.silu(net.conv(y.mean((2, 3), keepdim=True), "reduce", 4, 1))
    return net.conv(y * torch.sigmoid(net.conv(s, "restore", 16, 1)), "after", 8, 1)


def squeeze_hard(net, x):
    y = net.kinked(F.hardswish, net.conv(x, "before", 16, 3, pad=1), -3, 3)
    s = net.relu(net.conv(y.mean((2, 3), keepdim=True), "reduce", 4, 1))
    gate = net.kinked(F.hardsigmoid, net.conv(s, "restore", 16, 1), -3, 3)
    return net.conv(y * gate, "after", 8, 1)


def dense(net, x):
    for i in range(3):
        y = net.conv(net.relu(net.batch_norm(x, "bn%da" % i)), "conv%da" % i, 16, 1, bias=False)
        y = net.conv(net.relu(net.batch_norm(y, "bn%db" % i)), "conv%db" % i, 4, 3, pad=1, bias=False)
        x = torch.cat([x, y], 1)
    return F.avg_pool2d(net.conv(net.relu(net.batch_norm(x, "bn")), "transition", 10, 1, bias=False), 2)


def inverted(net, x):
    def unit(x, name, wide, out, stride):
        y = net.conv(x, name + "/expand", wide, 1, bias=False)
        y = net.relu6(net.batch_norm(y, name + "/bn1", True))
        y = net.conv(y, name + "/depthwise", wide, 3, stride, 1, wide, bias=False)
        y = net.relu6(net.batch_norm(y, name + "/bn2", True))
        return net.batch_norm(net.conv(y, name + "/project", out, 1, bias=False), name + "/bn3", True)

    first = unit(x, "first", 24, 12, 2)
    return first + unit(first, "second", 36, 12, 1)


# name: block, shape of its input
BLOCKS = {
    "vit block": (vit_block, [2, 7, 24]),
    "vit": (vit, [2, 3, 12, 12]),
    "convnext": (convnext, [2, 16, 9, 9]),
    "squeeze-excite, swish": (squeeze_swish, [3, 6, 7, 7]),
    "squeeze-excite, hard": (squeeze_hard, [3, 6, 7, 7]),
    "dense": (dense, [2, 8, 8, 8]),
    "inverted": (inverted, [3, 8, 10, 10]),
}


def run(name, seed):
    block, shape = BLOCKS[name]
    net = Net(seed)
    x = net.weight(INPUT, shape, -1.5, 1.5)
    y = block(net, x)
    return net, (y * value("loss/weights", seed, list(y.shape), -1, 1)).sum()


def golden(name):
    seed = best_of(range(60), lambda s: run(name, s)[0].margin.least)
    net, loss = run(name, seed)
    loss.backward()
    gradients = {}
    for weight, w in net.trained.items():
        g = w.grad.numpy().ravel()
        gradients[weight] = [float("%.8g" % v) for v in [np.linalg.norm(g), *probes(g)]]
    return {"seed": seed, "loss": loss.item(), "gradients": gradients}


def main():
    with open(sys.argv[1], "w") as file:
        json.dump({name: golden(name) for name in BLOCKS}, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
