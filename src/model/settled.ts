/** What is settled on validation images after training, and kept in the model's file. */
import { z } from 'zod';
import type { Platt } from '../evaluate/calibrate/platt.ts';
import type { OperatingRule } from '../evaluate/operating-point.ts';
import type { QualityLimits } from './quality.ts';

/** How logits become probabilities. */
export interface Calibration {
  /** The graph divides the logits by it before the softmax. */
  readonly temperature: number;
  /** From the graph's probability of the positive answer to a calibrated one. Default: there is none. */
  readonly platt?: Platt | undefined;
  /** Validation images that it was fitted to. */
  readonly n: number;
}

/** Where the probability of the positive answer becomes a yes. */
export interface ModelOperatingPoint {
  /** The answer is positive at this probability or above. */
  readonly threshold: number;
  readonly rule: OperatingRule;
  /** What it achieved on the validation images that it was chosen on: optimistic. */
  readonly sensitivity: number;
  readonly specificity: number;
  /** Validation images, and how many of them were positive. */
  readonly n: number;
  readonly nPositive: number;
}

/** Above which `ood_score` an image is unlike the training images. */
export interface OodLimit {
  readonly threshold: number;
  /** Share of the validation images at or below the threshold. */
  readonly quantile: number;
  /** Validation images that it was chosen on. */
  readonly n: number;
}

/** Everything that validation images settle; what is undefined was not asked for, or could not be said. */
export interface Settled {
  /** Default: the logits as they are. */
  readonly calibration?: Calibration | undefined;
  /** Default: probabilities are given without a yes or no. */
  readonly operatingPoint?: ModelOperatingPoint | undefined;
  /** Default: the graph has no such output, and nothing is refused for being unlike. */
  readonly ood?: OodLimit | undefined;
  /** Default: `QUALITY_LIMITS`. */
  readonly quality?: QualityLimits | undefined;
}

const share = z.number().min(0).max(1);
const rule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sensitivity'), atLeast: share }),
  z.object({ kind: z.literal('youden') }),
  z.object({
    kind: z.literal('cost'),
    missed: z.number().positive(),
    falseAlarm: z.number().positive(),
    prevalence: share.optional(),
  }),
]);

export const calibrationSchema = z.object({
  temperature: z.number().positive(),
  platt: z.object({ slope: z.number().positive(), intercept: z.number() }).optional(),
  n: z.int().min(1),
});
export const operatingPointSchema = z.object({
  threshold: share,
  rule,
  sensitivity: share,
  specificity: share,
  n: z.int().min(1),
  nPositive: z.int().min(1),
});
export const oodSchema = z.object({ threshold: z.number().min(0), quantile: share, n: z.int().min(1) });
export const qualitySchema = z.object({
  minSide: z.number(),
  minSharpness: z.number(),
  minBrightness: z.number(),
  maxBrightness: z.number(),
  minContrast: z.number(),
  minSkin: z.number(),
});
