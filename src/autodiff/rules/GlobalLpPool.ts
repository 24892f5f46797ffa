import { intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { normShare, powerSlope } from './lp.ts';

/** Y = (Σ |X|ᵖ)^(1/p) over the spatial positions: dX = dY · Y^(1 − p) · sign(X) |X|^(p − 1) */
export const GlobalLpPool: Rule = ({ node, dOutputs, builder }) => {
  const p = intOf(node, 'p', 2);
  const share = normShare(builder, dOutputs[0]!, node.outputs[0]!, p);
  return [builder.add('Mul', [powerSlope(builder, node.inputs[0]!, p), share])];
};
