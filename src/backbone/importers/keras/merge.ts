/** Layers of several inputs: Concatenate, Add, Multiply. */
import { z } from 'zod';
import { ShapeError } from '../../../core/errors.ts';
import { int } from '../../../onnx/model.ts';
import { configOf, type LayerCall, type LayerRule, named, type Value, whereOf } from './layer.ts';

/** Joins along an axis of Keras; the channel, its last, is axis 1 here and the others move back by one. */
export function concatenate(call: LayerCall): Value {
  const first = firstOf(call);
  const rank = first.dims.length;
  const { axis } = configOf(call, z.object({ axis: z.int().default(-1) }));
  const last = axis === -1 || axis === rank;
  const onnxAxis = last ? 1 : (axis < 0 ? axis + rank + 1 : axis) + 1;
  if (onnxAxis < 1 || onnxAxis > rank)
    throw new ShapeError('keras/axis', `${whereOf(call)}: expected an axis of ${rank + 1} dimensions, got ${axis}`);
  const dims = [...first.dims];
  dims[onnxAxis - 1] = call.inputs.reduce((sum, input) => sum + (input.dims[onnxAxis - 1] ?? 0), 0);
  for (const input of call.inputs)
    if (input.dims.length !== rank || input.dims.some((d, i) => i !== onnxAxis - 1 && d !== dims[i]))
      throw mismatch(call);
  const { builder, output } = call;
  const names = call.inputs.map((input) => input.name);
  builder.add('Concat', names, { axis: int(onnxAxis) }, named(output));
  return { name: output, dims };
}

/** Folds inputs with a binary operator; a size of 1 is stretched. */
function elementwise(op: string): LayerRule {
  return (call: LayerCall): Value => {
    const { builder, output } = call;
    const last = call.inputs.length - 1;
    return call.inputs.reduce((left, right, i): Value => {
      if (i === 0) return right;
      if (left.dims.length !== right.dims.length) throw mismatch(call);
      const dims = left.dims.map((d, k) => {
        const e = right.dims[k]!;
        if (d !== e && d !== 1 && e !== 1) throw mismatch(call);
        return Math.max(d, e);
      });
      const options = i === last ? named(output) : { name: `${output}/${i}` };
      return { name: builder.add(op, [left.name, right.name], {}, options), dims };
    }, firstOf(call));
  };
}

export const add = elementwise('Add');
export const multiply = elementwise('Mul');

function firstOf(call: LayerCall): Value {
  const [first] = call.inputs;
  if (first === undefined || call.inputs.length < 2)
    throw new ShapeError('keras/inputs', `${whereOf(call)}: expected two inputs or more, got ${call.inputs.length}`);
  return first;
}

function mismatch(call: LayerCall): ShapeError {
  const shapes = call.inputs.map((input) => `[${input.dims.join(', ')}]`).join(' and ');
  return new ShapeError('keras/shapes', `${whereOf(call)}: expected inputs that fit together, got ${shapes}`);
}
