import { rngOf } from '../../src/core/rng.ts';
import { type GraphBuilder, graphBuilder } from '../../src/onnx/builder.ts';
import { type Dim, float32, int, int64, ints, type Model, type ValueInfo } from '../../src/onnx/model.ts';

export const SIDE = 16;
export const WIDTH = 8;
const PATCH = 4;
const PATCHES = (SIDE / PATCH) ** 2;
const HEADS = 2;

export interface VitOptions {
  /** Tokens before those of the patches. Default 1, the class token. */
  readonly others?: number;
  readonly opset?: number;
  /** Dimensions of the input; default all free, as exports of the hub have them. */
  readonly dims?: readonly Dim[];
  /** What the network gives out, in the words of known exports. Default ViT's: tokens and a pooling with tanh. */
  readonly outputs?: 'vit' | 'dinov2' | 'clip' | 'siglip' | 'classifier';
}

/** A transformer for images of two blocks with random weights, written as exporters write it. */
export function tinyVit({ others = 1, opset = 17, dims, outputs = 'vit' }: VitOptions = {}): Model {
  const b = graphBuilder();
  const rng = rngOf(1, 'vit');
  const weight = (...shape: number[]): string =>
    b.constant(
      float32(
        Float32Array.from({ length: shape.reduce((x, y) => x * y, 1) }, () => rng.normal() * 0.3),
        shape,
      ),
    );
  const linear = (x: string, from: number, to: number): string =>
    b.add('Add', [b.add('MatMul', [x, weight(from, to)]), weight(to)]);
  const norm = (x: string, output?: string): string =>
    b.add('LayerNormalization', [x, weight(WIDTH), weight(WIDTH)], {}, output === undefined ? {} : { output });

  const maps = b.add('Conv', ['pixel_values', weight(WIDTH, 3, PATCH, PATCH)], { strides: ints([PATCH, PATCH]) });
  const rows = b.add('Reshape', [maps, b.ints([0, WIDTH, PATCHES])]);
  let x = b.add('Transpose', [rows], { perm: ints([0, 2, 1]) });
  if (others > 0) {
    const batch = b.add('Gather', [b.add('Shape', ['pixel_values']), b.ints([0])], { axis: int(0) });
    const shape = b.add('Concat', [batch, b.ints([others, WIDTH])], { axis: int(0) });
    x = b.add('Concat', [b.add('Expand', [weight(1, others, WIDTH), shape]), x], { axis: int(1) });
  }
  x = b.add('Add', [x, weight(1, PATCHES + others, WIDTH)]);
  for (const layer of ['layer.0', 'layer.1']) {
    x = b.add('Add', [attention(b, norm(x), linear), x], {}, { output: `/encoder/${layer}/Add_output_0` });
    const hidden = linear(norm(x), WIDTH, 2 * WIDTH);
    const half = b.add('Add', [b.add('Erf', [b.add('Div', [hidden, b.scalar(Math.SQRT2)])]), b.scalar(1)]);
    const gelu = b.add('Mul', [b.add('Mul', [hidden, half]), b.scalar(0.5)]);
    x = b.add('Add', [linear(gelu, 2 * WIDTH, WIDTH), x], {}, { output: `/encoder/${layer}/Add_1_output_0` });
  }
  const given = finish(b, x, { outputs, norm, weight });
  const free = ['batch_size', 'num_channels', 'height', 'width'];
  const input: ValueInfo = { name: 'pixel_values', dtype: 'float32', dims: dims ?? free };
  const text: ValueInfo = { name: 'input_ids', dtype: 'int64', dims: ['batch_size', 'sequence_length'] };
  const inputs = outputs === 'clip' ? [text, input] : [input];
  return { graph: b.graph(inputs, given), opset, domains: {}, irVersion: 8, producer: 'test', metadata: {} };
}

function attention(b: GraphBuilder, x: string, linear: (x: string, from: number, to: number) => string): string {
  const heads = (perm: number[]): string =>
    b.add('Transpose', [b.add('Reshape', [linear(x, WIDTH, WIDTH), b.ints([0, -1, HEADS, WIDTH / HEADS])])], {
      perm: ints(perm),
    });
  const scores = b.add('Div', [b.add('MatMul', [heads([0, 2, 1, 3]), heads([0, 2, 3, 1])]), b.scalar(2)]);
  const mixed = b.add('MatMul', [b.add('Softmax', [scores], { axis: int(-1) }), heads([0, 2, 1, 3])]);
  const back = b.add('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) });
  return linear(b.add('Reshape', [back, b.ints([0, -1, WIDTH])]), WIDTH, WIDTH);
}

interface Ending {
  readonly outputs: NonNullable<VitOptions['outputs']>;
  readonly norm: (x: string, output?: string) => string;
  readonly weight: (...shape: number[]) => string;
}

function finish(b: GraphBuilder, x: string, { outputs, norm, weight }: Ending): ValueInfo[] {
  const states: ValueInfo = { name: 'last_hidden_state', dtype: 'float32', dims: ['batch_size', 'tokens', WIDTH] };
  const vector = (name: string, width = WIDTH): ValueInfo => ({ name, dtype: 'float32', dims: ['batch_size', width] });
  const first = (tokens: string, output?: string): string =>
    b.add('Gather', [tokens, b.constant(int64([0], []))], { axis: int(1) }, output === undefined ? {} : { output });
  const gemm = (y: string, to: number, output?: string): string =>
    b.add('Gemm', [y, weight(WIDTH, to)], {}, output === undefined ? {} : { output });
  switch (outputs) {
    case 'vit': {
      const pooled = gemm(first(norm(x, 'last_hidden_state')), WIDTH);
      b.add('Tanh', [pooled], {}, { output: 'pooler_output' });
      return [states, vector('pooler_output')];
    }
    case 'dinov2':
      first(norm(x, 'last_hidden_state'), 'pooler_output');
      return [states, vector('pooler_output')];
    case 'clip': {
      b.add('Identity', [x], {}, { output: 'last_hidden_state' });
      gemm(norm(first(x), 'pooler_output'), 5, 'image_embeds');
      // The other tower, and what both make together.
      const text = b.add('Cast', ['input_ids'], { to: int(1) });
      b.add('ReduceMean', [text], { axes: ints([1]), keepdims: int(1) }, { output: 'text_embeds' });
      b.add('MatMul', ['image_embeds', b.constant(float32([1, 0, 0, 0, 0], [5, 1]))], {}, { output: 'similarity' });
      b.add('Mul', ['similarity', 'text_embeds'], {}, { output: 'logits_per_image' });
      return [vector('logits_per_image', 1), vector('text_embeds', 1), vector('image_embeds', 5), states];
    }
    case 'siglip':
      norm(x, 'last_hidden_state');
      return [states];
    case 'classifier':
      gemm(first(norm(x)), 3, 'logits');
      return [vector('logits', 3)];
  }
}
