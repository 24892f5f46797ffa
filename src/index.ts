/** The library: what the command line does, as functions. */
import { type Classifier as OpenClassifier, openClassifier } from './model/classifier.ts';

export * from './core/errors.ts';
export type { OnProgress, Progress } from './core/events.ts';
export { inspectImages } from './dataset/inspect.ts';
export { downloadIsic, type IsicOptions, type IsicSummary } from './dataset/isic-archive/download.ts';
export { makePhantoms, type PhantomOptions, type PhantomSummary } from './dataset/phantoms/make.ts';
export { checkProblems } from './dataset/problems.ts';
export { type ReadOptions, readDataset } from './dataset/read.ts';
export { type SplitOptions, splitDataset } from './dataset/split.ts';
export type { Dataset, Example, Problem, Split, Taxonomy } from './dataset/types.ts';
export { isDefined, type Metric, type Metrics } from './evaluate/index.ts';
export { decodeImage } from './image/decode.ts';
export type { RgbImage } from './image/types.ts';
export { INTENDED_USE, type ModelCard } from './model/card.ts';
export { type Classified, type ClassifierOptions, type ClassifyOptions, openClassifier } from './model/classifier.ts';
export {
  type EvaluateOptions,
  type Evaluation,
  evaluateDataset,
  evaluateDataset as evaluate,
} from './model/evaluate.ts';
export { type FilePrediction, type PredictOptions, predictFiles } from './model/predict.ts';
export { chooseDevice, DEVICES, type Device, type DeviceChoice } from './onnx/device.ts';
export { type ReportFiles, writeReport } from './report/report.ts';
export {
  type Config,
  overlay,
  type PartialConfig,
  type PresetName,
  parseConfig,
  presetConfig,
} from './train/config.ts';
export type { EpochReport, OnTrainEvent, TrainEvent } from './train/events.ts';
export { findRate, type RateSearch, type RateSearchOptions } from './train/lr-find.ts';
export { resumeTraining, type TrainOptions, type TrainResult, train } from './train/train.ts';

export type Classifier = OpenClassifier;
/** `Classifier.open(path)` opens a model that nevus trained; see `openClassifier`. */
export const Classifier = { open: openClassifier } as const;
