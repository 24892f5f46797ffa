import type { InputSpec } from '../backbone/types.ts';
import { type GraphBuilder, graphBuilder } from '../onnx/builder.ts';
import { float32, int, ints, type Model, string } from '../onnx/model.ts';

/** Operator set of everything nevus writes: the first whose Resize has `antialias` and `axes`. */
export const OPSET = 18;
export const IR_VERSION = 8;

/** Name of the input of every shipped model: uint8 [N, H, W, 3], RGB. */
export const IMAGE = 'image';

/**
 * Pixels to the network's input, as nodes of the graph: antialiased linear resize to a square (the whole image,
 * squashed: nothing at the border is cut off), then `u8 · scale + offset`.
 *
 * @param builder where the nodes go
 * @param input the backbone's record of its input
 * @param output exact name of the result, float32 [N, 3, S, S] or [N, S, S, 3] as the backbone takes it
 */
export function addPreprocessing(builder: GraphBuilder, input: InputSpec, output: string): void {
  const pixels = builder.add('Cast', [IMAGE], { to: int(1) }, { name: 'pixels' });
  // Resize runs 10 times as fast with channels last.
  const resized = builder.add(
    'Resize',
    [pixels, '', '', builder.ints([input.size, input.size])],
    {
      mode: string('linear'),
      coordinate_transformation_mode: string('half_pixel'),
      antialias: int(1),
      axes: ints([1, 2]),
    },
    { name: 'resize' },
  );
  const ordered =
    input.channels === 'RGB'
      ? resized
      : builder.add('Gather', [resized, builder.ints([2, 1, 0])], { axis: int(3) }, { name: 'bgr' });
  const perChannel = input.layout === 'NCHW' ? [1, 3, 1, 1] : [1, 1, 1, 3];
  const placed =
    input.layout === 'NCHW'
      ? builder.add('Transpose', [ordered], { perm: ints([0, 3, 1, 2]) }, { name: 'nchw' })
      : ordered;
  const scaled = builder.add(
    'Mul',
    [placed, builder.constant(float32(input.scale, perChannel))],
    {},
    { name: 'scaled' },
  );
  builder.add('Add', [scaled, builder.constant(float32(input.offset, perChannel))], {}, { output, name: 'normalised' });
}

/** The preprocessing alone: `image` uint8 [N, H, W, 3] to the backbone's input, its one output. */
export function preprocessModel(input: InputSpec): Model {
  const builder = graphBuilder();
  // Not the name of the backbone's input, which may be `image` too.
  const output = 'network_input';
  addPreprocessing(builder, input, output);
  const size = input.size;
  const dims = input.layout === 'NCHW' ? ['N', 3, size, size] : ['N', size, size, 3];
  return {
    graph: builder.graph(
      [{ name: IMAGE, dtype: 'uint8', dims: ['N', 'H', 'W', 3] }],
      [{ name: output, dtype: 'float32', dims }],
    ),
    opset: OPSET,
    domains: {},
    irVersion: IR_VERSION,
    producer: 'nevus',
    metadata: {},
  };
}
