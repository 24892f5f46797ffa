"""Golden values for the statistics of an evaluation: pROC, statsmodels, scikit-learn, scipy; else the definition in numpy.

Run from the root of the project: /usr/bin/python3 scripts/golden/statistics.py
Needs Debian's python3-numpy, -scipy, -sklearn (1.2.1), -statsmodels (0.13.5), r-cran-proc (1.18.0).
Writes test/golden/statistics.json.
"""

import csv
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

# This file is called as a module of the standard library is: what is imported below must not find it instead.
sys.path = [p for p in sys.path if Path(p or ".").resolve() != Path(__file__).resolve().parent]

import numpy as np
import scipy
import sklearn
import statsmodels
import statsmodels.api as sm
from scipy import optimize, stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

warnings.simplefilter("ignore")
OUT = Path(__file__).resolve().parents[2] / "test" / "golden" / "statistics.json"
Z = stats.norm.ppf(0.975)

R = """
suppressMessages(library(pROC))
d <- read.csv(commandArgs(TRUE)[1])
a <- roc(d$y, d$p, direction = "<", levels = c(0, 1), quiet = TRUE)
b <- roc(d$y, d$q, direction = "<", levels = c(0, 1), quiet = TRUE)
t <- roc.test(b, a, method = "delong", paired = TRUE)
u <- roc.test(b, a, method = "delong", paired = FALSE)
best <- coords(a, "best", best.method = "youden", best.policy = "omit", transpose = FALSE)
area <- auc(a, partial.auc = c(1, 0.8), partial.auc.focus = "se", partial.auc.correct = FALSE)
cat(format(c(ci(a)[c(1, 2, 3)], var(a), cov(a, b), t$statistic, t$p.value, t$conf.int[1:2], area,
  coords(a, "best", best.method = "youden", transpose = FALSE)$sensitivity[1],
  coords(a, "best", best.method = "youden", transpose = FALSE)$specificity[1]), digits = 15), sep = "\\n")
"""


def proc(y, p, q):
    """Interval, variance, covariance, the paired test and the partial area, by R's pROC."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        with table.open("w", newline="") as file:
            csv.writer(file).writerows([("y", "p", "q"), *zip(y, p, q)])
        script = Path(folder) / "script.R"
        script.write_text("\n".join(line for line in R.splitlines() if not line.startswith(("best <-", "u <-"))))
        out = subprocess.run(["Rscript", str(script), str(table)], check=True, capture_output=True, text=True).stdout
    low, area, high, variance, covariance, z, p_value, from_, to, partial, se, sp = map(float, out.split())
    return {
        "auc": area,
        "interval": [low, high],
        "variance": variance,
        "covariance": covariance,
        "z": z,
        "pValue": p_value,
        "difference95": [from_, to],
        # Of the curve turned on its side: the area right of sensitivity 0.8, over specificity.
        "partialAuc": partial,
        "youden": se + sp - 1,
    }


def challenge(y, p, sensitivity=0.8):
    """The ISIC 2024 challenge's figure: labels swapped, scores negated, the area left of 1 - sensitivity, unscaled."""
    fpr, tpr, _ = sk.roc_curve(1 - y, -p, drop_intermediate=False)
    end = 1 - sensitivity
    inside = fpr < end
    x = np.append(fpr[inside], end)
    # The curve may jump at the end itself: the value from the left is that of the segment which reaches it.
    k = int(np.argmax(fpr >= end))
    x0, x1, y0, y1 = fpr[k - 1], fpr[k], tpr[k - 1], tpr[k]
    at_end = y0 + (end - x0) * (y1 - y0) / (x1 - x0)
    area = np.trapz(np.append(tpr[inside], at_end), x)
    scaled = sk.roc_auc_score(1 - y, -p, max_fpr=end)
    least, most = end * end / 2, end
    assert abs(area - (least + (2 * scaled - 1) * (most - least))) < 1e-9
    return area


def obuchowski(y, p, groups):
    """Variance of the AUC with clusters, from the matrix of comparisons."""
    x, o = p[y == 1], p[y == 0]
    psi = (x[:, None] > o[None, :]) + 0.5 * (x[:, None] == o[None, :])
    theta, m, n = psi.mean(), len(x), len(o)
    names = np.unique(groups)
    a = np.array([(psi.mean(axis=1) - theta)[groups[y == 1] == g].sum() for g in names])
    b = np.array([(psi.mean(axis=0) - theta)[groups[y == 0] == g].sum() for g in names])
    sick = len(np.unique(groups[y == 1]))
    well = len(np.unique(groups[y == 0]))
    s10 = sick / ((sick - 1) * m) * (a**2).sum()
    s01 = well / ((well - 1) * n) * (b**2).sum()
    s11 = len(names) / (len(names) - 1) * (a * b).sum()
    return s10 / m + s01 / n + 2 * s11 / (m * n)


