import { int } from '../../onnx/model.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { between, indicator } from './broadcast.ts';

/**
 * Y = min(max(X, min), max): dX = dY · [min < Y < max], from the output, so that the input's memory can be freed.
 * d min = Σ dY · [X < min], d max = Σ dY · [X > max], for bounds that are computed.
 */
export const Clip: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const dY = dOutputs[0]!;
  const mask = needs[0] ? between(builder, node.outputs[0]!, bound(node, 1), bound(node, 2)) : undefined;
  const dX = mask === undefined ? dY : builder.add('Mul', [dY, mask]);
  const dBound = (beyond: string): string => {
    const outside = indicator(builder, beyond);
    return builder.add('ReduceSum', [builder.add('Mul', [dY, outside])], { keepdims: int(0) });
  };
  const [x, low, high] = node.inputs;
  const as = (name: string, bound: string): string => builder.add('Reshape', [name, builder.ints(shape(bound))]);
  return [
    needs[0] ? dX : undefined,
    needs[1] ? as(dBound(builder.add('Less', [x!, low!])), low!) : undefined,
    needs[2] ? as(dBound(builder.add('Greater', [x!, high!])), high!) : undefined,
  ];
};

function bound(node: RuleContext['node'], index: number): string | undefined {
  const input = node.inputs[index];
  return input === '' ? undefined : input;
}
