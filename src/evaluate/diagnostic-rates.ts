import { type Counts, checkCounts } from './counts.ts';
import { type Estimate, type IntervalMetric, type Metric, minus, ratio, undefinedBecause } from './metric.ts';
import { checkPrevalence } from './scored.ts';
import { wilsonInterval, Z95 } from './wilson.ts';

/** What a 2 × 2 table says. Every interval is 95 %. */
export interface DiagnosticRates {
  readonly counts: Counts;
  readonly n: number;
  /** Share of positives in the data. Wilson. */
  readonly prevalence: Estimate;
  /** TP / (TP + FN). Wilson. */
  readonly sensitivity: Estimate;
  /** TN / (TN + FP). Wilson. */
  readonly specificity: Estimate;
  /** TP / (TP + FP), at the prevalence of the data. Wilson. */
  readonly ppv: Estimate;
  /** TN / (TN + FN), at the prevalence of the data. Wilson. */
  readonly npv: Estimate;
  /** sensitivity / (1 − specificity). Log method. */
  readonly positiveLikelihoodRatio: Estimate;
  /** (1 − sensitivity) / specificity. Log method. */
  readonly negativeLikelihoodRatio: Estimate;
  /** (TP + TN) / n. Wilson. */
  readonly accuracy: Estimate;
  /** (sensitivity + specificity) / 2. */
  readonly balancedAccuracy: Metric;
  /** sensitivity + specificity − 1. */
  readonly youden: Metric;
}

/** Predictive values where another share of lesions is positive. */
export interface PredictiveValues {
  readonly prevalence: number;
  readonly ppv: Estimate;
  readonly npv: Estimate;
}

/**
 * Rates of a 2 × 2 table with 95 % intervals. Wilson's take examples as independent; for several images of one lesion see
 * `clusteredProportion`. Likelihood ratios by the log method: with p₁ = a/m, p₂ = b/n,
 *
 *     LR = p₁ / p₂,   LR · exp(± 1.96 √(1/a − 1/m + 1/b − 1/n))
 *
 * where LR+ has a/m = TP/positives, b/n = FP/negatives and LR− has FN/positives, TN/negatives. With b = 0 the ratio is
 * infinite, so undefined; with a = 0 it is 0, and only its interval undefined.
 *
 * @throws {DataError} if a count is negative
 * @see Wilson 1927, doi:10.1080/01621459.1927.10502953; Simel et al. 1991, doi:10.1016/0895-4356(91)90128-V
 */
export function diagnosticRates(counts: Counts): DiagnosticRates {
  checkCounts('diagnosticRates', counts);
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = counts;
  const positives = truePositives + falseNegatives;
  const negatives = trueNegatives + falsePositives;
  const n = positives + negatives;
  const sensitivity = proportion(truePositives, positives, 'no positive example');
  const specificity = proportion(trueNegatives, negatives, 'no negative example');
  const youden = minus(sensitivity.value, minus(1, specificity.value));
  return {
    counts,
    n,
    prevalence: proportion(positives, n, 'no examples'),
    sensitivity,
    specificity,
    ppv: proportion(truePositives, truePositives + falsePositives, 'nothing was called positive'),
    npv: proportion(trueNegatives, trueNegatives + falseNegatives, 'nothing was called negative'),
    positiveLikelihoodRatio: likelihoodRatio(
      [truePositives, positives],
      [falsePositives, negatives],
      'no false positive: the ratio is infinite',
    ),
    negativeLikelihoodRatio: likelihoodRatio(
      [falseNegatives, positives],
      [trueNegatives, negatives],
      'no true negative: the ratio is infinite',
    ),
    accuracy: proportion(truePositives + trueNegatives, n, 'no examples'),
    balancedAccuracy: typeof youden === 'number' ? (youden + 1) / 2 : youden,
    youden,
  };
}

