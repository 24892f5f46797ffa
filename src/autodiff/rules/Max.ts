import type { Rule } from '../rule.ts';
import { indicator, sumToShape } from './broadcast.ts';

/**
 * Y = max(X₁, …, Xₙ), element by element: dXᵢ = dY · [Xᵢ = Y] / k, where k inputs share the maximum; summed over the
 * axes that were repeated. The same for the minimum.
 */
export const Max: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const y = node.outputs[0]!;
  const dY = dOutputs[0]!;
  if (node.inputs.length === 1) return [dY];
  const masks = node.inputs.map((x) => indicator(builder, builder.add('Equal', [x, y])));
  const share = builder.add('Div', [dY, builder.add('Sum', masks)]);
  return node.inputs.map((x, i) =>
    needs[i] ? sumToShape(builder, builder.add('Mul', [share, masks[i]!]), shape(y), shape(x)) : undefined,
  );
};
