import { int, int64 } from '../../onnx/model.ts';
import type { Architecture, BuildOptions, Built } from './architecture.ts';
import { conv, gemm, hasClassifier, layerNorm, linear, named, weightsOf } from './layers.ts';
import type { Net, Value } from './net.ts';
import { activate, add, reshape, transpose } from './operations.ts';
import { countUnder, type StateDict } from './state-dict.ts';

/** Width, blocks and side of a patch. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['768, 12, 16', 'vit_b_16'],
  ['768, 12, 32', 'vit_b_32'],
  ['1024, 24, 16', 'vit_l_16'],
  ['1024, 24, 32', 'vit_l_32'],
  ['1280, 32, 14', 'vit_h_14'],
]);

const EPSILON = 1e-6;
const LAYERS = 'encoder.layers.encoder_layer_';
/** Channels of an attention head, in all published networks but ViT-H. */
const HEAD_WIDTH = 64;
const HUGE = { width: 1280, heads: 16 };

/**
 * Vision transformers: Dosovitskiy et al. 2020, arXiv:2010.11929. The features are the class token, a vector; between
 * blocks there are tokens [N, 1 + patches, C].
 */
export const vit: Architecture = {
  family: 'vit',
  recognises: (state) => state.has('conv_proj.weight') && state.has('class_token'),
  // Files published for old versions of torchvision name the two layers themselves.
  renamed: (name) => name.replace(/\.mlp\.linear_([12])\./, (_, i: string) => `.mlp.${i === '1' ? 0 : 3}.`),
  identify: (state) => {
    const { width, patch, tokens } = sizesOf(state);
    return {
      name: NAMES.get(`${width}, ${countUnder(state, LAYERS)}, ${patch}`) ?? 'vit',
      size: patch * Math.round(Math.sqrt(tokens - 1)),
      fixedSize: true,
    };
  },
  build: (net, input, options): Built => {
    const { width, patch, tokens } = sizesOf(net.state);
    const heads = headsOf(net, width, options);
    const patches = net.cut(conv(net, input, 'conv_proj', { kernel: patch, stride: patch, bias: true }));
    let x = net.cut(embed(net, patches, { width, tokens }));
    for (let i = 0; i < countUnder(net.state, LAYERS); i++)
      x = net.cut(block(net, x, `${LAYERS}${i}`, { width, tokens, heads }));
    // Only the class token is read from here on, and normalisation is token by token.
    const { builder } = net;
    const [from, to] = [builder.ints([0]), builder.ints([1])];
    const first = builder.add('Slice', [x.name, from, to, to], {}, { name: 'class_token/first' });
    const flat = builder.add('Flatten', [first], { axis: int(1) }, { name: 'class_token/flat' });
    const features = net.cut(layerNorm(net, { name: flat, channels: x.channels }, 'encoder.ln', EPSILON));
    const logits = hasClassifier(net, 'heads.', weightsOf('heads.head'))
      ? linear(net, features, 'heads.head', 'logits')
      : undefined;
    return { features, logits };
  },
};

interface Sizes {
  readonly width: number;
  /** Patches and the class token. */
  readonly tokens: number;
}

function sizesOf(state: StateDict): Sizes & { readonly patch: number } {
  const [width = 1, , patch = 1] = state.get('conv_proj.weight')?.dims ?? [];
  return { width, patch, tokens: state.get('encoder.pos_embedding')?.dims[1] ?? 2 };
}

function headsOf(net: Net, width: number, { heads }: BuildOptions): number {
  const count = heads ?? (width === HUGE.width ? HUGE.heads : Math.max(1, Math.round(width / HEAD_WIDTH)));
  if (Number.isInteger(count) && count >= 1 && width % count === 0) return count;
  net.problem(`expected heads that divide ${width} channels, got ${count}`);
  return 1;
}

/** [N, C, h, w] → [N, 1 + h w, C]: the class token before the patches, and the embedding of each position added. */
function embed(net: Net, patches: Value, { width, tokens }: Sizes): Value {
  const { builder } = net;
  const classToken = net.weight('class_token', [1, 1, width]);
  const positions = net.weight('encoder.pos_embedding', [1, tokens, width]);
  const pads = (values: readonly number[]): string => builder.constant(int64(values));
  const flat = transpose(net, reshape(net, patches, [0, width, -1]), [0, 2, 1], 'encoder/patches');
  // Zeros stand in each where the other has values.
  const shifted = builder.add('Pad', [flat.name, pads([0, 1, 0, 0, 0, 0])], {}, { name: 'encoder/shifted' });
  const alone = builder.add('Pad', [classToken, pads([0, 0, 0, 0, tokens - 1, 0])], {}, { name: 'encoder/alone' });
  const embedding = builder.add('Add', [alone, positions], {}, { name: 'encoder/embedding' });
  const sum = builder.add('Add', [shifted, embedding], {}, named('encoder.dropout', 'Add'));
  return { name: sum, channels: width };
}

/** y = x + attention(norm(x)), then y + W₂ gelu(W₁ norm(y)). */
function block(net: Net, x: Value, prefix: string, sizes: Sizes & { readonly heads: number }): Value {
  const { width, tokens } = sizes;
  const mixed = attention(net, layerNorm(net, x, `${prefix}.ln_1`, EPSILON), `${prefix}.self_attention`, sizes);
  const y = add(net, mixed, x, `${prefix}/attended`);
  const rows = reshape(net, layerNorm(net, y, `${prefix}.ln_2`, EPSILON), [-1, width]);
  const wide = activate(net, linear(net, rows, `${prefix}.mlp.0`), 'gelu', `${prefix}.mlp.1`);
  const narrow = reshape(net, linear(net, wide, `${prefix}.mlp.3`), [-1, tokens, width]);
  return add(net, narrow, y, prefix);
}

/** softmax(Q Kᵀ / √d) V per head, with Q, K and V of one product, then a product of all heads. */
function attention(
  net: Net,
  x: Value,
  prefix: string,
  { width, tokens, heads }: Sizes & { readonly heads: number },
): Value {
  const { builder } = net;
  const rows = reshape(net, x, [-1, width]);
  const weights = [`${prefix}.in_proj_weight`, `${prefix}.in_proj_bias`] as const;
  const depth = width / heads;
  const all = gemm(net, rows, weights, 3 * width, `${prefix}.in_proj`);
  const apart = reshape(net, all, [-1, tokens, 3, heads, depth]);
  // [3, N, heads, tokens, depth]
  const turned = transpose(net, apart, [2, 0, 3, 1, 4], `${prefix}/qkv`);
  const split = builder.addMany('Split', [turned.name, builder.ints([1, 1, 1])], 3, { axis: int(0) });
  const [q, k, v] = split.map((part) => builder.add('Squeeze', [part, builder.ints([0])]));
  const scaled = builder.add('Mul', [q!, builder.scalar(1 / Math.sqrt(depth))]);
  const turnedK = transpose(net, { name: k!, channels: tokens }, [0, 1, 3, 2], `${prefix}/keys`);
  const scores = builder.add('MatMul', [scaled, turnedK.name], {}, { name: `${prefix}/scores` });
  const shares = builder.add('Softmax', [scores], { axis: int(-1) }, { name: `${prefix}/shares` });
  const read = builder.add('MatMul', [shares, v!], {}, { name: `${prefix}/read` });
  const together = transpose(net, { name: read, channels: width }, [0, 2, 1, 3], `${prefix}/together`);
  const joined = linear(net, reshape(net, together, [-1, width]), `${prefix}.out_proj`);
  return reshape(net, joined, [-1, tokens, width]);
}
