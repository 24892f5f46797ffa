import type { Rule } from '../rule.ts';

/** Y = blocks of b × b pixels laid out as channels: dX = dY laid out as pixels again, which is DepthToSpace */
export const SpaceToDepth: Rule = ({ node, dOutputs, builder }) => [
  builder.add('DepthToSpace', [dOutputs[0]!], node.attributes),
];
