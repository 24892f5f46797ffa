import { sizeOf } from '../../onnx/model.ts';
import { reducedAxes } from '../../onnx/shapes/reduce.ts';
import type { RuleContext } from '../rule.ts';
import { reshape, sameDims } from './broadcast.ts';
import { shapeContext } from './shape-context.ts';

/** A reduction, seen from behind. */
export interface Reduced {
  readonly axes: readonly number[];
  /** Shape of the input with size 1 on the reduced axes. */
  readonly keptDims: readonly number[];
  /** How many elements go into one. */
  readonly count: number;
  /** A tensor of the output's shape, under `keptDims`, so that it broadcasts against the input. */
  kept(name: string): string;
}

/** The axes of a reduction, given as an attribute or as a constant input. */
export function reduced(context: RuleContext): Reduced {
  const { node, builder, shape } = context;
  const dims = shape(node.inputs[0]!);
  const outDims = shape(node.outputs[0]!);
  const axes = reducedAxes(shapeContext(context));
  const keptDims = dims.map((d, i) => (axes.includes(i) ? 1 : d));
  return {
    axes,
    keptDims,
    count: sizeOf(axes.map((a) => dims[a]!)),
    kept: (name) => (sameDims(outDims, keptDims) ? name : reshape(builder, name, keptDims)),
  };
}
