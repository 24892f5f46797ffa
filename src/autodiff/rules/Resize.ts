import { UnsupportedOperatorError } from '../../core/errors.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { float32, floatOf, intOf, ints, type Node, sizeOf, stringOf } from '../../onnx/model.ts';
import { whereOf } from '../../onnx/shapes/context.ts';
import { type ResizedAxis, resizedAxes } from '../../onnx/shapes/resize.ts';
import type { Rule } from '../rule.ts';
import { reshape, sameDims } from './broadcast.ts';
import { COORDINATE_MODES, NEAREST_MODES, type Resampling, resizeRows } from './resize-matrix.ts';
import { shapeContext } from './shape-context.ts';

/**
 * Y = M X along each axis, M a fixed matrix, whatever the mode: dX = Mᵀ dY along each axis. Where every element is repeated
 * a whole number of times, dX = the sums of the blocks, a pooling. Sizes and scales must be constants and get no gradient.
 *
 * @throws {UnsupportedOperatorError} the coordinates `tf_crop_and_resize` and `tf_half_pixel_for_nn`
 */
export const Resize: Rule = (context) => {
  const { node, dOutputs, builder, shape } = context;
  const how = resamplingOf(node);
  const dims = shape(node.inputs[0]!);
  // Whatever the scales: onnxruntime copies where no size changes.
  if (sameDims(dims, shape(node.outputs[0]!))) return dOutputs;
  const changed = resizedAxes(shapeContext(context))
    .map((axis) => ({ ...axis, rows: resizeRows(axis, how) }))
    .filter(({ rows, input }) => rows.length !== input || rows.some((row, j) => row.get(j) !== 1));
  const repeats = changed.map(({ input, rows }) => repeatOf(input, rows));
  if (changed.length > 0 && dims.length <= 5 && changed.every(({ axis }, i) => axis >= 2 && repeats[i] !== undefined))
    return [blockSums(builder, dOutputs[0]!, dims, new Map(changed.map(({ axis }, i) => [axis, repeats[i]!])))];
  const sizes = [...shape(node.outputs[0]!)];
  let out = dOutputs[0]!;
  for (const axis of changed) {
    out = transposed(builder, out, sizes, axis);
    sizes[axis.axis] = axis.input;
  }
  return [out];
};

function resamplingOf(node: Node): Resampling {
  const modes = ['nearest', 'linear', 'cubic'] as const;
  return {
    mode: chosen(node, 'mode', modes, 'nearest'),
    coordinates: chosen(node, 'coordinate_transformation_mode', COORDINATE_MODES, 'half_pixel'),
    nearest: chosen(node, 'nearest_mode', NEAREST_MODES, 'round_prefer_floor'),
    cubicA: floatOf(node, 'cubic_coeff_a', -0.75),
    excludeOutside: intOf(node, 'exclude_outside', 0) === 1,
    antialias: intOf(node, 'antialias', 0) === 1,
  };
}

function chosen<T extends string>(node: Node, name: string, values: readonly T[], otherwise: T): T {
  const given = stringOf(node, name, otherwise);
  const found = values.find((v) => v === given);
  if (found === undefined)
    throw new UnsupportedOperatorError(
      'autodiff/resize',
      `${whereOf(node)}: expected ${name} ${values.join(', ')}, got ${given}`,
    );
  return found;
}

interface Axis extends ResizedAxis {
  readonly rows: readonly ReadonlyMap<number, number>[];
}

/** How often every element is repeated, or undefined where they are not repeated equally. */
function repeatOf(input: number, rows: Axis['rows']): number | undefined {
  const times = rows.length / input;
  return Number.isInteger(times) && rows.every((row, j) => row.get(Math.floor(j / times)) === 1) ? times : undefined;
}

/** Sum of each block of the spatial axes [N, C, spatial…], as its mean times its size. */
function blockSums(
  builder: GraphBuilder,
  dY: string,
  dims: readonly number[],
  times: ReadonlyMap<number, number>,
): string {
  const block = dims.slice(2).map((_, i) => times.get(i + 2) ?? 1);
  const means = builder.add('AveragePool', [dY], { kernel_shape: ints(block), strides: ints(block) });
  return builder.add('Mul', [means, builder.scalar(sizeOf(block))]);
}

/** Mᵀ dY along one axis, as a product with what lies behind the axis, or, for the last one, with what lies before it. */
function transposed(
  builder: GraphBuilder,
  dY: string,
  dims: readonly number[],
  { axis, input, output, rows }: Axis,
): string {
  const last = axis === dims.length - 1;
  const matrix = new Float32Array(input * output);
  for (const [j, row] of rows.entries())
    for (const [i, weight] of row) matrix[last ? j * input + i : i * output + j] = weight;
  const constant = builder.constant(float32(matrix, last ? [output, input] : [input, output]));
  const [before, after] = [sizeOf(dims.slice(0, axis)), sizeOf(dims.slice(axis + 1))];
  const product = last
    ? builder.add('MatMul', [reshape(builder, dY, [before, output]), constant])
    : builder.add('MatMul', [constant, reshape(builder, dY, [before, output, after])]);
  return reshape(builder, product, dims.with(axis, input));
}
