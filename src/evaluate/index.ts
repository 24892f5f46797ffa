export { auc, oneVsRestAuc } from './auc.ts';
export { averagePrecision } from './average-precision.ts';
export { type BinaryMetrics, type BinaryPredictions, evaluateBinary } from './binary.ts';
export { type BootstrapOptions, bootstrapInterval } from './bootstrap.ts';
export {
  accuracyOf,
  balancedAccuracyOf,
  type ClassRates,
  type ConfusionMatrix,
  classRatesOf,
  confusionMatrix,
} from './confusion.ts';
export { type AucVariance, deLong, deLongInterval95 } from './delong.ts';
export { logLoss } from './log-loss.ts';
export {
  type Interval,
  type IntervalMetric,
  isDefined,
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
export {
  type PredictedExample,
  type Predictions,
  type ReadPredictions,
  readPredictions,
  writePredictions,
} from './predictions.ts';
export { type RocPoint, rocCurve } from './roc.ts';
export { wilsonInterval } from './wilson.ts';
