export { INTENDED_USE, type ModelCard, modelCard, type Preprocessing, type TrainingFacts } from './card.ts';
export {
  type Classified,
  type Classifier,
  type ClassifierOptions,
  type ClassifyOptions,
  MODEL_FILE,
  openClassifier,
} from './classifier.ts';
export {
  type EvaluateOptions,
  type Evaluation,
  evaluateAnswers,
  evaluateDataset,
  writeEvaluation,
} from './evaluate.ts';
export {
  type ClassifiedFiles,
  classifyFiles,
  type FilePrediction,
  type PredictOptions,
  predictFiles,
} from './predict.ts';
export { type Question, questionOf } from './question.ts';
export { checkShippable, type ShipSpec, shipModel } from './ship.ts';
