import type { Rule } from '../rule.ts';
import { reduced } from './reduced.ts';

/** Y = Σ |X| over the axes: dX = dY · sign X */
export const ReduceL1: Rule = (context) => {
  const { node, dOutputs, builder } = context;
  const sign = builder.add('Sign', [node.inputs[0]!]);
  return [builder.add('Mul', [sign, reduced(context).kept(dOutputs[0]!)])];
};
