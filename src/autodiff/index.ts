/** Automatic differentiation over ONNX graphs. */

export { type GraphBuilder, graphBuilder } from '../onnx/builder.ts';
export type { Graph, Model, Node, Tensor, ValueInfo } from '../onnx/model.ts';
export { decodeModel, encodeModel } from '../onnx/protobuf.ts';
export { appendGradients, type GradientOptions, type Gradients } from './append-gradients.ts';
export { type DifferentiateOptions, differentiate, gradientName } from './differentiate.ts';
export { lower, PORTABLE, type ShapeOf, type Target } from './lower/lower.ts';
export type { Rule, RuleContext } from './rule.ts';
export { RULES } from './rules/table.ts';
export { weightNames } from './weights.ts';
