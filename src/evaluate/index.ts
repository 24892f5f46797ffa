export { cohenKappa, type F1Scores, f1Scores, type KappaWeights, matthewsCorrelation } from './agreement.ts';
export { auc, oneVsRestAuc } from './auc.ts';
export { averagePrecision } from './average-precision.ts';
export { bandOf } from './band.ts';
export { type BinaryMetrics, type BinaryPredictions, evaluateBinary } from './binary.ts';
export {
  type BootstrapOptions,
  bootstrapDifference,
  bootstrapInterval,
  type PairedDifference,
  type ResamplingOptions,
} from './bootstrap.ts';
export { type BrierDecomposition, brierDecomposition, brierScore, brierScoreOfClasses } from './brier.ts';
export { type CalibrationLine, calibrationLine } from './calibration-line.ts';
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
export { type DecisionCurveOptions, decisionCurve, type NetBenefit, usefulRange } from './decision-curve.ts';
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
export { adjustPValues, type Correction } from './multiplicity.ts';
export { chooseOperatingPoint, type OperatingPoint, type OperatingRule } from './operating-point.ts';
export { partialAuc } from './partial-auc.ts';
export {
  type PredictedExample,
  type Predictions,
  type ReadPredictions,
  readPredictions,
  writePredictions,
} from './predictions.ts';
export { type BinOptions, calibrationError, type ReliabilityBin, reliabilityCurve, topLabel } from './reliability.ts';
export { type RocPoint, rocCurve } from './roc.ts';
export { type Precision, type PrecisionOptions, precisionOf, precisionOfProportion } from './sample-size.ts';
export {
  type Subgroup,
  type SubgroupFigure,
  type SubgroupInput,
  type SubgroupOptions,
  type SubgroupTable,
  subgroupTable,
} from './subgroups.ts';
export { compareAucs, compareProportions } from './two-samples.ts';
export { wilsonInterval } from './wilson.ts';
