import { int } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = `on` at the indices, `off` elsewhere, from `values` = [off, on]: d values = [Σ dY − Σ dY · m, Σ dY · m], m = [Y is on] */
export const OneHot: Rule = ({ node, dOutputs, needs, builder }) => {
  if (!needs[2]) return [];
  const dY = dOutputs[0]!;
  const mask = builder.add('OneHot', [node.inputs[0]!, node.inputs[1]!, builder.floats([0, 1])], node.attributes);
  const total = (x: string): string =>
    builder.add('Reshape', [builder.add('ReduceSum', [x], { keepdims: int(0) }), builder.ints([1])]);
  const on = total(builder.add('Mul', [dY, mask]));
  return [undefined, undefined, builder.add('Concat', [builder.add('Sub', [total(dY), on]), on], { axis: int(0) })];
};
