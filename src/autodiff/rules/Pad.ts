import { UnsupportedOperatorError } from '../../core/errors.ts';
import { stringOf } from '../../onnx/model.ts';
import { whereOf } from '../../onnx/shapes/context.ts';
import { padsOf } from '../../onnx/shapes/layout.ts';
import type { Rule } from '../rule.ts';
import { pad } from './spread.ts';

/**
 * Y = X with a constant around it: dX = dY without its margin. The pads must be constants; the filled-in value gets no
 * gradient.
 *
 * @throws {UnsupportedOperatorError} modes other than `constant`
 */
export const Pad: Rule = ({ node, dOutputs, builder, shape, dtype, constant }) => {
  const mode = stringOf(node, 'mode', 'constant');
  if (mode !== 'constant')
    throw new UnsupportedOperatorError('autodiff/pad', `${whereOf(node)}: expected mode constant, got ${mode}`);
  const rank = shape(node.inputs[0]!).length;
  const pads = padsOf({
    node,
    inputs: node.inputs.map((x) => (x === '' ? undefined : { dtype: dtype(x), dims: shape(x) })),
    constants: node.inputs.map((x) => (x === '' ? undefined : constant(x))),
  }).map((p) => 0 - p);
  return [pad(builder, dOutputs[0]!, pads.slice(0, rank), pads.slice(rank))];
};
