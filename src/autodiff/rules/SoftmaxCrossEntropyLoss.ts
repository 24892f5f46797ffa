import { int } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { classLoss, classWeightGradient } from './class-loss.ts';

/**
 * L = −w ln p of each position's label, p = softmax X over the classes, then as it is, summed, or averaged by weight, with g
 * the gradient of each position's term: dX = w g (p − [class is the label]), 0 where the label is `ignore_index`. The
 * second output, ln p, gives dX its own share, as in LogSoftmax. Weights of classes get a gradient too, labels none.
 */
export const SoftmaxCrossEntropyLoss: Rule = (context) => {
  const { node, dOutputs, needs, builder, shape } = context;
  const scores = node.inputs[0]!;
  const [dLoss, dLog] = dOutputs;
  const loss = dLoss === undefined ? undefined : classLoss(context, dLoss);
  const parts = (): string[] => {
    const out: string[] = [];
    const p = builder.add('Softmax', [scores], { axis: int(1) });
    if (loss !== undefined) {
      const difference = builder.add('Sub', [builder.add('Mul', [p, loss.weightOf]), loss.weighted]);
      out.push(builder.add('Mul', [difference, loss.share]));
    }
    if (dLog !== undefined) {
      const total = builder.add('ReduceSum', [dLog, builder.ints([1])], { keepdims: int(1) });
      out.push(builder.add('Sub', [dLog, builder.add('Mul', [p, total])]));
    }
    return out;
  };
  const dWeights = (): string | undefined => {
    if (loss === undefined) return undefined;
    const log = node.outputs[1] || builder.add('LogSoftmax', [scores], { axis: int(1) });
    return classWeightGradient(builder, node, loss, log, shape(scores).length);
  };
  return [
    needs[0] ? parts().reduce((a, b) => builder.add('Add', [a, b])) : undefined,
    undefined,
    needs[2] ? dWeights() : undefined,
  ];
};