/**
 * PPV and NPV for a population of which a given share is positive, by Bayes from sensitivity Se and specificity Sp:
 *
 *     PPV = Se π / (Se π + (1 − Sp)(1 − π))      NPV = Sp (1 − π) / (Sp (1 − π) + (1 − Se) π)
 *
 * Intervals on the logit scale (delta method), the prevalence taken as known:
 *
 *     var logit PPV = (1 − Se)/(Se m) + Sp/((1 − Sp) n)      var logit NPV = Se/((1 − Se) m) + (1 − Sp)/(Sp n)
 *
 * Where a cell that is divided by is 0, the interval is made from adjusted counts, (TP + z²/2) of (m + z²) and so on,
 * and widened to hold the value.
 *
 * @param prevalence π, in (0, 1): of the clinic that the model is meant for
 * @throws {DataError} if a count is negative or the prevalence out of range
 * @see Mercaldo, Lau & Zhou 2007, doi:10.1002/sim.2677
 */
export function predictiveValuesAt(counts: Counts, prevalence: number): PredictiveValues {
  checkCounts('predictiveValuesAt', counts);
  checkPrevalence('predictiveValuesAt', prevalence);
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = counts;
  const positives = truePositives + falseNegatives;
  const negatives = trueNegatives + falsePositives;
  if (positives === 0 || negatives === 0) {
    const lack = undefinedBecause(positives === 0 ? 'no positive example' : 'no negative example');
    const nothing = { value: lack, interval95: lack };
    return { prevalence, ppv: nothing, npv: nothing };
  }
  // An answer is right in `share` of those for whom it is right to give it, and wrong in `errors` of the others.
  return {
    prevalence,
    ppv: predictiveValue([truePositives, positives], [falsePositives, negatives], prevalence, 'positive'),
    npv: predictiveValue([trueNegatives, negatives], [falseNegatives, positives], 1 - prevalence, 'negative'),
  };
}

type Share = readonly [count: number, of: number];

function predictiveValue(right: Share, wrong: Share, prevalence: number, answer: string): Estimate {
  const share = right[0] / right[1];
  const errors = wrong[0] / wrong[1];
  const value = ratio(
    share * prevalence,
    share * prevalence + errors * (1 - prevalence),
    `nothing was called ${answer}`,
  );
  if (typeof value !== 'number') return { value, interval95: value };
  if (share > 0 && errors > 0) return { value, interval95: logitInterval(right, wrong, prevalence) };
  const [low, high] = logitInterval(adjusted(right), adjusted(wrong), prevalence);
  return { value, interval95: [Math.min(low, value), Math.max(high, value)] };
}

function adjusted([count, of]: Share): Share {
  return [count + (Z95 * Z95) / 2, of + Z95 * Z95];
}

function logitInterval(right: Share, wrong: Share, prevalence: number): [low: number, high: number] {
  const share = right[0] / right[1];
  const errors = wrong[0] / wrong[1];
  const logit = Math.log((share * prevalence) / (errors * (1 - prevalence)));
  const half = Z95 * Math.sqrt((1 - share) / (share * right[1]) + (1 - errors) / (errors * wrong[1]));
  return [1 / (1 + Math.exp(half - logit)), 1 / (1 + Math.exp(-half - logit))];
}

function proportion(successes: number, n: number, reason: string): Estimate {
  return {
    value: ratio(successes, n, reason),
    interval95: n === 0 ? undefinedBecause(reason) : wilsonInterval(successes, n),
  };
}

function likelihoodRatio([a, m]: Share, [b, n]: Share, reason: string): Estimate {
  const lack = m === 0 ? 'no positive example' : n === 0 ? 'no negative example' : b === 0 ? reason : undefined;
  if (lack !== undefined) return { value: undefinedBecause(lack), interval95: undefinedBecause(lack) };
  const value = a / m / (b / n);
  const half = Z95 * Math.sqrt(1 / a - 1 / m + 1 / b - 1 / n);
  const interval95: IntervalMetric =
    a === 0
      ? undefinedBecause('the ratio is 0, and the log method has no interval for it')
      : [value * Math.exp(-half), value * Math.exp(half)];
  return { value, interval95 };
}
