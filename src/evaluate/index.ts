export { cohenKappa, type F1Scores, f1Scores, type KappaWeights, matthewsCorrelation } from './agreement.ts';
export { auc, oneVsRestAuc } from './auc.ts';
export { averagePrecision } from './average-precision.ts';
export { type BinaryMetrics, type BinaryPredictions, evaluateBinary } from './binary.ts';
export {
  type BootstrapOptions,
  bootstrapDifference,
  bootstrapInterval,
  type PairedDifference,
  type ResamplingOptions,
} from './bootstrap.ts';
export { clusteredProportion } from './clustered-proportion.ts';
export {
  accuracyOf,
  balancedAccuracyOf,
  type ClassRates,
  type ConfusionMatrix,
  classRatesOf,
  confusionMatrix,
} from './confusion.ts';
export { type Counts, countsAt } from './counts.ts';
export { type AucVariance, deLong, deLongInterval95 } from './delong.ts';
export { type AucComparison, deLongTest } from './delong-test.ts';
export {
  type DiagnosticRates,
  diagnosticRates,
  type PredictiveValues,
  predictiveValuesAt,
} from './diagnostic-rates.ts';
export type { Groups } from './groups.ts';
export { logLoss } from './log-loss.ts';
export {
  type Estimate,
  type Interval,
  type IntervalMetric,
  isDefined,
  isUndefined,
  type Metric,
  type Undefined,
} from './metric.ts';
export {
  type ClassMetrics,
  evaluatePredictions,
  type LabelledPredictions,
  type Metrics,
  positiveProbabilities,
} from './metrics.ts';
export { chooseOperatingPoint, type OperatingPoint, type OperatingRule } from './operating-point.ts';
export { partialAuc } from './partial-auc.ts';
export {
  type PredictedExample,
  type Predictions,
  type ReadPredictions,
  readPredictions,
  writePredictions,
} from './predictions.ts';
export { type RocPoint, rocCurve } from './roc.ts';
export { wilsonInterval } from './wilson.ts';
