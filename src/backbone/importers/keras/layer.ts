/** What the translation of every Keras layer has in common. */
import type { z } from 'zod';
import { ModelError, ShapeError } from '../../../core/errors.ts';
import type { GraphBuilder, NodeOptions } from '../../../onnx/builder.ts';
import { float32, sizeOf } from '../../../onnx/model.ts';
import { parse } from './topology.ts';
import type { Weight, Weights } from './weights.ts';

/** A tensor of the ONNX graph. `dims` are those of one example: [C, H, W] where Keras has [H, W, C], or [C]. */
export interface Value {
  readonly name: string;
  readonly dims: readonly number[];
}

/** One call of a layer. */
export interface LayerCall {
  /** Class name, such as `Conv2D`. */
  readonly type: string;
  /** The layer's name, under which its weights are found. */
  readonly layer: string;
  /** Name of the tensor to make; the layer's name, with a number added where the layer is called again. */
  readonly output: string;
  readonly config: unknown;
  readonly inputs: readonly Value[];
  readonly builder: GraphBuilder;
  readonly weights: Weights;
}

/** Writes the nodes of one layer; its result is the tensor `call.output`. */
export type LayerRule = (call: LayerCall) => Value;

export function whereOf(call: LayerCall): string {
  return `layer ${call.layer} (${call.type})`;
}

/** A node whose first output is exactly that. Its own name differs, lest it takes the name of another layer. */
export function named(output: string): NodeOptions {
  return { name: `${output}/node`, output };
}

/** The layer's configuration, checked. @throws {ModelError} naming the property that is not as expected */
export function configOf<T extends z.ZodType>(call: LayerCall, schema: T): z.output<T> {
  return parse(schema, call.config, whereOf(call));
}

/** The only input. @throws {ShapeError} if there are none or several */
export function onlyInput(call: LayerCall): Value {
  const [input] = call.inputs;
  if (input === undefined || call.inputs.length > 1)
    throw new ShapeError('keras/inputs', `${whereOf(call)}: expected one input, got ${call.inputs.length}`);
  return input;
}

export interface SpatialInput {
  readonly name: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The only input, an image. @throws {ShapeError} if it is not [C, H, W] */
export function spatialInput(call: LayerCall): SpatialInput {
  const { name, dims } = onlyInput(call);
  const [channels, height, width] = dims;
  if (dims.length !== 3 || channels === undefined || height === undefined || width === undefined)
    throw new ShapeError('keras/rank', `${whereOf(call)}: expected an image [C, H, W], got [${dims.join(', ')}]`);
  return { name, channels, height, width };
}

/**
 * Adds a weight to the graph as `layer/name`, its axes in the order ONNX wants.
 *
 * @param dims expected shape in Keras's order
 * @param order axis of Keras that comes i-th in ONNX; default as it is
 * @param as shape in ONNX where axes are joined; default the permuted shape
 * @throws {ModelError} if the weight is missing or has another shape
 */
export function addWeight(
  call: LayerCall,
  name: string,
  dims: readonly number[],
  order: readonly number[] = dims.map((_, i) => i),
  as: readonly number[] = order.map((axis) => dims[axis]!),
): string {
  const weight = call.weights(call.layer, name);
  if (weight === undefined || weight.dims.join() !== dims.join())
    throw new ModelError(
      'keras/weight',
      `${whereOf(call)}: expected weight ${call.layer}/${name} [${dims.join(', ')}], got ${got(weight)}`,
    );
  return call.builder.constant(float32(permute(weight.data, dims, order), as), `${call.layer}/${name}`);
}

function got(weight: Weight | undefined): string {
  if (weight === undefined) return 'none';
  return `[${weight.dims.join(', ')}]${weight.from === undefined ? '' : `, which is ${weight.from} of the file`}`;
}

/** A constant vector where the layer has no such weight, such as gamma = 1 of an unscaled normalisation. */
export function addFilled(call: LayerCall, name: string, length: number, value: number): string {
  return call.builder.constant(float32(new Float32Array(length).fill(value), [length]), `${call.layer}/${name}`);
}

/** Reorders axes: out[i₀, i₁, …] = data at the position whose axis order[k] is iₖ. */
function permute(data: Float32Array, dims: readonly number[], order: readonly number[]): Float32Array {
  const out = new Float32Array(sizeOf(dims));
  const strides = order.map((axis) => sizeOf(dims.slice(axis + 1)));
  const sizes = order.map((axis) => dims[axis]!);
  const index = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from]!;
    for (let k = sizes.length - 1; k >= 0; k--) {
      from += strides[k]!;
      if (++index[k]! < sizes[k]!) break;
      from -= strides[k]! * sizes[k]!;
      index[k] = 0;
    }
  }
  return out;
}
