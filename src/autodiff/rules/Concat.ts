import { int, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { axisFrom0 } from './broadcast.ts';

/** Y = the inputs one after the other along the axis: dXᵢ is its part of dY */
export const Concat: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const dY = dOutputs[0]!;
  const axis = axisFrom0(intOf(node, 'axis', 0), shape(node.outputs[0]!).length);
  const sizes = node.inputs.map((x) => shape(x)[axis]!);
  if (sizes.length === 1) return [dY];
  if (needs.every((n) => n))
    return builder.addMany('Split', [dY, builder.ints(sizes)], sizes.length, { axis: int(axis) });
  let start = 0;
  return sizes.map((size, i) => {
    const from = start;
    start += size;
    return needs[i]
      ? builder.add('Slice', [dY, builder.ints([from]), builder.ints([start]), builder.ints([axis])])
      : undefined;
  });
};
