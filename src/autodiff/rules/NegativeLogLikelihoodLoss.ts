import type { Rule } from '../rule.ts';
import { classLoss, classWeightGradient } from './class-loss.ts';

/**
 * L = −w ln p of each position's label, then as it is, summed, or averaged by weight, with g the gradient of each
 * position's term: d ln p = −w g at the label, 0 elsewhere and where the label is `ignore_index`. Weights of classes get
 * theirs too, labels none.
 */
export const NegativeLogLikelihoodLoss: Rule = (context) => {
  const { node, dOutputs, needs, builder, shape } = context;
  const loss = classLoss(context, dOutputs[0]!);
  const input = node.inputs[0]!;
  return [
    needs[0] ? builder.add('Neg', [builder.add('Mul', [loss.weighted, loss.share])]) : undefined,
    undefined,
    needs[2] ? classWeightGradient(builder, node, loss, input, shape(input).length) : undefined,
  ];
};
