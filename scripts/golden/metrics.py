"""Golden values for the metrics: scikit-learn, and direct definitions in numpy.

Run from the root of the project: python3 scripts/golden/metrics.py
Needs numpy, scipy and scikit-learn (1.2.1). Writes test/golden/metrics.json.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics as sk

warnings.simplefilter("ignore")
OUT = Path(__file__).resolve().parents[2] / "test" / "golden" / "metrics.json"


def delong_by_kernel(scores, positives):
    """AUC and DeLong variance from the m x n matrix of comparisons, as the definition has it."""
    x, y = scores[positives], scores[~positives]
    psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    v10, v01 = psi.mean(axis=1), psi.mean(axis=0)
    variance = v10.var(ddof=1) / len(x) + v01.var(ddof=1) / len(y)
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    area = psi.mean()
    return {"auc": area, "variance": variance, "interval": [max(0, area - half), min(1, area + half)]}


def wilson_by_roots(k, n):
    """The two p for which (k/n - p)^2 = z^2 p (1 - p) / n: roots of a quadratic."""
    z2, share = stats.norm.ppf(0.975) ** 2, k / n
    return sorted(np.roots([1 + z2 / n, -(2 * share + z2 / n), share**2]).real.tolist())


def multiclass(rng, n, classes, temperature, weights, digits):
    targets = rng.choice(classes, size=n, p=weights)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), targets] += temperature
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if digits is not None:  # ties, and exact zeros
        p = np.round(p, digits)
        p[p.sum(axis=1) == 0] = 1 / classes
        p = p / p.sum(axis=1, keepdims=True)
    p = p.astype(np.float32).astype(np.float64)
    predicted = p.argmax(axis=1)
    positive = targets < classes // 2
    score = p[:, : classes // 2].sum(axis=1)
    eps = 2.0**-23
    present = np.unique(targets)
    per_class = [sk.roc_auc_score(targets == c, p[:, c]) if c in present else None for c in range(classes)]
    fpr, tpr, thresholds = sk.roc_curve(positive, score, drop_intermediate=False)
    weight = rng.integers(0, 4, size=n)
    matrix = sk.confusion_matrix(targets, predicted, labels=range(classes))
    return {
        "classes": classes,
        "targets": targets.tolist(),
        "probabilities": p.ravel().tolist(),
        "confusion": matrix.tolist(),
        "accuracy": sk.accuracy_score(targets, predicted),
        "balancedAccuracy": sk.recall_score(targets, predicted, labels=present, average="macro"),
        "recall": sk.recall_score(targets, predicted, labels=range(classes), average=None, zero_division=0).tolist(),
        "precision": sk.precision_score(targets, predicted, labels=range(classes), average=None, zero_division=0).tolist(),
        "specificity": [sk.recall_score(targets != c, predicted != c) for c in range(classes)],
        "logLoss": sk.log_loss(targets, p, labels=range(classes), eps=eps),
        "auc": per_class,
        "score": score.tolist(),
        "positive": positive.astype(int).tolist(),
        "binaryAuc": sk.roc_auc_score(positive, score),
        "averagePrecision": sk.average_precision_score(positive, score),
        "weights": weight.tolist(),
        "weightedAuc": sk.roc_auc_score(positive, score, sample_weight=weight),
        "weightedAveragePrecision": sk.average_precision_score(positive, score, sample_weight=weight),
        "roc": {"fpr": fpr.tolist(), "tpr": tpr.tolist(), "thresholds": thresholds[1:].tolist()},
        "delong": delong_by_kernel(score, positive),
    }


def main():
    rng = np.random.default_rng(20240607)
    cases = {
        "two classes": multiclass(rng, 60, 2, 1.0, [0.3, 0.7], None),
        "seven classes, imbalanced": multiclass(rng, 150, 7, 1.5, [0.03, 0.05, 0.11, 0.02, 0.11, 0.66, 0.02], None),
        "many ties and zeros": multiclass(rng, 120, 4, 1.0, [0.1, 0.2, 0.3, 0.4], 1),
        "a class without examples": multiclass(rng, 80, 4, 0.5, [0.3, 0.3, 0.4, 0.0], 2),
    }
    wilson = [[k, n, *wilson_by_roots(k, n)] for k, n in [(1, 3), (5, 10), (9, 10), (87, 100), (3, 1000), (1, 2)]]
    values = {
        "madeWith": {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__},
        "cases": cases,
        "wilson": wilson,
        "quantiles": [[q, float(np.quantile([1, 2, 4, 8, 16], q))] for q in (0, 0.025, 0.3, 0.5, 0.975, 1)],
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(values, separators=(",", ":")) + "\n")


main()
