import { ShapeError } from '../../core/errors.ts';
import { whereOf } from '../../onnx/shapes/context.ts';
import { sliceAxes } from '../../onnx/shapes/layout.ts';
import type { Rule } from '../rule.ts';
import { pad, spread } from './spread.ts';

/** Y = X[start : end : step] on some axes: dX = dY in its place, zeros elsewhere. The bounds must be constants. */
export const Slice: Rule = ({ node, dOutputs, builder, shape, dtype, constant }) => {
  const dims = shape(node.inputs[0]!);
  const cuts = sliceAxes({
    node,
    inputs: node.inputs.map((x) => (x === '' ? undefined : { dtype: dtype(x), dims: shape(x) })),
    constants: node.inputs.map((x) => (x === '' ? undefined : constant(x))),
  });
  if (cuts.some(({ count }) => count === 0))
    throw new ShapeError('autodiff/empty', `${whereOf(node)}: expected a slice with elements, got an empty one`);
  const reversed = cuts.filter(({ step }) => step < 0).map(({ axis }) => axis);
  const ascending =
    reversed.length === 0
      ? dOutputs[0]!
      : builder.add('Slice', [
          dOutputs[0]!,
          builder.ints(reversed.map(() => -1)),
          builder.ints(reversed.map(() => -(2 ** 31))),
          builder.ints(reversed),
          builder.ints(reversed.map(() => -1)),
        ]);
  const steps = new Map(cuts.map(({ axis, step }) => [axis, Math.abs(step)]));
  const wide = spread(builder, ascending, shape(node.outputs[0]!), steps);
  const begins = dims.map(() => 0);
  for (const { axis, start, step, count } of cuts) begins[axis] = step > 0 ? start : start + (count - 1) * step;
  const ends = dims.map((d, i) => d - wide.dims[i]! - begins[i]!);
  return [pad(builder, wide.name, begins, ends)];
};
