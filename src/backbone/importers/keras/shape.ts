/** Layers that move values without changing them: Dropout, Flatten, Reshape, ZeroPadding2D. */
import { z } from 'zod';
import { ShapeError } from '../../../core/errors.ts';
import type { GraphBuilder } from '../../../onnx/builder.ts';
import { int, ints, scalar, sizeOf } from '../../../onnx/model.ts';
import { configOf, type LayerCall, named, onlyInput, spatialInput, type Value, whereOf } from './layer.ts';
import { ChannelsLast } from './window.ts';

/** Nothing at inference. */
export function identity(call: LayerCall): Value {
  const { name, dims } = onlyInput(call);
  call.builder.add('Identity', [name], {}, { name: call.output, output: call.output });
  return { name: call.output, dims };
}

/** Keras flattens [H, W, C]. */
export function flatten(call: LayerCall): Value {
  const input = onlyInput(call);
  const { builder, output } = call;
  const last = channelsLast(builder, input, output);
  builder.add('Flatten', [last], { axis: int(1) }, named(output));
  return { name: output, dims: [sizeOf(input.dims)] };
}

export function reshape(call: LayerCall): Value {
  const { target_shape: target } = configOf(call, z.object({ target_shape: z.array(z.int()) }));
  const input = onlyInput(call);
  const size = sizeOf(input.dims);
  const known = sizeOf(target.filter((d) => d !== -1));
  const dims = target.map((d) => (d === -1 ? size / known : d));
  if (sizeOf(dims) !== size || dims.some((d) => !Number.isInteger(d)) || (dims.length !== 1 && dims.length !== 3))
    throw new ShapeError(
      'keras/reshape',
      `${whereOf(call)}: expected ${size} values as [C] or [H, W, C], got [${target.join(', ')}]`,
    );
  const { builder, output } = call;
  const last = channelsLast(builder, input, output);
  if (dims.length === 1) {
    builder.add('Reshape', [last, builder.ints([-1, ...dims])], {}, named(output));
    return { name: output, dims };
  }
  const [height, width, channels] = dims;
  const image = builder.add('Reshape', [last, builder.ints([-1, ...dims])], {}, { name: `${output}/nhwc` });
  builder.add('Transpose', [image], { perm: ints([0, 3, 1, 2]) }, named(output));
  return { name: output, dims: [channels!, height!, width!] };
}

/** An image in Keras's order of values. Where it has one pixel the orders agree and nothing is added. */
function channelsLast(builder: GraphBuilder, { name, dims }: Value, output: string): string {
  const [, height = 1, width = 1] = dims;
  if (height * width === 1) return name;
  return builder.add('Transpose', [name], { perm: ints([0, 2, 3, 1]) }, { name: `${output}/nhwc` });
}

const Sides = z.tuple([z.int().min(0), z.int().min(0)]);
const Pads = z.union([
  z.tuple([Sides, Sides]),
  z.tuple([z.int(), z.int()]).transform(
    ([h, w]) =>
      [
        [h, h],
        [w, w],
      ] as const,
  ),
  z.int().transform(
    (n) =>
      [
        [n, n],
        [n, n],
      ] as const,
  ),
]);

/** Zeros around the image: a node of its own, which `mergePads` merges into the convolution that follows. */
export function zeroPadding2D(call: LayerCall): Value {
  const { padding } = configOf(
    call,
    z.object({
      padding: Pads.default([
        [1, 1],
        [1, 1],
      ]),
      data_format: ChannelsLast,
    }),
  );
  const [[top, bottom], [left, right]] = padding;
  const { name, channels, height, width } = spatialInput(call);
  const { builder, output } = call;
  const zero = builder.constant(scalar(0), 'pad/0');
  const pads = builder.ints([0, 0, top, left, 0, 0, bottom, right]);
  builder.add('Pad', [name, pads, zero], {}, named(output));
  return { name: output, dims: [channels, height + top + bottom, width + left + right] };
}
