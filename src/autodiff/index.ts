/** Automatic differentiation over ONNX graphs. */

export { type GraphBuilder, graphBuilder } from '../onnx/builder.ts';
export {
  type Attributes,
  float,
  float32,
  type Graph,
  int,
  int64,
  ints,
  type Model,
  type Node,
  scalar,
  type Tensor,
  type ValueInfo,
} from '../onnx/model.ts';
export { decodeModel, encodeModel } from '../onnx/protobuf.ts';
export { ADAM, ADAMW, type OptimizerSpec, SGD } from '../optim/optimizers.ts';
export {
  constant,
  cosine,
  FRESH_PLATEAU,
  oneCycle,
  type Plateau,
  stepDecay,
  watchPlateau,
} from '../optim/schedules.ts';
export { appendGradients, type GradientOptions, type Gradients } from './append-gradients.ts';
export { type DifferentiateOptions, differentiate, gradientName } from './differentiate.ts';
export { lower, PORTABLE, type ShapeOf, type Target } from './lower/lower.ts';
export type { Rule, RuleContext } from './rule.ts';
export { RULES } from './rules/table.ts';
export type { StepVector } from './step-graph.ts';
export { type Moved, openStepper, type Stepper, type StepperOptions } from './stepper.ts';
export {
  stepScalars,
  type TrainingStep,
  type TrainingStepOptions,
  trainingStep,
  type WeightGroup,
} from './training-step.ts';
export { weightNames } from './weights.ts';
