/**
 * The priors that make the decision at temperature T the one at temperature 1. There p_c becomes p_c^(1/T) / Σ, so
 *
 *     argmax p_c / π_c  =  argmax (p_c / π_c)^(1/T)  =  argmax p_c(T) / π_c^(1/T):
 *
 * raised to the power 1/T the priors name the same class for the same image, while with π itself a T above 1 would pull
 * every answer towards the rare classes. Exact for one view of an image; of a mean over views the last word is the mean's.
 *
 * @param priors [C], above 0
 * @returns [C], above 0, adding up to 1
 */
export function temperedPriors(priors: readonly number[], temperature: number): number[] {
  if (temperature === 1) return [...priors];
  const powers = priors.map((p) => p ** (1 / temperature));
  const total = powers.reduce((a, b) => a + b, 0);
  // Far below any ratio of two probabilities in float32, and above 0.
  return powers.map((p) => Math.max(p / total, Number.MIN_VALUE));
}
