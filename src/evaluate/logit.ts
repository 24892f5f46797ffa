/** Probabilities are kept this far from 0 and 1, where the logit is infinite: the step of float32 at 1. */
const EPSILON = 2 ** -23;

/** ln(p / (1 − p)) of a probability, clipped to [2⁻²³, 1 − 2⁻²³]. */
export function logit(p: number): number {
  const kept = Math.min(Math.max(p, EPSILON), 1 - EPSILON);
  return Math.log(kept / (1 - kept));
}
