import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/** Y = X where X ≥ 0, sX elsewhere: dX = dY · (X ≥ 0 ? 1 : s), ds = Σ dY · min(X, 0) over the axes s was repeated on */
export const PRelu: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [x, s] = node.inputs;
  const dY = dOutputs[0]!;
  const negative = builder.add('Less', [x!, builder.scalar(0)]);
  const dX = needs[0] ? builder.add('Mul', [dY, builder.add('Where', [negative, s!, builder.scalar(1)])]) : undefined;
  const dS = needs[1] ? builder.add('Mul', [dY, builder.add('Min', [x!, builder.scalar(0)])]) : undefined;
  return [dX, dS === undefined ? undefined : sumToShape(builder, dS, shape(x!), shape(s!))];
};
