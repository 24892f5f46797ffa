import { type Metric, ratio } from './metric.ts';

/** The step of float32 at 1: probabilities are kept this far from 0 and 1, where the logarithm would be infinite. */
const EPSILON = 2 ** -23;

/**
 * Mean of −ln p(true class), in nats. Probabilities are clipped to [2⁻²³, 1 − 2⁻²³] and each row divided by its sum.
 *
 * @param probabilities [n × classes], row-major
 * @param targets [n], class indices
 * @returns undefined without examples
 */
export function logLoss(probabilities: ArrayLike<number>, targets: ArrayLike<number>, classes: number): Metric {
  let loss = 0;
  for (let i = 0; i < targets.length; i++) {
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += clip(probabilities[i * classes + c]!);
    loss -= Math.log(clip(probabilities[i * classes + targets[i]!]!) / sum);
  }
  return ratio(loss, targets.length, 'no examples');
}

function clip(p: number): number {
  return Math.min(Math.max(p, EPSILON), 1 - EPSILON);
}
