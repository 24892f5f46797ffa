import { int, intOf, sizeOf, string } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { reshape, zerosLike } from './broadcast.ts';

/** Y = the elements or slices of X that index tuples name, per batch: dY is added to where they came from */
export const GatherND: Rule = ({ node, dOutputs, builder, shape }) => {
  const [x, indices] = node.inputs;
  const dY = dOutputs[0]!;
  const dims = shape(x!);
  const batch = intOf(node, 'batch_dims', 0);
  const add = { reduction: string('add') };
  if (batch === 0) return [builder.add('ScatterND', [zerosLike(builder, dims, dY), indices!, dY], add)];
  // ScatterND knows no batches: all of them become one leading axis, and its position the first index.
  const images = sizeOf(dims.slice(0, batch));
  const rest = dims.slice(batch);
  const depth = shape(indices!).at(-1)!;
  const count = sizeOf(shape(indices!)) / (images * depth);
  const positions = builder.ints(Array.from({ length: images }, (_, i) => i));
  const tuples = builder.add(
    'Concat',
    [
      builder.add('Expand', [reshape(builder, positions, [images, 1, 1]), builder.ints([images, count, 1])]),
      reshape(builder, indices!, [images, count, depth]),
    ],
    { axis: int(2) },
  );
  const zeros = zerosLike(builder, [images, ...rest], dY);
  const updates = reshape(builder, dY, [images, count, ...rest.slice(depth)]);
  return [reshape(builder, builder.add('ScatterND', [zeros, tuples, updates], add), dims)];
};
