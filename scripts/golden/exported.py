"""Fragments of networks as torch.onnx.export writes them, with golden gradients of every weight in the file.

    /usr/bin/python3 scripts/golden/exported.py test/golden/exported

What is tested are the habits of an exporter: shapes computed by Shape, Gather, Unsqueeze and Concat, Constant and Identity
nodes, Cast, ConstantOfShape and Expand, weights transposed by constant folding. Every file is a whole network with a
scalar output `loss`; float64 autograd of the module itself gives the values. An initializer is told to be a parameter, or
its transpose, by its values.

An input is used only where gradients do not jump when it moves a little: no value of it lies next to a kink.
"""

import io
import json
import math
import os
import sys
import warnings

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn as nn
import torch.nn.functional as F

# No __pycache__ in the source tree; and a script beside this one has the name of the module torchvision.
sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.remove(HERE)
from torchvision.models import VisionTransformer, convnext, densenet, efficientnet, mobilenetv3  # noqa: E402
from torchvision.models import regnet, shufflenetv2, swin_transformer  # noqa: E402

sys.path.append(HERE)
from gradients import value  # noqa: E402
from random_graphs import probes  # noqa: E402

BATCH = 2
# Bytes of a file whose names are kept.
LONG = 50000


# Attention


class Rotary(nn.Module):
    """Attention over tokens whose queries and keys are turned by their position."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width)
        size = width // heads
        self.register_buffer("frequency", 1 / 100 ** (torch.arange(0, size, 2).float() / size))

    def turn(self, x):
        position = torch.arange(x.shape[2], device=x.device).type_as(self.frequency)
        angle = position[:, None] * self.frequency[None]
        angle = torch.cat([angle, angle], -1)
        half = x.shape[-1] // 2
        other = torch.cat([-x[..., half:], x[..., :half]], -1)
        return x * angle.cos() + other * angle.sin()

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        q, k = self.turn(q), self.turn(k)
        mask = torch.ones(n, n, dtype=torch.bool).tril()
        scores = (q @ k.transpose(-2, -1)) * (c // self.heads) ** -0.5
        scores = scores.masked_fill(~mask, float("-inf"))
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, c))


class SwiGlu(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gate, self.up, self.down = nn.Linear(width, 20), nn.Linear(width, 20), nn.Linear(20, width)

    def forward(self, x):
        y = self.norm(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class RmsNormGlu(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width) + 0.5)
        self.project = nn.Linear(width, 2 * width)

    def forward(self, x):
        y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight
        return F.glu(self.project(y), dim=-1)


class CrossCovariance(nn.Module):
    """Attention between channels, of normalised queries and keys (XCiT)."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.temperature = nn.Parameter(torch.rand(heads, 1, 1) + 0.5)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 4, 1)
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * self.temperature
        return self.out((scores.softmax(-1) @ v).permute(0, 3, 1, 2).reshape(b, n, c))


class LinearAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x):
        q, k = F.elu(self.q(x)) + 1, F.elu(self.k(x)) + 1
        context = torch.einsum("bnd,bne->bde", k, self.v(x))
        return torch.einsum("bnd,bde->bne", q, context) / torch.einsum("bnd,bd->bn", q, k.sum(1)).unsqueeze(-1)


