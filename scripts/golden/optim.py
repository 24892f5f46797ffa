"""Golden losses, optimizer steps and schedules from PyTorch.

    /usr/bin/python3 scripts/golden/optim.py test/golden/optim.json
"""

import json
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F

# A scheduler that is stepped without its optimizer is what a golden schedule is.
warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")

ROWS, CLASSES = 6, 5
STEPS = 5


def listed(x):
    return [float("%.9g" % v) for v in x.detach().numpy().ravel()]


def logits():
    """Row i, class c: 4 sin(1 + 3i + 7c) in float32; row 0 is very sure of class 0."""
    i, c = np.mgrid[0:ROWS, 0:CLASSES]
    x = 4 * np.sin(1 + 3 * i + 7 * c)
    x[0] = [60, 0, -60, 0, 0]
    return torch.from_numpy(x.astype(np.float32)).double().requires_grad_(True)


TARGETS = torch.tensor([0, 1, 2, 3, 4, 1])
WEIGHTS = torch.tensor([1.0, 0.5, 2.0, 0.25, 3.0, 0.75], dtype=torch.float64)


def loss(each):
    x = logits()
    value = (each(x) * WEIGHTS).sum() / WEIGHTS.sum()
    value.backward()
    return {"loss": value.item(), "gradient": listed(x.grad)}


def focal(gamma):
    def each(x):
        log_p = F.log_softmax(x, 1).gather(1, TARGETS[:, None])[:, 0]
        # 1 − p without cancellation, so that a power below 1 has a gradient.
        rest = F.log_softmax(x, 1).masked_fill(F.one_hot(TARGETS, CLASSES).bool(), -np.inf).logsumexp(1).exp()
        return -rest**gamma * log_p
    return loss(each)


def losses():
    ce = {s: loss(lambda x: F.cross_entropy(x, TARGETS, reduction="none", label_smoothing=s)) for s in (0.0, 0.1)}
    return {"cross-entropy": {str(s): v for s, v in ce.items()}, "focal": {str(g): focal(g) for g in (0.5, 1.0, 2.0, 2.5)}}


def steps(make):
    """Weights after each step with gradients g_t[i] = cos(2i + 5t) · 10^(i mod 3 − 2)."""
    w = torch.tensor([0.5, -1.0, 2.0, 0.0, -0.25, 1.5], dtype=torch.float64, requires_grad=True)
    optimizer = make([w])
    i = torch.arange(6, dtype=torch.float64)
    out = []
    for t in range(STEPS):
        w.grad = torch.cos(2 * i + 5 * t) * 10 ** (i % 3 - 2)
        for group in optimizer.param_groups:
            group["lr"] = 0.1 / (t + 1)
        optimizer.step()
        out.append(listed(w))
    return out


def optimizers():
    return {
        "sgd": steps(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
        "sgd, decay": steps(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1)),
        "nesterov": steps(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True)),
        "nesterov, decay": steps(
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.1)),
        "adam": steps(lambda p: torch.optim.Adam(p, lr=0.1)),
        "adam, decay": steps(lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.99), weight_decay=0.1)),
        "adamw": steps(lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0)),
        "adamw, decay": steps(lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1)),
    }


def network_steps(make, clip=0.0, accumulate=1, groups=False):
    """Weights after steps of a whole network, y = w2 tanh(W1 x + b1), on the mean of squares."""
    def grid(*dims, k):
        size = int(np.prod(dims))
        return torch.from_numpy(np.cos(k + 1.7 * np.arange(size)).reshape(dims).astype(np.float32)).double()
    w1, b1, w2 = [x.requires_grad_(True) for x in (grid(4, 3, k=1), grid(4, k=2), grid(2, 4, k=3))]
    params = [{"params": [w1, b1], "lr": 0.05}, {"params": [w2], "lr": 0.1, "weight_decay": 0.3}] if groups else [w1, b1, w2]
    optimizer = make(params)
    out = []
    for t in range(STEPS):
        optimizer.zero_grad()
        losses = []
        for micro in range(accumulate):
            x, y = grid(5, 3, k=10 + t + 0.3 * micro), grid(5, 2, k=20 + t)
            loss = ((torch.tanh(x @ w1.T + b1) @ w2.T - y) ** 2).mean()
            (loss / accumulate).backward()
            losses.append(loss.item())
        if clip > 0:
            torch.nn.utils.clip_grad_norm_([w1, b1, w2], clip)
        optimizer.step()
        out.append({"losses": [float("%.9g" % v) for v in losses], "w1": listed(w1), "b1": listed(b1), "w2": listed(w2)})
    return out


def networks():
    sgd = lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)
    adamw = lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1)
    return {
        "sgd": network_steps(sgd),
        "sgd, clipped": network_steps(sgd, clip=0.05),
        "adamw, accumulated and clipped": network_steps(adamw, clip=0.05, accumulate=3),
        "adamw, groups": network_steps(adamw, groups=True),
    }


def scheduled(make, total):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make(optimizer)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(total - 1):
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return [float("%.12g" % r) for r in rates]


def one_cycle(total, **options):
    lr = torch.optim.lr_scheduler
    return scheduled(lambda o: lr.OneCycleLR(o, 1.0, total_steps=total, cycle_momentum=False, **options), total)


def plateau(values, patience):
    """Whether the rate fell after each value. Keras counts `patience` epochs, PyTorch allows one more."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience - 1, threshold=1e-4, threshold_mode="abs", eps=0)
    out, rate = [], 1.0
    for v in values:
        schedule.step(v)
        now = optimizer.param_groups[0]["lr"]
        out.append(now < rate)
        rate = now
    return out


def plateaus():
    rng = np.random.default_rng(1)
    out = []
    for patience in (1, 2, 3):
        # Falls, plateaus and falls that are too small to count.
        values = np.round(1 + 0.4 * np.exp(-np.arange(40) / 4) + 0.01 * rng.standard_normal(40), 4)
        values[20:24] = values[:20].min() - np.array([0.00005, 0.00009, 0.00012, 0.00013])
        values = [float(v) for v in values]
        out.append({"patience": patience, "values": values, "plateau": plateau(values, patience)})
    return out


def main():
    golden = {
        "losses": losses(),
        "optimizers": optimizers(),
        "oneCycle": {
            "10": one_cycle(10),
            "100": one_cycle(100),
            "options": one_cycle(37, pct_start=0.25, div_factor=10, final_div_factor=100),
        },
        "cosine": {
            "12": scheduled(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12), 12),
            "end": scheduled(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 30, eta_min=0.1), 30),
        },
        "step": scheduled(lambda o: torch.optim.lr_scheduler.StepLR(o, 4, gamma=0.3), 14),
        "networks": networks(),
        "plateaus": plateaus(),
    }
    with open(sys.argv[1], "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


main()
