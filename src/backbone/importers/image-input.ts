/** The input of a network through which it sees. */
import { ModelError, UsageError } from '../../core/errors.ts';
import type { Graph, ValueInfo } from '../../onnx/model.ts';
import type { InputSpec } from '../types.ts';

/** What exports of image models on the Hugging Face hub call it, also where text is another input. */
const HUB_INPUT = 'pixel_values';

/** The image input, with the batch freed and the size fixed. */
export function findInput(
  graph: Graph,
  size: number | undefined,
  where: string,
): Pick<InputSpec, 'name' | 'size' | 'layout'> & { readonly info: ValueInfo } {
  const inputs = graph.inputs.filter((i) => !graph.initializers.has(i.name));
  const images = inputs.filter((i) => i.dtype === 'float32' && i.dims.length === 4);
  const input = images.find((i) => i.name === HUB_INPUT) ?? images[0];
  const shown = inputs.map((i) => `${i.name} ${i.dtype} [${i.dims.join(', ')}]`).join('; ');
  const wrong = new ModelError(
    'backbone/input',
    `${where}: expected one input, float32 [N, 3, H, W] or [N, H, W, 3], got ${shown || 'none'}`,
    'A model that nevus trained is no backbone: name the backbone it was made from.',
  );
  if (input === undefined || (images.length > 1 && input.name !== HUB_INPUT)) throw wrong;
  const layout = layoutOf(input);
  if (layout === undefined) throw wrong;
  const [height, width] = layout === 'NCHW' ? input.dims.slice(2) : input.dims.slice(1, 3);
  if (typeof height === 'number' && typeof width === 'number' && height !== width)
    throw new ModelError('backbone/input', `${where}: expected a square input, got ${height} × ${width}`);
  const fixed = [height, width].find((d) => typeof d === 'number');
  const side = fixed ?? size;
  if (typeof side !== 'number')
    throw new UsageError(
      'backbone/size',
      `${where}: expected an input of fixed size, got ${shown}`,
      'Say the height and width, in pixels, with the option size (the one it was trained with).',
    );
  if (size !== undefined && size !== side)
    throw new UsageError('backbone/size', `${where}: expected size ${side}, which the file fixes, got ${size}`);
  const dims = layout === 'NCHW' ? ['N', 3, side, side] : ['N', side, side, 3];
  return { name: input.name, size: side, layout, info: { name: input.name, dtype: 'float32', dims } };
}

function layoutOf({ name, dims }: ValueInfo): InputSpec['layout'] | undefined {
  if (dims[1] === 3) return 'NCHW';
  if (dims[3] === 3) return 'NHWC';
  // Exports of the hub leave even the channels free: [batch_size, num_channels, height, width].
  const named = typeof dims[1] === 'string' && (name === HUB_INPUT || /channel/i.test(dims[1]));
  return named ? 'NCHW' : undefined;
}