class NonLocal(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(channels, channels // 2, 1) for _ in range(3))
        self.out = nn.Conv2d(channels // 2, channels, 1)

    def forward(self, x):
        n, _, h, w = x.size()
        a, b, c = self.a(x).flatten(2), self.b(x).flatten(2), self.c(x).flatten(2)
        y = torch.bmm(F.softmax(torch.bmm(a.transpose(1, 2), b), dim=-1), c.transpose(1, 2))
        return x + self.out(y.transpose(1, 2).contiguous().view(n, -1, h, w))


class TransformerEncoder(nn.Module):
    """PyTorch's own layer, as it trains."""

    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(12, 2, 24, 0.0, "gelu", batch_first=True, norm_first=True)

    def forward(self, x):
        return self.layer(x)


class Cbam(nn.Module):
    """Channels, then places weighed by their mean and their maximum."""

    def __init__(self, channels):
        super().__init__()
        self.mlp = nn.Sequential(nn.Conv2d(channels, 4, 1, bias=False), nn.ReLU(), nn.Conv2d(4, channels, 1, bias=False))
        self.spatial = nn.Conv2d(2, 1, 5, padding=2, bias=False)

    def forward(self, x):
        pooled = self.mlp(F.adaptive_avg_pool2d(x, 1)) + self.mlp(F.adaptive_max_pool2d(x, 1))
        x = x * torch.sigmoid(pooled)
        both = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1)
        return x * torch.sigmoid(self.spatial(both))


class SplitAttention(nn.Module):
    """ResNeSt: groups of channels compete for every channel."""

    def __init__(self, channels, radix=2):
        super().__init__()
        self.radix = radix
        self.conv = nn.Conv2d(channels, channels * radix, 3, padding=1, groups=radix, bias=False)
        self.norm = nn.BatchNorm2d(channels * radix)
        self.fc1, self.fc2 = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels * radix, 1)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        batch, channels = x.shape[:2]
        splits = torch.split(x, channels // self.radix, dim=1)
        gap = F.adaptive_avg_pool2d(sum(splits), 1)
        scores = self.fc2(F.relu(self.fc1(gap))).view(batch, 1, self.radix, -1).transpose(1, 2)
        scores = F.softmax(scores, dim=1).reshape(batch, -1, 1, 1)
        return sum(a * s for a, s in zip(torch.split(scores, channels // self.radix, dim=1), splits))


class EfficientChannels(nn.Module):
    """ECA: a 1-D convolution over the channels' means."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x):
        y = self.conv(x.mean((2, 3)).unsqueeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
        return x * torch.sigmoid(y).expand_as(x)


class Grn(nn.Module):
    """Global response normalisation of ConvNeXt V2, NHWC."""

    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 16), nn.Linear(16, width)
        self.gamma, self.beta = nn.Parameter(torch.randn(1, 1, 1, 16)), nn.Parameter(torch.randn(1, 1, 1, 16))

    def forward(self, x):
        y = F.gelu(self.fc1(x.permute(0, 2, 3, 1)))
        g = torch.norm(y, p=2, dim=(1, 2), keepdim=True)
        y = self.gamma * (y * (g / (g.mean(-1, keepdim=True) + 1e-6))) + self.beta + y
        return x + self.fc2(y).permute(0, 3, 1, 2)


# Images up, down and across


class UNetUp(nn.Module):
    """Up by a transposed convolution, padded to the size of what it is joined with."""

    def __init__(self, bilinear):
        super().__init__()
        self.bilinear = bilinear
        self.up = nn.Conv2d(8, 4, 1) if bilinear else nn.ConvTranspose2d(8, 4, 2, 2)
        self.conv = nn.Sequential(nn.Conv2d(8, 6, 3, padding=1), nn.BatchNorm2d(6), nn.LeakyReLU(0.1))
        self.down = nn.Conv2d(4, 8, 3, stride=2, padding=0)

    def forward(self, x):
        low = self.down(x)
        up = self.up(low)
        if self.bilinear:
            up = F.interpolate(up, size=x.shape[2:], mode="bilinear", align_corners=True)
        h, w = x.size(2) - up.size(2), x.size(3) - up.size(3)
        up = F.pad(up, [w // 2, w - w // 2, h // 2, h - h // 2])
        return self.conv(torch.cat([x, up], 1))


class Pyramid(nn.Module):
    """FPN: maps of all scales added, nearest."""

    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(4, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)
        self.l1, self.l2 = nn.Conv2d(8, 6, 1), nn.Conv2d(8, 6, 1)
        self.out = nn.Conv2d(6, 6, 3, padding=1)

    def forward(self, x):
        c1 = F.relu(self.c1(x))
        c2 = F.relu(self.c2(c1))
        top = F.interpolate(self.l2(c2), size=c1.shape[-2:], mode="nearest")
        y = self.out(self.l1(c1) + top)
        return F.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)


class Shuffle(nn.Module):
    """Super-resolution: channels to pixels and back."""

    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 12, 3, padding=1), nn.Conv2d(12, 5, 1)

    def forward(self, x):
        y = F.pixel_shuffle(torch.tanh(self.c1(x)), 2)
        return self.c2(F.pixel_unshuffle(y, 2))


class Style(nn.Module):
    """Style transfer: reflected borders, instance normalisation, nearest upsampling."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.ReflectionPad2d(2),
            nn.Conv2d(3, 8, 5),
            nn.InstanceNorm2d(8, affine=True),
            nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.ReplicationPad2d(1),
            nn.Conv2d(8, 4, 3),
            nn.InstanceNorm2d(4),
            nn.PReLU(4),
        )

    def forward(self, x):
        return self.net(x)


class GroupNormBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.GroupNorm(4, 8), nn.GroupNorm(2, 12)
        self.c1, self.c2 = nn.Conv2d(8, 12, 3, 2, 1, bias=False), nn.Conv2d(12, 12, 3, padding=1, bias=False)
        self.skip = nn.Conv2d(8, 12, 1, 2, bias=False)

    def forward(self, x):
        y = F.silu(self.n1(x))
        return self.c2(F.silu(self.n2(self.c1(y)))) + self.skip(y)


class WeightStandardized(nn.Module):
    """BiT: the weights of a convolution are normalised before use."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 6, 3), nn.GroupNorm(3, 6)

    def forward(self, x):
        w = self.conv.weight
        variance, mean = torch.var_mean(w, dim=[1, 2, 3], keepdim=True, unbiased=False)
        w = (w - mean) / torch.sqrt(variance + 1e-10)
        return self.norm(F.conv2d(x, w, self.conv.bias, 1, 1))


class WeightNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.utils.weight_norm(nn.Conv2d(3, 6, 3)), nn.Softplus(), nn.Conv2d(6, 4, 2))

    def forward(self, x):
        return self.net(x)


class Atrous(nn.Module):
    """ASPP: dilated branches and one of the image's mean."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(5, 4, 1), nn.Conv2d(5, 4, 3, padding=2, dilation=2)
        self.pool, self.project = nn.Conv2d(5, 4, 1), nn.Conv2d(12, 5, 1)

    def forward(self, x):
        pooled = self.pool(F.adaptive_avg_pool2d(x, 1))
        pooled = F.interpolate(pooled, size=x.shape[-2:], mode="bilinear", align_corners=False)
        return F.hardswish(self.project(torch.cat([self.a(x), self.b(x), pooled], dim=1)))


class PyramidPool(nn.Module):
    """SPP, and pooling with ceil_mode and without the padding in the mean."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 6, 3, padding=1), nn.Linear(6 * 5 + 6 * 16, 5)

    def forward(self, x):
        y = torch.tanh(self.conv(x))
        levels = [F.adaptive_avg_pool2d(y, 1), F.adaptive_max_pool2d(y, 2)]
        y = F.avg_pool2d(y, 3, 1, 1, count_include_pad=False) - y
        levels.append(F.max_pool2d(y, 2, 2, ceil_mode=True))
        return self.fc(torch.cat([t.flatten(1) for t in levels], 1))


class Circular(nn.Module):
    """Borders that wrap around; what comes out is rolled."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.deep = nn.Conv2d(5, 5, (1, 3), stride=(1, 2), padding=(0, 1), groups=5)

    def forward(self, x):
        x = torch.cat([x[:, :, -1:], x, x[:, :, :1]], 2)
        x = torch.cat([x[..., -1:], x, x[..., :1]], 3)
        return torch.roll(F.mish(self.deep(F.elu(self.conv(x)))), shifts=(1, -1), dims=(2, 3))


class ResponseNorm(nn.Module):
    """AlexNet's local response normalisation."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.LocalResponseNorm(3, alpha=0.1, beta=0.75, k=2.0)

    def forward(self, x):
        return F.max_pool2d(self.norm(F.softplus(self.conv(x))), 2)


class Volume(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv3d(2, 4, (1, 3, 3), (1, 2, 2), (0, 1, 1)), nn.BatchNorm3d(4)
        self.time = nn.ConvTranspose3d(4, 3, (3, 1, 1), padding=(1, 0, 0))

    def forward(self, x):
        return F.avg_pool3d(self.time(F.relu(self.norm(self.conv(x)))), 2)


class Gated1d(nn.Module):
    """WaveNet: causal dilated convolutions with gates."""

    def __init__(self):
        super().__init__()
        self.dilated = nn.ModuleList(nn.Conv1d(4, 8, 2, dilation=d) for d in (1, 2))
        self.mix = nn.ModuleList(nn.Conv1d(4, 4, 1) for _ in range(2))

    def forward(self, x):
        for conv, mix, d in zip(self.dilated, self.mix, (1, 2)):
            a, b = conv(F.pad(x, (d, 0))).chunk(2, dim=1)
            x = x + mix(torch.tanh(a) * torch.sigmoid(b))
        return x


class Warp(nn.Module):
    """A spatial transformer: where to look is learned."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(2, 4, 3), nn.Linear(2, 6)

    def forward(self, x):
        theta = self.fc(x.mean((2, 3))).view(-1, 2, 3)
        line = torch.linspace(-0.7, 0.7, 6)
        rows = torch.stack([line[None, :].expand(6, 6), line[:, None].expand(6, 6), torch.ones(6, 6)], -1).type_as(x)
        grid = (rows.view(1, 36, 3) @ theta.transpose(1, 2)).view(-1, 6, 6, 2)
        return self.conv(F.grid_sample(x, grid, align_corners=False))


# Heads and embeddings


class Metric(nn.Module):
    """A cosine classifier on features pooled by a power mean (GeM)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.p, self.classes = nn.Parameter(torch.tensor([2.7])), nn.Parameter(torch.randn(4, 8))

    def forward(self, x):
        y = torch.sigmoid(self.conv(x)).clamp(min=1e-6).pow(self.p)
        y = y.mean((2, 3)).pow(1.0 / self.p)
        return 8 * F.linear(F.normalize(y), F.normalize(self.classes))


class Tokens(nn.Module):
    """Embeddings of words and places, and a masked mean."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(11, 6), nn.Embedding(9, 6)
        self.norm, self.fc = nn.LayerNorm(6), nn.Linear(6, 3)

    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device).unsqueeze(0).expand_as(ids)
        mask = (ids != 0).unsqueeze(-1).type_as(self.fc.weight)
        y = self.norm(self.words(ids) + self.places(places))
        return self.fc((y * mask).sum(1) / mask.sum(1).clamp(min=1))


class Mixture(nn.Module):
    """Experts weighed by a gate, logsumexp, cumulative sums, standard deviations."""

    def __init__(self):
        super().__init__()
        self.experts, self.gate = nn.Parameter(torch.randn(3, 6, 4)), nn.Linear(6, 3)

    def forward(self, x):
        each = torch.einsum("bd,edf->bef", x, self.experts)
        gate = F.softmax(self.gate(x), -1).unsqueeze(-1)
        mixed = (each * gate).sum(1)
        spread = x.std(dim=1, keepdim=True) + x.var(dim=1, unbiased=False, keepdim=True)
        return torch.cumsum(mixed, 1) + torch.logsumexp(each, dim=(1, 2)).unsqueeze(1) * spread


class Activations(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 12)

    def forward(self, x):
        y = self.fc(x)
        parts = [
            F.celu(y, 0.7), F.selu(y), F.hardtanh(y, -0.9, 1.1), F.logsigmoid(y), F.softsign(y), F.tanhshrink(y),
            F.softplus(y, beta=2), F.relu6(4 * y), F.rrelu(y), F.gelu(y, approximate="tanh"), torch.sign(y) * torch.log1p(y.abs()),
            torch.atan(y), torch.maximum(y, y.flip(1)), torch.lerp(y, y * y, 0.3), y.clamp(min=-0.5) ** 2, torch.rsqrt(1 + y.exp()),
            F.hardshrink(y, 0.3), y.abs().amax(1, keepdim=True) + y, y.norm(p=1, dim=1, keepdim=True) * y, torch.where(y > 0, y.sin(), y.cos()),
        ]
        return torch.stack(parts, 1)


class Functional(nn.Module):
    """A function of torchvision's or torch's module."""

    def __init__(self, module, f):
        super().__init__()
        self.module, self.f = module, f

    def forward(self, x):
        return self.f(self.module, x)


def inverted_v3():
    config = mobilenetv3.InvertedResidualConfig(8, 3, 16, 8, True, "HS", 1, 1, 1.0)
    return mobilenetv3.InvertedResidual(config, nn.BatchNorm2d)


def fused_mbconv():
    config = efficientnet.FusedMBConvConfig(2, 3, 1, 8, 8, 1)
    return efficientnet.FusedMBConv(config, 0.0, nn.BatchNorm2d)


def mbconv():
    config = efficientnet.MBConvConfig(2, 3, 2, 8, 8, 1)
    return efficientnet.MBConv(config, 0.0, nn.BatchNorm2d)


def regnet_block():
    return regnet.ResBottleneckBlock(8, 12, 2, nn.BatchNorm2d, nn.ReLU, group_width=4, bottleneck_multiplier=1.0, se_ratio=0.25)


def swin(shift):
    return swin_transformer.SwinTransformerBlock(8, 2, window_size=[3, 3], shift_size=[shift, shift], mlp_ratio=1.5)


def vit():
    return VisionTransformer(12, 4, 1, 2, 12, 20, num_classes=3)


def dense():
    return nn.Sequential(densenet._DenseBlock(2, 6, 2, 4, 0.0), densenet._Transition(14, 6))


def convnext_block():
    return convnext.CNBlock(8, 0.5, 0.0)


# name: module, shape of an example, operator set, whether BatchNorm trains
FRAGMENTS = {
    "mobilenet_v3": (inverted_v3, [8, 7, 7], 14),
    "mobilenet_v3_13": (inverted_v3, [8, 7, 7], 13),
    "efficientnet_mbconv": (mbconv, [8, 7, 7], 13),
    "efficientnet_fused_mbconv": (fused_mbconv, [8, 6, 6], 15),
    "regnet": (regnet_block, [8, 7, 7], 13),
    "regnet_training": (regnet_block, [8, 7, 7], 15),
    "shufflenet": (lambda: shufflenetv2.InvertedResidual(8, 8, 1), [8, 5, 5], 13),
    "densenet": (dense, [6, 6, 6], 13),
    "convnext": (convnext_block, [8, 5, 5], 13),
    "convnext_17": (convnext_block, [8, 5, 5], 17),
    "swin": (lambda: swin(0), [6, 6, 8], 13),
    "swin_shifted": (lambda: swin(1), [6, 6, 8], 16),
    "vit": (vit, [3, 12, 12], 14),
    "vit_17": (vit, [3, 12, 12], 17),
    "encoder": (TransformerEncoder, [5, 12], 14),
    "rotary": (lambda: Rotary(12, 2), [5, 12], 15),
    "swiglu": (lambda: SwiGlu(10), [4, 10], 17),
    "rmsnorm_glu": (lambda: RmsNormGlu(8), [4, 8], 13),
    "cross_covariance": (lambda: CrossCovariance(12, 3), [5, 12], 13),
    "linear_attention": (lambda: LinearAttention(6), [5, 6], 13),
    "non_local": (lambda: NonLocal(6), [6, 4, 5], 13),
    "cbam": (lambda: Cbam(8), [8, 6, 6], 13),
    "split_attention": (lambda: SplitAttention(8), [8, 5, 5], 13),
    "efficient_channels": (EfficientChannels, [6, 4, 4], 13),
    "global_response": (lambda: Grn(6), [6, 5, 5], 14),
    "unet_transposed": (lambda: UNetUp(False), [4, 8, 7], 13),
    "unet_bilinear": (lambda: UNetUp(True), [4, 7, 6], 13),
    "pyramid": (Pyramid, [4, 9, 11], 13),
    "pixel_shuffle": (Shuffle, [3, 5, 4], 13),
    "style": (Style, [3, 5, 6], 13),
    "group_norm": (GroupNormBlock, [8, 6, 6], 13),
    "weight_standardized": (WeightStandardized, [4, 5, 5], 14),
    "weight_norm": (WeightNorm, [3, 6, 6], 14),
    "atrous": (Atrous, [5, 6, 6], 14),
    "pyramid_pool": (PyramidPool, [3, 8, 8], 13),
    "circular": (Circular, [3, 5, 6], 13),
    "response_norm": (ResponseNorm, [3, 7, 7], 13),
    "volume": (Volume, [2, 4, 6, 6], 13),
    "gated_1d": (Gated1d, [4, 9], 13),
    "warp": (Warp, [2, 7, 7], 16),
    "metric": (Metric, [3, 6, 6], 13),
    "tokens": (Tokens, None, 13),
    "mixture": (Mixture, [6], 13),
    "activations": (Activations, [5], 13),
}


class Loss(nn.Module):
    """Σ c · Y, the same c for every example."""

    def __init__(self, module):
        super().__init__()
        self.module = module
        self.c = None

    def forward(self, x):
        y = self.module(x)
        if self.c is None:
            self.c = value("c", 0, list(y.shape[1:]), -1, 1).to(y.dtype)
        return (y * self.c).sum()


def fresh(name):
    """The module in float32 with generic weights and statistics, the same every time."""
    make, _, opset = FRAGMENTS[name]
    torch.manual_seed(sum(map(ord, name)))
    module = Loss(make())
    module.train(name.endswith("_training") or name == "encoder")
    with torch.no_grad():
        for p in module.parameters():
            # Neither zeros nor ones.
            p.copy_(p + 0.1 * torch.randn_like(p))
        for key, b in module.named_buffers():
            if key.endswith("running_mean"):
                b.copy_(0.2 * torch.randn_like(b))
            if key.endswith("running_var"):
                b.copy_(0.5 + torch.rand_like(b))
    return module


def example(name, seed):
    shape = FRAGMENTS[name][1]
    if shape is None:
        return (torch.arange(BATCH * 5).reshape(BATCH, 5) * 7 + seed) % 11
    return value("x", seed, [BATCH, *shape], -1.5, 1.5)


def gradients(name, x):
    module = fresh(name)
    module = module.to(x.dtype if x.is_floating_point() else torch.float64)
    x = x.clone().requires_grad_(x.is_floating_point())
    loss = module(x)
    named = dict(module.named_parameters())
    wanted = {**({"x": x} if x.requires_grad else {}), **named}
    found = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)
    return loss.item(), {k: g.detach() for k, g in zip(wanted, found) if g is not None}, named


def sizes(grads):
    """Norms, without those that are zero but for rounding: of a bias before a normalisation, say."""
    norms = {k: g.norm().item() for k, g in grads.items()}
    return {k: n for k, n in norms.items() if n > 1e-9 * max(norms.values())}


def jump(name, seed):
    """How much gradients change when the input moves by 10⁻⁵, and when computed in float32, relative to their norms."""
    x = example(name, seed)
    if not x.is_floating_point():
        return 0.0
    _, at, _ = gradients(name, x)
    size = sizes(at)
    at = {g: at[g] for g in size}
    worst = 0.0
    for k in range(3):
        _, near, _ = gradients(name, x + 1e-5 * value("move", k, list(x.shape), -1, 1))
        worst = max(worst, *[(near[g] - at[g]).norm().item() / size[g] for g in at])
    _, single, _ = gradients(name, x.float())
    return worst + 10 * max((single[g].double() - at[g]).norm().item() / size[g] for g in at)


def exported(name, x, dynamic, folding):
    module = fresh(name)
    if x.is_floating_point():
        x = x.float()
    module(x)  # makes c
    training = torch.onnx.TrainingMode.TRAINING if module.training and name != "encoder" else torch.onnx.TrainingMode.PRESERVE
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, x, file, opset_version=FRAGMENTS[name][2], input_names=["x"], output_names=["loss"], training=training,
            dynamic_axes={"x": {0: "N"}} if dynamic else None, do_constant_folding=folding,
        )
    return onnx.load_from_string(file.getvalue())


def matched(model, named, buffers, grads):
    """
    Gradients by the names in the file, and what does not match. Constant folding may have transposed or reshaped a
    parameter; if it has computed with some, not all of their gradient is that of one tensor.
    """
    found, used, computed = {"x": ("x", grads["x"])} if "x" in grads else {}, set(), []
    given = {t.name for t in model.graph.initializer}
    stored = [(t.name, onnx.numpy_helper.to_array(t)) for t in model.graph.initializer]
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            stored.append((node.output[0], onnx.numpy_helper.to_array(node.attribute[0].t)))
    for stored_name, array in stored:
        if array.dtype != np.float32:
            continue
        known = len(found)
        for key, p in named.items():
            v = p.detach().float().numpy()
            if key not in grads or v.size != array.size or (v.size == 1 and stored_name != key):
                continue
            if np.array_equal(v.reshape(array.shape), array):
                found[stored_name] = key, grads[key].reshape(array.shape)
                used.add(key)
            elif v.ndim >= 2 and np.array_equal(v.T, array):
                found[stored_name] = key, grads[key].T
                used.add(key)
        if len(found) == known and stored_name in given and stored_name not in buffers:
            computed.append(stored_name)
    return found, {*computed, *(set(grads) - used - {"x"})}


def shortened(model):
    """The same with numbers for names, of tensors that nodes make: a long file is mostly names."""
    outputs = {o.name for o in model.graph.output}
    new = {}
    for node in model.graph.node:
        node.name = ""
        node.output[:] = [o if o in outputs or not o else new.setdefault(o, "t%d" % len(new)) for o in node.output]
        node.input[:] = [new.get(i, i) for i in node.input]
    del model.graph.value_info[:]
    return model, new


def written(name, x, named, buffers, grads, dynamic):
    """The file, and the gradients of what is in it. Where folding has computed with parameters, it is left out."""
    for folding in (True, False):
        model = exported(name, x, dynamic, folding)
        found, missing = matched(model, named, buffers, grads)
        if not missing:
            if model.ByteSize() < LONG:
                return model, found
            model, new = shortened(model)
            return model, {new.get(k, k): g for k, g in found.items()}
    raise ValueError("%s does not match: %s" % (name, missing))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    golden = {}
    for name in sys.argv[2:] or FRAGMENTS:
        jumps = {}
        for seed in range(24):
            jumps[seed] = jump(name, seed)
            if jumps[seed] < 3e-4:
                break
        seed = min(jumps, key=jumps.get)
        x = example(name, seed)
        loss, grads, named = gradients(name, x)
        named = {k: p.float() for k, p in named.items()}
        size = sizes(grads)
        buffers = {k: b.numpy() for k, b in fresh(name).named_buffers()}
        files = {name + "_n.onnx": written(name, x, named, buffers, grads, True)}
        fixed = written(name, x, named, buffers, grads, False)
        operators = [[n.op_type for n in model.graph.node] for model, _ in [*files.values(), fixed]]
        if operators[0] != operators[1]:
            files[name + ".onnx"] = fixed
        for file, (model, found) in files.items():
            onnx.save(model, os.path.join(folder, file))
            zeros = {k for k, g in grads.items() if k not in size}
            tensors = {}
            for key, (source, g) in found.items():
                g = g.contiguous().numpy().astype(np.float64).ravel()
                tensors[key] = [] if source in zeros else [float("%.7g" % v) for v in [np.linalg.norm(g), *probes(g)]]
            golden[file] = {"seed": seed, "dims": list(x.shape), "loss": loss, "gradients": tensors}
            print("%s: jump %.1e, %d bytes, %d gradients, %s" % (
                file, jumps[seed], os.path.getsize(os.path.join(folder, file)), len(found),
                " ".join(sorted({n.op_type for n in model.graph.node})),
            ))
    lines = ",\n".join("%s:%s" % (json.dumps(k), json.dumps(v, separators=(",", ":"))) for k, v in golden.items())
    with open(folder + ".json", "w") as file:
        file.write("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
