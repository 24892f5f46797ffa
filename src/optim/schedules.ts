/** Learning rate as a function of the step, relative to its peak of 1. */

/**
 * One cycle: a cosine rise from 1 / startDiv to 1 over the first part, then a cosine fall to 1 / endDiv.
 *
 * @param step 0 … steps − 1
 * @param options.warm share of steps in the rise, in (0, 1). Default 0.3
 * @see Smith and Topin 2018, arXiv:1708.07120; the cosine form of PyTorch's OneCycleLR
 */
export function oneCycle(step: number, steps: number, { warm = 0.3, startDiv = 25, endDiv = 1e4 } = {}): number {
  const top = Math.max(1, warm * steps - 1);
  const cosine = (from: number, to: number, share: number): number =>
    to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
  if (step <= top) return cosine(1 / startDiv, 1, step / top);
  return cosine(1, 1 / (startDiv * endDiv), Math.min(1, (step - top) / Math.max(1, steps - 1 - top)));
}

/**
 * Half a cosine from 1 down to `end`, after a straight rise over the first part.
 *
 * @param step 0 … steps − 1
 * @param options.warm share of steps in the rise, in [0, 1). Default 0: none
 * @param options.end what is left after the last step, in [0, 1]. Default 0
 * @see Loshchilov and Hutter 2017, arXiv:1608.03983; without a rise, PyTorch's CosineAnnealingLR
 */
export function cosine(step: number, steps: number, { warm = 0, end = 0 } = {}): number {
  const rise = Math.floor(warm * steps);
  if (step < rise) return (step + 1) / (rise + 1);
  const share = Math.min(1, (step - rise) / (steps - rise));
  return end + ((1 - end) * (1 + Math.cos(Math.PI * share))) / 2;
}

/**
 * `factor` ⌊step / every⌋ times: PyTorch's StepLR.
 *
 * @param options.every steps at one rate, 1 or more
 * @param options.factor in (0, 1]
 */
export function stepDecay(
  step: number,
  { every, factor }: { readonly every: number; readonly factor: number },
): number {
  return factor ** Math.floor(step / every);
}

/** 1 at every step. */
export function constant(): number {
  return 1;
}

/** What a plateau watcher remembers between epochs. */
export interface Plateau {
  readonly best: number;
  /** Epochs since `best` was set. */
  readonly waited: number;
}

export const FRESH_PLATEAU: Plateau = { best: Number.POSITIVE_INFINITY, waited: 0 };

/**
 * Follows a value that should fall. After `patience` epochs in a row without a fall of at least `minDelta` it reports a
 * plateau and starts to count again.
 */
export function watchPlateau(
  { best, waited }: Plateau,
  value: number,
  { patience, minDelta = 1e-4 }: { readonly patience: number; readonly minDelta?: number },
): { readonly state: Plateau; readonly improved: boolean; readonly plateau: boolean } {
  if (value < best - minDelta) return { state: { best: value, waited: 0 }, improved: true, plateau: false };
  const plateau = waited + 1 >= patience;
  return { state: { best, waited: plateau ? 0 : waited + 1 }, improved: false, plateau };
}
