import { UsageError } from '../core/errors.ts';
import { type Interval, type Metric, ratio } from './metric.ts';
import { descending, type Positives } from './ranking.ts';
import { checkProbabilities } from './scored.ts';
import { wilsonInterval } from './wilson.ts';

export interface BinOptions {
  /** How many bins. Default 10. */
  readonly bins?: number;
  /**
   * `width`: the k-th bin is ((k − 1)/bins, k/bins], the first with 0. `mass`: as many examples in each as can be without
   * parting equal probabilities. Default `width`.
   */
  readonly binning?: 'width' | 'mass';
}

/** One bin of a reliability curve that has examples. */
export interface ReliabilityBin {
  /** Lower and upper end: of the bin (`width`), or of the probabilities in it (`mass`). */
  readonly range: Interval;
  readonly n: number;
  readonly positives: number;
  /** Mean predicted probability. */
  readonly predicted: number;
  /** positives / n. */
  readonly observed: number;
  /** 95 %, Wilson. */
  readonly observed95: Interval;
}

/**
 * Predicted against observed frequency, in bins; those without examples are left out.
 *
 * @param probabilities [n], of the positive answer, in [0, 1]
 * @param positives [n]
 * @returns ascending; none without examples
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a probability is not in [0, 1]
 * @throws {UsageError} if there is not at least one bin
 * @see Murphy & Winkler 1977, doi:10.2307/2346866; Bröcker & Smith 2007, doi:10.1175/WAF993.1
 */
export function reliabilityCurve(
  probabilities: ArrayLike<number>,
  positives: Positives,
  options: BinOptions = {},
): ReliabilityBin[] {
  checkProbabilities('reliabilityCurve', probabilities, positives);
  const { bins = 10, binning = 'width' } = options;
  return binsOf(probabilities, options).map(({ index, rows }) => {
    const n = rows.length;
    const found = rows.reduce((sum, row) => sum + (positives[row] ? 1 : 0), 0);
    const observed95 = wilsonInterval(found, n);
    const ends = [probabilities[rows[0]!]!, probabilities[rows.at(-1)!]!] as const;
    return {
      range: binning === 'width' ? [index / bins, (index + 1) / bins] : ends,
      n,
      positives: found,
      predicted: rows.reduce((sum, row) => sum + probabilities[row]!, 0) / n,
      observed: found / n,
      observed95: 'undefined' in observed95 ? [0, 1] : observed95,
    };
  });
}

/**
 * Expected calibration error: Σ_bins n_b/n · |observed_b − predicted_b|. With `binning: 'mass'` the adaptive one. It
 * depends on the number of bins, and grows above 0 by chance alone where examples are few: compare it between models on the
 * same examples only.
 *
 * For more than two classes give it `topLabel`.
 *
 * @param probabilities [n], in [0, 1]
 * @param positives [n]
 * @returns in [0, 1]; undefined without examples
 * @throws as `reliabilityCurve`
 * @see Naeini et al. 2015, doi:10.1609/aaai.v29i1.9602; Nguyen & O'Connor 2015, doi:10.18653/v1/D15-1182 (equal mass);
 *   Guo et al. 2017, arXiv:1706.04599 (of the top label)
 */
export function calibrationError(
  probabilities: ArrayLike<number>,
  positives: Positives,
  options: BinOptions = {},
): Metric {
  const curve = reliabilityCurve(probabilities, positives, options);
  return ratio(
    curve.reduce((sum, bin) => sum + bin.n * Math.abs(bin.observed - bin.predicted), 0),
    probabilities.length,
    'no examples',
  );
}

/**
 * The most probable class of each example as a yes-or-no question: how probable it was held to be, and whether it was right.
 *
 * @param probabilities [n × classes], row-major
 * @param targets [n]
 */
export function topLabel(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  classes: number,
): { probabilities: Float64Array; positives: Uint8Array } {
  const n = targets.length;
  const top = new Float64Array(n);
  const right = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++) {
      if (probabilities[i * classes + c]! > probabilities[i * classes + best]!) best = c;
    }
    top[i] = Math.min(1, probabilities[i * classes + best]!);
    right[i] = Number(best === targets[i]);
  }
  return { probabilities: top, positives: right };
}

/** Examples of each bin that has some, by ascending probability. */
export function binsOf(
  probabilities: ArrayLike<number>,
  { bins = 10, binning = 'width' }: BinOptions,
): { index: number; rows: number[] }[] {
  if (!(Number.isInteger(bins) && bins > 0)) {
    throw new UsageError('evaluate/bins', `calibration: expected bins ≥ 1, got ${bins}`);
  }
  const order = descending(probabilities).reverse();
  const n = order.length;
  const found = new Map<number, number[]>();
  for (let start = 0; start < n; ) {
    const p = probabilities[order[start]!]!;
    let end = start + 1;
    while (end < n && probabilities[order[end]!] === p) end++;
    // Equal probabilities go together, to where their middle one belongs: the order of examples must not matter.
    const index =
      binning === 'width' ? Math.max(0, Math.ceil(p * bins) - 1) : Math.floor((((start + end) / 2) * bins) / n);
    const rows = found.get(index);
    const fresh = [...order.subarray(start, end)];
    if (rows === undefined) found.set(index, fresh);
    else for (const row of fresh) rows.push(row);
    start = end;
  }
  return [...found].map(([index, rows]) => ({ index, rows }));
}
