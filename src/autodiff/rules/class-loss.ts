import type { GraphBuilder } from '../../onnx/builder.ts';
import { int, int64, intOf, type Node, stringOf, type Tensor } from '../../onnx/model.ts';
import type { RuleContext } from '../rule.ts';
import { reshape } from './broadcast.ts';

/** What the losses by class have in common. Scores [N, C, d…], labels [N, d…]; c is a class, i a position of N and d…. */
export interface ClassLoss {
  /** m = [label of i is c], zeros at ignored labels: [N, C, d…]. */
  readonly mask: string;
  /** m · w, w the weights of the classes. */
  readonly weighted: string;
  /** wᵢ, the weight of each label, 0 where it is ignored: [N, 1, d…]. */
  readonly weightOf: string;
  /** Gradient of each position's weighted loss: [N, 1, d…] or one element. */
  readonly share: string;
}

/** `reduction`: the losses as they are, their sum, or Σ wᵢ lossᵢ / Σ wᵢ. */
const reductionOf = (node: Node): string => stringOf(node, 'reduction', 'mean');

export function classLoss({ node, builder, shape, dtype }: RuleContext, dLoss: string): ClassLoss {
  const [scores, labels, weights] = node.inputs;
  const [batch, classes, ...rest] = shape(scores!);
  const perClass = [1, classes!, ...rest.map(() => 1)];
  const perPosition = [batch!, 1, ...rest];
  const numbers = builder.constant(classNumbers(node, classes!, perClass));
  const typed = dtype(labels!) === 'int64' ? labels! : builder.add('Cast', [labels!], { to: int(7) });
  const matches = builder.add('Equal', [reshape(builder, typed, perPosition), numbers]);
  const mask = builder.add('Cast', [matches], { to: int(1) });
  const weighted = weights ? builder.add('Mul', [mask, reshape(builder, weights, perClass)]) : mask;
  const weightOf = builder.add('ReduceSum', [weighted, builder.ints([1])], { keepdims: int(1) });
  return { mask, weighted, weightOf, share: share() };

  function share(): string {
    const reduction = reductionOf(node);
    if (reduction === 'none') return reshape(builder, dLoss, perPosition);
    if (reduction === 'sum') return dLoss;
    return builder.add('Div', [dLoss, builder.add('ReduceSum', [weightOf], { keepdims: int(0) })]);
  }
}

/** The number of each class; an ignored one matches no label. */
function classNumbers(node: Node, classes: number, dims: readonly number[]): Tensor {
  const ignored = intOf(node, 'ignore_index', -1);
  return int64(
    Array.from({ length: classes }, (_, c) => (c === ignored ? -1 : c)),
    dims,
  );
}

/** dw = Σ m · share · (lossᵢ − L), lossᵢ = −Σ m · ln p; L is the mean loss with reduction `mean`, else 0. */
export function classWeightGradient(
  builder: GraphBuilder,
  node: Node,
  { mask, share }: ClassLoss,
  logProbabilities: string,
  rank: number,
): string {
  const chosen = builder.add('Mul', [mask, logProbabilities]);
  const losses = builder.add('Neg', [builder.add('ReduceSum', [chosen, builder.ints([1])], { keepdims: int(1) })]);
  const centred = reductionOf(node) === 'mean' ? builder.add('Sub', [losses, node.outputs[0]!]) : losses;
  const all = builder.add('Mul', [mask, builder.add('Mul', [centred, share])]);
  const axes = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== 1);
  return builder.add('ReduceSum', [all, builder.ints(axes)], { keepdims: int(0) });
}
