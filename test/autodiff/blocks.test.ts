import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PORTABLE, type Target } from '../../src/autodiff/lower/lower.ts';
import { blockSize } from '../../src/onnx/blocked.ts';
import { convnext, dense, inverted, squeezeExcite } from './blocks/convolutional.ts';
import { type Block, LOSS } from './blocks/layers.ts';
import { vit, vitBlock } from './blocks/transformer.ts';
import { answer, distance, type Golden, type GradientModel, gradientModel } from './parity.ts';

/** Relative to a gradient's norm: float32 against float64, through some twenty layers. */
const TOLERANCE = 1e-4;
const LOSS_TOLERANCE = 1e-5;

/** The first with a Gelu operator. */
const OPSET = 20;

const golden: Readonly<Record<string, { seed: number; loss: number; gradients: Readonly<Record<string, Golden>> }>> =
  JSON.parse(readFileSync(new URL('../golden/blocks.json', import.meta.url), 'utf8'));

/** Each with the name of its golden values. */
const BLOCKS: Readonly<Record<string, readonly [name: string, make: (seed: number) => Block]>> = {
  'ViT block': ['vit block', (seed) => vitBlock(seed, 'operator')],
  'ViT block, Gelu and LayerNorm decomposed': ['vit block', (seed) => vitBlock(seed, 'decomposed')],
  'small ViT': ['vit', vit],
  'ConvNeXt block': ['convnext', convnext],
  'squeeze-excite of EfficientNet': ['squeeze-excite, swish', (seed) => squeezeExcite(seed, 'swish')],
  'squeeze-excite of MobileNetV3': ['squeeze-excite, hard', (seed) => squeezeExcite(seed, 'hard')],
  'dense block and transition': ['dense', dense],
  'inverted residuals, moments of the batch': ['inverted', inverted],
};

const block = await blockSize();
const TARGETS: readonly (readonly [name: string, target: Target])[] = [
  ['portable', PORTABLE],
  ...(block > 0 ? [[`blocks of ${block}`, { block }] as const] : []),
];

function modelOf(name: string, target: Target): GradientModel {
  const [values, make] = BLOCKS[name]!;
  const { graph, feeds, wrt } = make(golden[values]!.seed);
  return gradientModel(graph, feeds, { loss: LOSS, wrt, opset: OPSET, target });
}

describe.each(TARGETS)('blocks have the gradients of PyTorch: %s', (_, target) => {
  it.each(Object.keys(BLOCKS))('%s', async (name) => {
    const { loss, gradients } = golden[BLOCKS[name]![0]]!;
    const model = modelOf(name, target);
    const got = await answer(model);
    expect(Math.abs(got.loss / loss - 1)).toBeLessThan(LOSS_TOLERANCE);
    expect([...got.gradients.keys()].sort()).toEqual(Object.keys(gradients).sort());
    const errors = Object.entries(gradients).map(([w, g]) => [w, distance(got.gradients.get(w), g)] as const);
    // Written so that NaN fails.
    expect(errors.filter(([, e]) => !(e <= TOLERANCE)).map(([w, e]) => `${w}: ${e}`)).toEqual([]);
  });
});

describe.each(Object.keys(BLOCKS))('%s', (name) => {
  it('is differentiated to the same bytes again', () => {
    expect(Buffer.from(modelOf(name, PORTABLE).bytes).equals(modelOf(name, PORTABLE).bytes)).toBe(true);
  });

  it('has the same gradients to the last bit in another session', async () => {
    const model = modelOf(name, PORTABLE);
    const first = await answer(model, { threads: 2 });
    for (let i = 0; i < 2; i++) expect(await answer(model, { threads: 2 })).toEqual(first);
  });
});
