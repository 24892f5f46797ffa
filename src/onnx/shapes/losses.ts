import { stringOf } from '../model.ts';
import { inputOf, mismatch, type ShapeContext, type ShapeRule, show, type TensorInfo } from './context.ts';

/** Scores [N, C, d…] and labels [N, d…] to one loss, or with reduction `none` to [N, d…]. */
function lossOf(c: ShapeContext): TensorInfo {
  const { dtype, dims } = inputOf(c, 0);
  const labels = inputOf(c, 1).dims;
  const expected = dims.filter((_, i) => i !== 1);
  if (labels.join() !== expected.join())
    throw mismatch(c, `labels ${show(expected)} for scores ${show(dims)}`, show(labels));
  return { dtype, dims: stringOf(c.node, 'reduction', 'mean') === 'none' ? labels : [] };
}

/** Losses by class. */
export const losses = {
  NegativeLogLikelihoodLoss: (c) => [lossOf(c)],
  SoftmaxCrossEntropyLoss: (c) => [lossOf(c), inputOf(c, 0)],
} satisfies Record<string, ShapeRule>;
