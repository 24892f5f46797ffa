/**
 * Two-sided p of a standard normal z: P(|Z| ≥ |z|) = erfc(|z| / √2), to about 14 digits, in the far tail too.
 *
 * Below |z| = 2.5 by the series of erf, above by the continued fraction of erfc.
 *
 * @see Abramowitz & Stegun 1964, 7.1.6 and 7.1.14
 */
export function twoSidedP(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const density = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 1.77) {
    // erf x = 2/√π · e^{−x²} · Σ_k 2^k x^{2k+1} / (1 · 3 · … · (2k + 1))
    let term = x;
    let sum = 0;
    for (let k = 1; term > 1e-18; k++) {
      sum += term;
      term *= (2 * x * x) / (2 * k + 1);
    }
    return 1 - 2 * density * sum;
  }
  // erfc x = e^{−x²}/√π · 1 / (x + (1/2) / (x + (2/2) / (x + (3/2) / (x + …))))
  let tail = x;
  for (let k = 120; k > 0; k--) tail = x + k / 2 / tail;
  return density / tail;
}
