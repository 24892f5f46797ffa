/** The library: what the command line does, as functions. */
import { type Classifier as OpenClassifier, openClassifier } from './model/classifier.ts';

export * from './core/errors.ts';
export type { OnProgress, Progress } from './core/events.ts';
export {
  checkProblems,
  type Dataset,
  type Example,
  inspectImages,
  type Problem,
  type ReadOptions,
  readDataset,
  type Split,
  type SplitOptions,
  splitDataset,
  type Taxonomy,
} from './dataset/index.ts';
export { makePhantoms, type PhantomOptions, type PhantomSummary } from './dataset/phantoms/make.ts';
export { isDefined, type Metric, type Metrics } from './evaluate/index.ts';
export { decodeImage } from './image/decode.ts';
export type { RgbImage } from './image/types.ts';
export {
  type Classified,
  type ClassifierOptions,
  type ClassifyOptions,
  type EvaluateOptions,
  type Evaluation,
  evaluateDataset,
  evaluateDataset as evaluate,
  type FilePrediction,
  INTENDED_USE,
  type ModelCard,
  openClassifier,
  type PredictOptions,
  predictFiles,
} from './model/index.ts';
export {
  type Config,
  overlay,
  type PartialConfig,
  type PresetName,
  parseConfig,
  presetConfig,
} from './train/config.ts';
export type { EpochReport, OnTrainEvent, TrainEvent } from './train/events.ts';
export { resumeTraining, type TrainOptions, type TrainResult, train } from './train/train.ts';

export type Classifier = OpenClassifier;
/** `Classifier.open(path)` opens a model that nevus trained; see `openClassifier`. */
export const Classifier = { open: openClassifier } as const;
