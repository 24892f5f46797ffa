import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { DataError, messageOf } from '../core/errors.ts';

const metric = z.union([z.number(), z.object({ undefined: z.string() })]);
const interval = z.union([z.tuple([z.number(), z.number()]), z.object({ undefined: z.string() })]);

const estimate = z.object({ value: metric, interval95: interval });

/** What a threshold chosen on validation came to. */
const point = z.object({
  threshold: z.number(),
  counts: z.object({
    truePositives: z.int(),
    falsePositives: z.int(),
    trueNegatives: z.int(),
    falseNegatives: z.int(),
  }),
  sensitivity: estimate,
  specificity: estimate,
});

const question = z.object({
  name: z.string(),
  positiveLabels: z.array(z.string()),
  n: z.int(),
  nPositive: z.int(),
  auc: metric,
  auc95: interval,
  auc95Grouped: interval.optional(),
  averagePrecision: metric,
  threshold: z.number(),
  truePositives: z.int(),
  falsePositives: z.int(),
  trueNegatives: z.int(),
  falseNegatives: z.int(),
  sensitivity: metric,
  sensitivity95: interval,
  specificity: metric,
  specificity95: interval,
  operatingPoint: point.optional(),
});

/** Where a threshold was chosen on validation, the figures that depend on one are those at it. */
const binary = question.transform(({ operatingPoint: chosen, ...rest }) =>
  chosen === undefined
    ? { ...rest, chosen: false }
    : {
        ...rest,
        ...chosen.counts,
        chosen: true,
        threshold: chosen.threshold,
        sensitivity: chosen.sensitivity.value,
        sensitivity95: chosen.sensitivity.interval95,
        specificity: chosen.specificity.value,
        specificity95: chosen.specificity.interval95,
      },
);

const metricsSchema = z.object({
  schemaVersion: z.literal(1),
  n: z.int(),
  nGroups: z.int(),
  labels: z.array(z.string()).min(2),
  confusionMatrix: z.array(z.array(z.int())),
  accuracy: metric,
  balancedAccuracy: metric,
  balancedAccuracy95: interval,
  macroAuc: metric,
  logLoss: metric,
  perClass: z.array(
    z.object({
      label: z.string(),
      n: z.int(),
      sensitivity: metric,
      specificity: metric,
      precision: metric,
      auc: metric,
    }),
  ),
  malignant: binary.optional(),
});

/** `metrics.json` as a report needs it. What newer versions add is ignored. */
export type ReportedMetrics = z.infer<typeof metricsSchema>;

/** @throws {DataError} the file cannot be read, or is not the metrics of a run */
export function readMetrics(path: string): ReportedMetrics {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new DataError('report/metrics', `${path}: expected metrics of a run: ${messageOf(error)}`);
  }
  const result = metricsSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new DataError(
    'report/metrics',
    `${path}: expected metrics of a run, got ${issue === undefined ? 'something else' : `${issue.path.join('.')}: ${issue.message}`}`,
  );
}
