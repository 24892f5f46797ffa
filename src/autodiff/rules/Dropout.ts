import { ModelError } from '../../core/errors.ts';
import { floatOf } from '../../onnx/model.ts';
import { whereOf } from '../../onnx/shapes/context.ts';
import type { Rule } from '../rule.ts';
import { indicator } from './broadcast.ts';

/**
 * Y = X when not training: dX = dY. When training, with probability `ratio` an element is dropped, and the others are
 * scaled up: dX = dY · mask / (1 − ratio), which needs the mask output.
 *
 * @throws {ModelError} a training Dropout without its mask output
 * @see Srivastava et al. 2014, JMLR 15:1929
 */
export const Dropout: Rule = ({ node, dOutputs, builder, constant }) => {
  const [, ratio, training] = node.inputs;
  const dY = dOutputs[0];
  if (dY === undefined || !training) return [dY];
  const known = constant(training);
  if (known !== undefined && Number(known.data[0]) === 0) return [dY];
  const mask = node.outputs[1];
  if (!mask)
    throw new ModelError('autodiff/dropout', `${whereOf(node)}: expected a mask output, got a node without one`);
  const one = builder.scalar(1);
  const rate = ratio ? ratio : builder.scalar(floatOf(node, 'ratio', 0.5));
  const scale = builder.add('Div', [one, builder.add('Sub', [one, rate])]);
  const factor = known === undefined ? builder.add('Where', [training, scale, one]) : scale;
  return [builder.add('Mul', [dY, builder.add('Mul', [indicator(builder, mask), factor])])];
};
