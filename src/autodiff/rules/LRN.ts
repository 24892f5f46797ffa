import { floatOf, int, intOf, ints, sizeOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { reshape } from './broadcast.ts';

/**
 * Y = X S^−β, S = bias + α · mean X² over a window of `size` neighbouring channels, zeros beyond the ends:
 * dX = dY S^−β − 2αβ X · the same mean, its window reversed, of dY X S^(−β − 1)
 *
 * @see Krizhevsky et al. 2012, section 3.3
 */
export const LRN: Rule = ({ node, dOutputs, builder, shape }) => {
  const x = node.inputs[0]!;
  const dims = shape(x);
  const size = intOf(node, 'size', 1);
  const [alpha, beta] = [floatOf(node, 'alpha', 1e-4), floatOf(node, 'beta', 0.75)];
  const before = Math.floor((size - 1) / 2);
  /** Mean over channels as a pooling: [N, 1, C, positions]. */
  const mean = (t: string, from: number, to: number): string => {
    const plane = reshape(builder, t, [dims[0]!, 1, dims[1]!, sizeOf(dims.slice(2))]);
    const pooled = builder.add('AveragePool', [plane], {
      kernel_shape: ints([size, 1]),
      pads: ints([from, 0, to, 0]),
      count_include_pad: int(1),
    });
    return reshape(builder, pooled, dims);
  };
  const squares = mean(builder.add('Mul', [x, x]), before, size - 1 - before);
  const s = builder.add('Add', [
    builder.add('Mul', [squares, builder.scalar(alpha)]),
    builder.scalar(floatOf(node, 'bias', 1)),
  ]);
  const direct = builder.add('Mul', [dOutputs[0]!, builder.add('Pow', [s, builder.scalar(-beta)])]);
  const neighbours = mean(builder.add('Div', [builder.add('Mul', [direct, x]), s]), size - 1 - before, before);
  const indirect = builder.add('Mul', [x, builder.add('Mul', [neighbours, builder.scalar(2 * alpha * beta)])]);
  return [builder.add('Sub', [direct, indirect])];
};
