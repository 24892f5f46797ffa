import { int, intOf, ints, stringOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { reshape } from './broadcast.ts';

/**
 * Y = channels laid out as blocks of b × b pixels, [N, C b², H, W] to [N, C, b H, b W]; dX = dY taken apart again. Mode DCR
 * has the block's rows and columns before the channels, which SpaceToDepth undoes; CRD has them behind.
 */
export const DepthToSpace: Rule = ({ node, dOutputs, builder, shape }) => {
  const dY = dOutputs[0]!;
  const b = intOf(node, 'blocksize', 1);
  if (stringOf(node, 'mode', 'DCR') === 'DCR') return [builder.add('SpaceToDepth', [dY], { blocksize: int(b) })];
  const dims = shape(node.inputs[0]!);
  const [n, c, h, w] = dims;
  const blocks = reshape(builder, dY, [n!, c! / (b * b), h!, b, w!, b]);
  return [reshape(builder, builder.add('Transpose', [blocks], { perm: ints([0, 1, 3, 5, 2, 4]) }), dims)];
};