def rao_scott(right, groups):
    """Wilson's interval on counts over the design effect of a ratio estimate."""
    names = np.unique(groups)
    x = np.array([right[groups == g].sum() for g in names])
    m = np.array([(groups == g).sum() for g in names])
    share, k, n = right.mean(), len(names), len(right)
    variance = k / (k - 1) * ((x - share * m) ** 2).sum() / n**2
    effect = max(1.0, variance / (share * (1 - share) / n))
    return {"designEffect": effect, "interval": proportion_confint(right.sum() / effect, n / effect, method="wilson")}


def calibration(y, p):
    kept = np.clip(p, 2.0**-23, 1 - 2.0**-23)
    logit = np.log(kept / (1 - kept))
    line = sm.Logit(y, sm.add_constant(logit)).fit(method="newton", tol=1e-14, maxiter=100, disp=0)
    shift = sm.GLM(y, np.ones((len(y), 1)), family=sm.families.Binomial(), offset=logit).fit(tol=1e-14)
    (a_low, a_high), (b_low, b_high) = line.conf_int()
    return {
        "intercept": [line.params[0], a_low, a_high],
        "slope": [line.params[1], b_low, b_high],
        "interceptAtSlope1": [shift.params[0], *shift.conf_int()[0]],
    }


def brier_parts(y, p, bins):
    index = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)
    reliability = resolution = within = 0.0
    for b in np.unique(index):
        here = index == b
        pm, ym, share = p[here].mean(), y[here].mean(), here.mean()
        reliability += share * (pm - ym) ** 2
        resolution += share * (ym - y.mean()) ** 2
        within += share * ((p[here] - pm).var() + (p[here] - pm).mean() ** 2 - 2 * np.cov(p[here], y[here], bias=True)[0, 1])
    return {
        "brier": sk.brier_score_loss(y, p),
        "reliability": reliability,
        "resolution": resolution,
        "uncertainty": y.var(),
        "withinBins": within,
    }


def calibration_errors(y, p, bins):
    index = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)
    width = sum((index == b).mean() * abs(y[index == b].mean() - p[index == b].mean()) for b in np.unique(index))
    # Rank of the middle of a run of equal values: scipy's average rank, less one half.
    mass_index = np.floor((stats.rankdata(p) - 0.5) * bins / len(p)).astype(int)
    mass = sum((mass_index == b).mean() * abs(y[mass_index == b].mean() - p[mass_index == b].mean()) for b in np.unique(mass_index))
    observed, predicted = calibration_curve(y, p, n_bins=bins, strategy="uniform")
    return {"width": width, "mass": mass, "observed": observed.tolist(), "predicted": predicted.tolist()}


def net_benefit(y, p, t, prevalence=None):
    se, sp = (p[y == 1] >= t).mean(), (p[y == 0] < t).mean()
    pi = y.mean() if prevalence is None else prevalence
    return [t, se * pi - (1 - sp) * (1 - pi) * t / (1 - t), pi - (1 - pi) * t / (1 - t)]


def rates(tp, fp, tn, fn, prevalence):
    m, n = tp + fn, tn + fp
    se, sp = tp / m, tn / n

    def ratio(a, m, b, n):
        value, half = (a / m) / (b / n), Z * np.sqrt(1 / a - 1 / m + 1 / b - 1 / n)
        return [value, value * np.exp(-half), value * np.exp(half)]

    def logit(value, variance):
        centre, half = np.log(value / (1 - value)), Z * np.sqrt(variance)
        return [value, *(1 / (1 + np.exp(-(centre + s * half))) for s in (-1, 1))]

    ppv = se * prevalence / (se * prevalence + (1 - sp) * (1 - prevalence))
    npv = sp * (1 - prevalence) / (sp * (1 - prevalence) + (1 - se) * prevalence)
    return {
        "counts": [tp, fp, tn, fn],
        "sensitivity": [se, *proportion_confint(tp, m, method="wilson")],
        "specificity": [sp, *proportion_confint(tn, n, method="wilson")],
        "ppv": [tp / (tp + fp), *proportion_confint(tp, tp + fp, method="wilson")],
        "npv": [tn / (tn + fn), *proportion_confint(tn, tn + fn, method="wilson")],
        "accuracy": [(tp + tn) / (m + n), *proportion_confint(tp + tn, m + n, method="wilson")],
        "positiveLikelihoodRatio": ratio(tp, m, fp, n),
        "negativeLikelihoodRatio": ratio(fn, m, tn, n),
        "prevalence": prevalence,
        "ppvAt": logit(ppv, (1 - se) / (se * m) + sp / ((1 - sp) * n)),
        "npvAt": logit(npv, se / ((1 - se) * m) + (1 - sp) / (sp * n)),
    }


