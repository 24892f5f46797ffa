import type { Taxonomy } from '../dataset/types.ts';
import { brierScore, brierScoreOfClasses } from '../evaluate/brier.ts';
import { applyPlatt } from '../evaluate/calibrate/platt.ts';
import { probabilitiesAt, type ViewedLogits } from '../evaluate/calibrate/temperature.ts';
import { calibrationLine } from '../evaluate/calibration-line.ts';
import { logLoss } from '../evaluate/log-loss.ts';
import type { Estimate, Metric } from '../evaluate/metric.ts';
import { positiveProbabilities } from '../evaluate/metrics.ts';
import { calibrationError, topLabel } from '../evaluate/reliability.ts';
import type { Calibration } from '../model/settled.ts';

/** How far the probabilities of all classes are from what happens. */
export interface ClassCalibration {
  /** Nats. */
  readonly logLoss: Metric;
  /** Of several classes, in [0, 2]. */
  readonly brier: Metric;
  /** Of the most probable class; 15 bins of equal width, and of equal size. */
  readonly ece: Metric;
  readonly adaptiveEce: Metric;
}

/** How far the probability of the positive answer is from what happens. */
export interface QuestionCalibration extends ClassCalibration {
  /** Perfect: 1, and 0 for both intercepts. */
  readonly slope: Estimate;
  readonly intercept: Estimate;
  readonly interceptAtSlope1: Estimate;
}

/** Content of `calibration.json`. */
export interface CalibrationReport {
  readonly schemaVersion: 1;
  readonly n: number;
  /** Fitted to the validation images; null where probabilities are as trained. */
  readonly fitted: Calibration | null;
  readonly before: ClassCalibration;
  readonly after: ClassCalibration;
  /** The taxonomy's question: as trained, at the temperature, and after Platt scaling on top of it. */
  readonly question?: {
    readonly name: string;
    readonly before: QuestionCalibration;
    readonly after: QuestionCalibration;
    readonly platt?: QuestionCalibration;
  };
}

const BINS = 15;

/** Calibration before and after, on examples that it was not fitted to or, for comparison, on those that it was. */
export function calibrationReport(
  answers: ViewedLogits & { readonly targets: readonly number[] },
  labels: readonly string[],
  taxonomy: Taxonomy | undefined,
  fitted: Calibration | undefined,
): CalibrationReport {
  const { targets, classes } = answers;
  const [before, after] = [probabilitiesAt(answers), probabilitiesAt(answers, fitted?.temperature ?? 1)];
  const ofClasses = (probabilities: Float32Array): ClassCalibration => {
    const top = topLabel(probabilities, targets, classes);
    return {
      logLoss: logLoss(probabilities, targets, classes),
      brier: brierScoreOfClasses(probabilities, targets, classes),
      ece: calibrationError(top.probabilities, top.positives, { bins: BINS }),
      adaptiveEce: calibrationError(top.probabilities, top.positives, { bins: BINS, binning: 'mass' }),
    };
  };
  const report = {
    schemaVersion: 1,
    n: targets.length,
    fitted: fitted ?? null,
    before: ofClasses(before),
    after: ofClasses(after),
  } as const;
  if (taxonomy === undefined) return report;
  const positives = targets.map((t) => taxonomy.positiveLabels.includes(labels[t]!));
  const ofQuestion = (p: Float64Array): QuestionCalibration => ({
    logLoss: logLoss(
      [...p].flatMap((q) => [1 - q, q]),
      positives.map(Number),
      2,
    ),
    brier: brierScore(p, positives),
    ece: calibrationError(p, positives, { bins: BINS }),
    adaptiveEce: calibrationError(p, positives, { bins: BINS, binning: 'mass' }),
    ...calibrationLine(p, positives),
  });
  const scores = positiveProbabilities(labels, taxonomy, after);
  const { platt } = fitted ?? {};
  return {
    ...report,
    question: {
      name: taxonomy.positive,
      before: ofQuestion(positiveProbabilities(labels, taxonomy, before)),
      after: ofQuestion(scores),
      ...(platt === undefined ? {} : { platt: ofQuestion(scores.map((p) => applyPlatt(platt, p))) }),
    },
  };
}
