import type { ShapeContext } from '../../onnx/shapes/context.ts';
import type { RuleContext } from '../rule.ts';

/** The node as shape rules see it, so that a gradient can resolve axes, pads and the like as the forward does. */
export function shapeContext({ node, shape, dtype, constant }: RuleContext): ShapeContext {
  return {
    node,
    inputs: node.inputs.map((x) => (x === '' ? undefined : { dtype: dtype(x), dims: shape(x) })),
    constants: node.inputs.map((x) => (x === '' ? undefined : constant(x))),
  };
}
