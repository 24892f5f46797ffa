/** Blocks of vision transformers. Tokens are [N, L, D]. */
import { int } from '../../../src/onnx/model.ts';
import { type Block, type Form, INPUT, type Layers, layers } from './layers.ts';

interface Size {
  readonly n: number;
  readonly length: number;
  readonly width: number;
  readonly heads: number;
}

/** Queries, keys and values by one product; attention in every head; the heads side by side through another product. */
function attention(net: Layers, x: string, name: string, { n, length, width, heads }: Size): string {
  const { b, op, linear, reshape, transpose } = net;
  const size = width / heads;
  const qkv = reshape(linear(x, `${name}/qkv`, width, 3 * width), [n, length, 3, heads, size]);
  // [3, N, heads, L, size]
  const parts = b.addMany('Split', [transpose(qkv, [2, 0, 3, 1, 4]), b.ints([1, 1, 1])], 3, { axis: int(0) });
  const [q, k, v] = parts.map((part) => op('Squeeze', [part, b.ints([0])]));
  const scores = op('MatMul', [op('Mul', [q!, b.scalar(size ** -0.5)]), transpose(k!, [0, 1, 3, 2])]);
  const mixed = op('MatMul', [op('Softmax', [scores]), v!]);
  return linear(reshape(transpose(mixed, [0, 2, 1, 3]), [n, length, width]), `${name}/projection`, width, width);
}

function encoder(net: Layers, x: string, name: string, size: Size, form: Form): string {
  const { op, linear, layerNorm, gelu } = net;
  const { width } = size;
  const y = op('Add', [x, attention(net, layerNorm(x, `${name}/norm1`, width, form), `${name}/attention`, size)]);
  const hidden = gelu(linear(layerNorm(y, `${name}/norm2`, width, form), `${name}/mlp1`, width, 4 * width), form);
  return op('Add', [y, linear(hidden, `${name}/mlp2`, 4 * width, width)]);
}

/** LayerNorm, attention, LayerNorm, MLP with Gelu, with its two shortcuts. */
export function vitBlock(seed: number, form: Form): Block {
  const net = layers(seed);
  const size = { n: 2, length: 7, width: 24, heads: 3 };
  return net.finish(encoder(net, INPUT, 'block', size, form), [2, 7, 24], [2, 7, 24]);
}

/** A whole small ViT: patches, class token, position embedding, two blocks, LayerNorm, classes. */
export function vit(seed: number): Block {
  const net = layers(seed);
  const { b, op, weight, conv, linear, layerNorm, reshape, transpose } = net;
  const [n, width] = [2, 24];
  const patches = conv(INPUT, 'patches', [3, width], 4, { stride: 4 });
  const tokens = transpose(reshape(patches, [n, width, -1]), [0, 2, 1]);
  const token = op('Expand', [weight('token', [1, 1, width], -1, 1), b.ints([n, 1, width])]);
  const all = b.add('Concat', [token, tokens], { axis: int(1) });
  let x = op('Add', [all, weight('positions', [1, 10, width], -0.5, 0.5)]);
  for (const name of ['block1', 'block2']) x = encoder(net, x, name, { n, length: 10, width, heads: 4 }, 'operator');
  const first = b.add(
    'Gather',
    [layerNorm(x, 'norm', width), b.constant({ dtype: 'int64', dims: [], data: new BigInt64Array(1) })],
    {
      axis: int(1),
    },
  );
  const logits = op('LogSoftmax', [linear(first, 'head', width, 5)]);
  return net.finish(logits, [n, 3, 12, 12], [n, 5]);
}
