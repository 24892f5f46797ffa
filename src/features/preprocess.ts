import type { InputSpec } from '../backbone/types.ts';
import { type GraphBuilder, graphBuilder } from '../onnx/builder.ts';
import { float32, int, type Model } from '../onnx/model.ts';
import { addResize, type ResizeForm } from './resize.ts';

export const IR_VERSION = 8;
/** The first operator set whose Resize has `antialias` and `axes`. */
const OPSET = 18;

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
export function addPreprocessing(builder: GraphBuilder, input: InputSpec, output: string, form: ResizeForm): void {
  const pixels = builder.add('Cast', [IMAGE], { to: int(1) }, { name: 'pixels' });
  const planar = input.layout === 'NCHW';
  const resized = addResize(builder, pixels, input.size, planar, form);
  const ordered =
    input.channels === 'RGB'
      ? resized
      : builder.add('Gather', [resized, builder.ints([2, 1, 0])], { axis: int(planar ? 1 : 3) }, { name: 'bgr' });
  const perChannel = planar ? [1, 3, 1, 1] : [1, 1, 1, 3];
  const scaled = builder.add(
    'Mul',
    [ordered, builder.constant(float32(input.scale, perChannel))],
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
  addPreprocessing(builder, input, output, 'resize');
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
