import { int, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { zerosLike } from './broadcast.ts';
import { scatterReplaces } from './scattered.ts';

/**
 * Y = X with U written, or added, to the indexed elements of the axis: dU = dY at the indices; dX = dY, with zeros where U
 * was written. An index given twice has no defined gradient unless U is added.
 *
 * @throws {UnsupportedOperatorError} reductions other than `none` and `add`
 */
export const ScatterElements: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [, indices, updates] = node.inputs;
  const dY = dOutputs[0]!;
  const axis = { axis: int(intOf(node, 'axis', 0)) };
  const replaces = scatterReplaces(node);
  const dX = (): string =>
    replaces ? builder.add('ScatterElements', [dY, indices!, zerosLike(builder, shape(updates!), dY)], axis) : dY;
  return [
    needs[0] ? dX() : undefined,
    undefined,
    needs[2] ? builder.add('GatherElements', [dY, indices!], axis) : undefined,
  ];
};
