import { int } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { reshape } from './broadcast.ts';

/** Y = X repeated as a whole along its axes: dX = the sum of the copies' dY */
export const Tile: Rule = ({ node, dOutputs, builder, shape }) => {
  const dims = shape(node.inputs[0]!);
  const out = shape(node.outputs[0]!);
  const copies = reshape(
    builder,
    dOutputs[0]!,
    dims.flatMap((d, i) => [out[i]! / d, d]),
  );
  return [builder.add('ReduceSum', [copies, builder.ints(dims.map((_, i) => 2 * i))], { keepdims: int(0) })];
};
