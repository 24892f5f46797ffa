import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCut } from '../../../src/backbone/cuts.ts';
import { importTorch } from '../../../src/backbone/importers/torch/import.ts';
import { ModelError, UsageError } from '../../../src/core/errors.ts';
import { writeSafetensors } from '../../../src/core/safetensors.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { goldenImages, goldenState, readGolden } from '../architectures/golden.ts';

const golden = readGolden('vit');
const path = join(mkdtempSync(join(tmpdir(), 'nevus-import-')), 'small-vit.safetensors');
const tensors = [...goldenState(golden)].map(
  ([name, { dims, values }]) => [`module.${name}`, { dims, data: values() }] as const,
);
writeSafetensors(path, new Map(tensors), { format: 'pt' });

describe('a file of weights as a backbone', () => {
  const backbone = importTorch(path);

  it('says what it is', () => {
    expect(backbone).toMatchObject({
      name: 'vit',
      features: 'encoder.ln',
      licence: 'unknown: give --licence',
      input: { name: 'input', size: 32, layout: 'NCHW', channels: 'RGB' },
    });
    expect(backbone.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(backbone.origin).toContain('small-vit.safetensors');
    // (255 / 255 − mean) / deviation of red
    expect(255 * backbone.input.scale[0] + backbone.input.offset[0]).toBeCloseTo((1 - 0.485) / 0.229, 6);
  });

  it('runs up to its features, without the classifier', async () => {
    expect(backbone.model.graph.outputs.map((o) => o.name)).toEqual(['encoder.ln']);
    expect(backbone.model.graph.initializers.has('heads.head.weight')).toBe(false);
    const session = await openSession(backbone.model);
    const { 'encoder.ln': features } = await session.run({ input: goldenImages(golden) });
    await session.close();
    expect(features!.dims).toEqual([golden.batch, 128]);
    const weight = goldenState(golden).get('heads.head.weight')!.values();
    const bias = goldenState(golden).get('heads.head.bias')!.values();
    // W x + b are the logits of PyTorch.
    golden.logits.forEach((logit, i) => {
      const [image, label] = [Math.floor(i / 10), i % 10];
      let sum = bias[label]!;
      for (let c = 0; c < 128; c++) sum += Number(features!.data[image * 128 + c]) * weight[label * 128 + c]!;
      expect(Math.abs(sum - logit)).toBeLessThan(1e-4);
    });
  });

  it('has cuts by the names of its modules', () => {
    expect(backbone.cuts.map((c) => c.name)).toEqual([
      'input',
      'conv_proj',
      'encoder.dropout',
      'encoder.layers.encoder_layer_0',
      'encoder.layers.encoder_layer_1',
      'encoder.ln',
    ]);
    expect(findCut(backbone, 'encoder.layers.encoder_layer_0').dims).toEqual([17, 128]);
  });

  it('takes licence, origin and normalisation from the caller', () => {
    const told = importTorch(path, { licence: 'MIT', origin: 'here', normalisation: 'symmetric', architecture: 'vit' });
    expect(told).toMatchObject({ licence: 'MIT', origin: 'here', input: { offset: [-1, -1, -1] } });
  });

  it('contradicts options that are not so', () => {
    expect(() => importTorch(path, { architecture: 'resnet50' })).toThrow(UsageError);
    expect(() => importTorch(path, { size: 224 })).toThrow(UsageError);
    expect(() => importTorch(path, { size: 0.5 })).toThrow(UsageError);
  });

  it('is refused if it is of no network', () => {
    const other = path.replace('small-vit', 'other');
    writeSafetensors(other, new Map([['w', { dims: [1], data: Float32Array.of(1) }]]), {});
    expect(() => importTorch(other)).toThrow(ModelError);
  });
});
