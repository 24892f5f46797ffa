import { NumericError } from '../core/errors.ts';
import type { Taxonomy } from '../dataset/types.ts';
import { fitPlatt } from '../evaluate/calibrate/platt.ts';
import { fitTemperature, probabilitiesAt, type ViewedLogits } from '../evaluate/calibrate/temperature.ts';
import { isUndefined } from '../evaluate/metric.ts';
import { positiveProbabilities } from '../evaluate/metrics.ts';
import { chooseOperatingPoint, type OperatingRule } from '../evaluate/operating-point.ts';
import type { ImageQuality } from '../model/quality.ts';
import { limitsFor } from '../model/quality.ts';
import type { Settled } from '../model/settled.ts';
import type { Config } from './config.ts';

/** What the trained weights say of the validation images: all that anything is chosen from. */
export interface ValidationAnswers extends ViewedLogits {
  /** [n], true classes. */
  readonly targets: readonly number[];
  /** [n], `outlierScores`; undefined where there are none. */
  readonly oodScores: Float32Array | undefined;
  /** Of some of the images. */
  readonly qualities: readonly ImageQuality[];
}

/**
 * Settles on validation images everything that comes after the weights: the temperature, the threshold of the taxonomy's
 * question, how unlike an image may be and how good it must be. Test images are no argument of this function.
 *
 * @throws {NumericError} without validation images
 */
export function settle(
  validation: ValidationAnswers,
  labels: readonly string[],
  taxonomy: Taxonomy | undefined,
  config: Pick<Config, 'calibration' | 'operatingPoint' | 'oodQuantile'>,
): Settled {
  const { targets, oodScores, qualities } = validation;
  // A split without validation images is refused before training starts.
  if (targets.length === 0) throw new NumericError('train/validation', 'expected validation images, got none');
  const calibrates = config.calibration === 'temperature';
  // Rounded as it stands in the graph.
  const temperature = calibrates ? Math.fround(fitTemperature(validation, targets).temperature) : 1;
  const probabilities = probabilitiesAt(validation, temperature);
  const question = taxonomy && {
    probabilities: positiveProbabilities(labels, taxonomy, probabilities),
    positives: targets.map((t) => taxonomy.positiveLabels.includes(labels[t]!)),
  };
  const platt = calibrates && question !== undefined ? fitPlatt(question.probabilities, question.positives) : undefined;
  const point =
    question && chooseOperatingPoint(question.probabilities, question.positives, ruleOf(config.operatingPoint));
  const n = targets.length;
  return {
    ...(calibrates ? { calibration: { temperature, ...(platt === undefined ? {} : { platt }), n } } : {}),
    ...(point === undefined || isUndefined(point)
      ? {}
      : {
          operatingPoint: {
            threshold: point.threshold,
            rule: point.rule,
            sensitivity: point.sensitivity,
            specificity: point.specificity,
            n,
            nPositive: point.nPositive,
          },
        }),
    ...(oodScores === undefined || config.oodQuantile === null
      ? {}
      : { ood: { threshold: quantile(oodScores, config.oodQuantile), quantile: config.oodQuantile, n } }),
    quality: limitsFor(qualities),
  };
}

/** What was settled, for people. */
export function describeSettled(
  { calibration, operatingPoint }: Settled,
  n: number,
  taxonomy: Taxonomy | undefined,
): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const parts = [
    calibration === undefined ? 'probabilities as trained' : `temperature ${calibration.temperature.toFixed(2)}`,
    ...(operatingPoint === undefined || taxonomy === undefined
      ? []
      : [
          `${taxonomy.positive} from ${operatingPoint.threshold.toFixed(3)} (there sensitivity ${percent(operatingPoint.sensitivity)}, specificity ${percent(operatingPoint.specificity)})`,
        ]),
  ];
  return `settled on ${n} validation images: ${parts.join(', ')}`;
}

function ruleOf(point: Config['operatingPoint']): OperatingRule {
  switch (point.rule) {
    case 'sensitivity':
      return { kind: 'sensitivity', atLeast: point.target };
    case 'youden':
      return { kind: 'youden' };
    case 'cost':
      return { kind: 'cost', missed: point.falseNegative, falseAlarm: 1 };
  }
}

/** The least score that a share of them is at or below, and a hair more, for another runtime's rounding. */
function quantile(scores: Float32Array, share: number): number {
  const sorted = scores.slice().sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]! * (1 + 1e-4);
}
