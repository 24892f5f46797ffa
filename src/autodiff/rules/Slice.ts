import { sliceAxes } from '../../onnx/shapes/layout.ts';
import type { Rule } from '../rule.ts';
import { reversed } from './reversed.ts';
import { shapeContext } from './shape-context.ts';
import { pad, spread } from './spread.ts';

/** Y = X[start : end : step] on some axes: dX = dY in its place, zeros elsewhere. The bounds must be constants. */
export const Slice: Rule = (context) => {
  const { node, dOutputs, builder, shape } = context;
  const dims = shape(node.inputs[0]!);
  const cuts = sliceAxes(shapeContext(context));
  const backwards = cuts.filter(({ step }) => step < 0).map(({ axis }) => axis);
  const ascending = reversed(builder, dOutputs[0]!, backwards);
  const steps = new Map(cuts.map(({ axis, step }) => [axis, Math.abs(step)]));
  const wide = spread(builder, ascending, shape(node.outputs[0]!), steps);
  const begins = dims.map(() => 0);
  for (const { axis, start, step, count } of cuts) begins[axis] = step > 0 ? start : start + (count - 1) * step;
  const ends = dims.map((d, i) => d - wide.dims[i]! - begins[i]!);
  return [pad(builder, wide.name, begins, ends)];
};
