import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/** Y = Σ Xᵢ / n: dXᵢ = dY / n, summed over the axes that were repeated */
export const Mean: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const share = builder.add('Mul', [dOutputs[0]!, builder.scalar(1 / node.inputs.length)]);
  return node.inputs.map((x, i) =>
    needs[i] ? sumToShape(builder, share, shape(node.outputs[0]!), shape(x)) : undefined,
  );
};
