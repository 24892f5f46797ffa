import { intOf, sizeOf, string } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { reshape, zerosLike } from './broadcast.ts';

/**
 * Y = the maximum of each window: dY is added to the element that won; overlapping windows may add to the same one.
 *
 * The winners are the second output, indices into the flat input [N·C·H·W]. A node without it is run again with it,
 * in the backward pass: the plain forward node uses a faster kernel.
 */
export const MaxPool: Rule = ({ node, dOutputs, builder, shape }) => {
  const dY = dOutputs[0];
  if (dY === undefined) return [];
  const dims = shape(node.inputs[0]!);
  const flat = builder.ints([-1]);
  // With storage_order 1 (column-major) the indices do not count in memory order.
  const given = intOf(node, 'storage_order', 0) === 0 ? node.outputs[1] : undefined;
  const { storage_order: _, ...attributes } = node.attributes;
  const indices = given ? given : builder.addMany('MaxPool', [node.inputs[0]!], 2, attributes)[1]!;
  const scattered = builder.add(
    'ScatterElements',
    [
      zerosLike(builder, [sizeOf(dims)], dY),
      builder.add('Reshape', [indices, flat]),
      builder.add('Reshape', [dY, flat]),
    ],
    { reduction: string('add') },
  );
  return [reshape(builder, scattered, dims)];
};
