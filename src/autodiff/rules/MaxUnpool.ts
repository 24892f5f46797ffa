import type { Rule } from '../rule.ts';
import { reshape } from './broadcast.ts';

/** Y = X put at the flat indices that MaxPool gave, zeros elsewhere: dX = dY at these indices */
export const MaxUnpool: Rule = ({ node, dOutputs, builder }) => [
  builder.add('Gather', [reshape(builder, dOutputs[0]!, [-1]), node.inputs[1]!]),
];
