import type { Rule } from '../rule.ts';
import { reduced } from './reduced.ts';

/** Y = ln Σ e^X over the axes: dX = dY · e^(X − Y) */
export const ReduceLogSumExp: Rule = (context) => {
  const { node, dOutputs, builder } = context;
  const { kept } = reduced(context);
  const share = builder.add('Exp', [builder.add('Sub', [node.inputs[0]!, kept(node.outputs[0]!)])]);
  return [builder.add('Mul', [share, kept(dOutputs[0]!)])];
};
