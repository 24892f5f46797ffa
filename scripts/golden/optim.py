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
        "adamw": steps(lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0)),
        "adamw, decay": steps(lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1)),
    }


def one_cycle(total, **options):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=total, cycle_momentum=False, **options)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(total - 1):
        schedule.step()
        rates.append(optimizer.param_groups[0]["lr"])
    return [float("%.12g" % r) for r in rates]


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
        "plateaus": plateaus(),
    }
    with open(sys.argv[1], "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


main()
