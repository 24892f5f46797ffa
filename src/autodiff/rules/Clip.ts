import type { Node } from '../../onnx/model.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { between } from './broadcast.ts';

/**
 * Y = min(max(X, min), max): dX = dY · [min < Y < max], from the output, so that the input's memory can be freed.
 * The bounds get no gradient.
 */
export const Clip: Rule = ({ node, dOutputs, builder }) => {
  const mask = between(builder, node.outputs[0]!, bound(node, builder, 1, 'min'), bound(node, builder, 2, 'max'));
  return [mask === undefined ? dOutputs[0] : builder.add('Mul', [dOutputs[0]!, mask])];
};

/** A bound is an input, or, before operator set 11, an attribute. */
function bound(node: Node, builder: RuleContext['builder'], index: number, name: string): string | undefined {
  const attribute = node.attributes[name];
  if (attribute?.kind === 'float') return builder.scalar(attribute.value);
  const input = node.inputs[index];
  return input === '' ? undefined : input;
}