def classes(rng, n, k, digits=None):
    targets = rng.integers(0, k, size=n)
    predicted = np.where(rng.random(n) < 0.55, targets, rng.integers(0, k, size=n))
    labels = range(k)
    used = np.union1d(targets, predicted)
    probabilities = np.round(rng.dirichlet(np.ones(k), size=n), 4)
    return {
        "classes": k,
        "targets": targets.tolist(),
        "predicted": predicted.tolist(),
        "kappa": [sk.cohen_kappa_score(targets, predicted, labels=labels, weights=w) for w in (None, "linear", "quadratic")],
        "matthews": sk.matthews_corrcoef(targets, predicted),
        "f1": sk.f1_score(targets, predicted, labels=used, average=None).tolist(),
        "used": used.tolist(),
        "macro": sk.f1_score(targets, predicted, average="macro"),
        "micro": sk.f1_score(targets, predicted, average="micro"),
        "weighted": sk.f1_score(targets, predicted, average="weighted"),
        "probabilities": probabilities.ravel().tolist(),
        "brier": float(((probabilities - np.eye(k)[targets]) ** 2).sum(axis=1).mean()),
    }


def scored(rng, n, share, gap, digits):
    groups = np.sort(rng.integers(0, n // 2, size=n))
    y = np.where(rng.random(n) < 0.8, rng.random(n // 2)[groups] < share, rng.random(n) < share).astype(int)
    effect = rng.normal(size=n // 2)[groups] * 0.7
    p = np.round(1 / (1 + np.exp(-(gap * (2 * y - 1) + effect + rng.normal(size=n)))), digits)
    q = np.round(1 / (1 + np.exp(-(0.8 * gap * (2 * y - 1) + effect + rng.normal(size=n)))), digits)
    threshold = 0.45
    right = p >= threshold
    return {
        "y": y.tolist(),
        "p": p.tolist(),
        "q": q.tolist(),
        "groups": groups.tolist(),
        "proc": proc(y, p, q),
        "challenge": challenge(y, p),
        "challengeAt90": challenge(y, p, 0.9),
        "averagePrecision": sk.average_precision_score(y, p),
        "clusteredVariance": obuchowski(y, p, groups),
        "positiveShare": rao_scott(right.astype(int), groups),
        "brier": brier_parts(y, p, 10),
        "errors": calibration_errors(y, p, 10),
        "errors7": calibration_errors(y, p, 7),
        "calibration": calibration(y, p),
        "netBenefit": [net_benefit(y, p, t) for t in (0.05, 0.2, 0.5, 0.9)],
        "netBenefitAt": [net_benefit(y, p, t, 0.02) for t in (0.01, 0.05, 0.2)],
        "threshold": threshold,
        "rates": rates(
            int(((p >= threshold) & (y == 1)).sum()),
            int(((p >= threshold) & (y == 0)).sum()),
            int(((p < threshold) & (y == 0)).sum()),
            int(((p < threshold) & (y == 1)).sum()),
            0.03,
        ),
    }


def half_width_size(k, n):
    width = lambda size: np.diff(proportion_confint(k / n * size, size, method="wilson"))[0]
    return optimize.brentq(lambda size: width(size) - width(n) / 2, n, 100 * n, xtol=1e-9)


def n_minus_1(a, m, b, n):
    z, _ = proportions_ztest([a, b], [m, n])
    return 2 * stats.norm.sf(abs(z) * np.sqrt((m + n - 1) / (m + n)))


def plain(value):
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def main():
    rng = np.random.default_rng(20240611)
    p_values = np.round(np.concatenate([rng.random(9) ** 3, [0.01, 0.01, 0.0, 1.0]]), 6)
    values = {
        "madeWith": {
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "sklearn": sklearn.__version__,
            "statsmodels": statsmodels.__version__,
            "pROC": "1.18.0",
        },
        "scored": {
            "few": scored(rng, 60, 0.4, 0.5, 4),
            "rare positives": scored(rng, 200, 0.15, 0.9, 5),
            "many ties": scored(rng, 120, 0.5, 0.6, 1),
        },
        "classes": {
            "two": classes(rng, 40, 2),
            "seven": classes(rng, 90, 7),
            "nine, few examples": classes(rng, 12, 9),
        },
        "twoSidedP": [[z, 2 * stats.norm.sf(z)] for z in (0.0, 0.1, 1.0, 1.96, 2.4, 2.5, 2.51, 2.6, 4.0, 8.0, 30.0)],
        "adjusted": {
            "pValues": p_values,
            "holm": multipletests(p_values, method="holm")[1],
            "benjaminiHochberg": multipletests(p_values, method="fdr_bh")[1],
        },
        "proportions": [[*c, n_minus_1(*c)] for c in [(18, 20, 70, 100), (5, 20, 9, 80), (20, 20, 80, 100), (40, 90, 41, 92)]],
        "halfWidth": [[k, n, half_width_size(k, n)] for k, n in [(19, 20), (80, 100), (0, 30), (50, 100), (999, 1000)]],
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(plain(values), separators=(",", ":")) + "\n")


main()
