import { intOf, intsOf, sizeOf } from '../../onnx/model.ts';
import { convGeometry } from '../../onnx/shapes/geometry.ts';
import type { Rule } from '../rule.ts';
import { normShare, powerSlope } from './lp.ts';
import { unpool } from './unpool.ts';

/**
 * Y = (Σ |X|ᵖ)^(1/p) over each window: dX = sign(X) |X|^(p − 1) times the sum of dY · Y^(1 − p) over all windows that hold
 * the element
 */
export const LpPool: Rule = ({ node, dOutputs, builder, shape }) => {
  const x = node.inputs[0]!;
  const dims = shape(x);
  const p = intOf(node, 'p', 2);
  const geometry = convGeometry(node, dims, intsOf(node, 'kernel_shape', []));
  const share = normShare(builder, dOutputs[0]!, node.outputs[0]!, p);
  const total = builder.add('Mul', [unpool(builder, share, geometry, dims), builder.scalar(sizeOf(geometry.kernel))]);
  return [builder.add('Mul', [powerSlope(builder, x, p), total])];
};
