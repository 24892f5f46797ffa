import type { Rule } from '../rule.ts';
import { zerosLike } from './broadcast.ts';
import { scatterReplaces } from './scattered.ts';

/**
 * Y = X with U written, or added, to the elements or slices that index tuples name: dU = dY at the indices; dX = dY, with
 * zeros where U was written. An index given twice has no defined gradient unless U is added.
 *
 * @throws {UnsupportedOperatorError} reductions other than `none` and `add`
 */
export const ScatterND: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [, indices, updates] = node.inputs;
  const dY = dOutputs[0]!;
  const replaces = scatterReplaces(node);
  const dX = (): string =>
    replaces ? builder.add('ScatterND', [dY, indices!, zerosLike(builder, shape(updates!), dY)]) : dY;
  return [needs[0] ? dX() : undefined, undefined, needs[2] ? builder.add('GatherND', [dY, indices!]) : undefined];
};
