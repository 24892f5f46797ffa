/** Numbers of a graph as functions of its free sizes, found from their values at a few sizes. */

/**
 * Sizes at which a graph is looked at. Of each free size there are two, `low` and `high`; a case is one of all 2^s
 * combinations, and bit i of its index says which of the two the i-th free size has. Further cases only check.
 */
export interface Cases {
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Sizes at each check. */
  readonly checks: readonly (readonly number[])[];
}

/** The sizes of every case: the combinations, then the checks. */
export function sizesOf({ low, high, checks }: Cases): number[][] {
  const combinations = Array.from({ length: 2 ** low.length }, (_, mask) =>
    low.map((size, i) => ((mask >> i) & 1 ? high[i]! : size)),
  );
  return [...combinations, ...checks.map((c) => [...c])];
}

/** factor · Π sizes: the i-th free size occurs where bit i of `sizes` is set. */
export interface Term {
  readonly factor: number;
  readonly sizes: number;
}

/**
 * A whole number as Σ factor · Π sizes, each size at most once in a product, all factors whole.
 *
 * @param values at every case
 * @returns terms without zeros; none for 0; undefined where there is no such sum
 */
export function fitSum(values: readonly number[], cases: Cases): Term[] | undefined {
  const { low, high } = cases;
  const coefficients = values.slice(0, 2 ** low.length);
  // Along one free size after the other, two values become intercept and slope.
  for (const [i, from] of low.entries()) {
    for (let mask = 0; mask < coefficients.length; mask++) {
      const other = mask | (1 << i);
      if (other === mask) continue;
      const slope = (coefficients[other]! - coefficients[mask]!) / (high[i]! - from);
      coefficients[mask] = coefficients[mask]! - slope * from;
      coefficients[other] = slope;
    }
  }
  if (!coefficients.every(Number.isInteger)) return undefined;
  const terms = coefficients.map((factor, sizes) => ({ factor, sizes })).filter(({ factor }) => factor !== 0);
  const fits = sizesOf(cases).every((sizes, i) => sumAt(terms, sizes) === values[i]);
  return fits ? terms : undefined;
}

function sumAt(terms: readonly Term[], at: readonly number[]): number {
  return terms.reduce(
    (sum, { factor, sizes }) => sum + at.reduce((p, size, i) => ((sizes >> i) & 1 ? p * size : p), factor),
    0,
  );
}

/** factor · Π sizeᵢ ^ powerᵢ */
export interface Power {
  readonly factor: number;
  readonly powers: readonly number[];
}

/** Values are float32. */
const TOLERANCE = 1e-6;

/** A number such as 1 / (N · 49) or √N: powers are multiples of a half. Undefined where there are none. */
export function fitPower(values: readonly number[], cases: Cases): Power | undefined {
  const { low, high } = cases;
  const [first] = values;
  if (first === undefined || first === 0 || values.some((v) => Math.sign(v) !== Math.sign(first))) return undefined;
  const powers = low.map((size, i) => {
    const power = Math.log(values[1 << i]! / first) / Math.log(high[i]! / size);
    return Math.round(power * 2) / 2;
  });
  const product = (at: readonly number[]): number => at.reduce((p, size, i) => p * size ** powers[i]!, 1);
  const factor = first / product(low);
  const fits = sizesOf(cases).every((sizes, i) => {
    const expected = factor * product(sizes);
    return Math.abs(values[i]! - expected) <= TOLERANCE * Math.abs(expected);
  });
  return fits ? { factor, powers } : undefined;
}
