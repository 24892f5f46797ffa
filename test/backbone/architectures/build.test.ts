import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildNetwork, detectArchitecture } from '../../../src/backbone/architectures/build.ts';
import type { StateDict, StoredTensor } from '../../../src/backbone/architectures/state-dict.ts';
import { ModelError, UsageError } from '../../../src/core/errors.ts';
import { sizeOf } from '../../../src/onnx/model.ts';
import { readGolden } from './golden.ts';

/** Weights of a golden network's shapes, whose values do not matter. */
function shapesOf(name: string, change: (shapes: Map<string, readonly number[]>) => void = () => {}): StateDict {
  const shapes = new Map<string, readonly number[]>(Object.entries(readGolden(name).shapes));
  change(shapes);
  return new Map(
    [...shapes].map(([key, dims]): [string, StoredTensor] => [
      key,
      { dims, dtype: 'float32', values: () => new Float32Array(sizeOf(dims)) },
    ]),
  );
}

const replaced =
  (replace: (name: string) => string) =>
  (shapes: Map<string, readonly number[]>): void => {
    const before = [...shapes];
    shapes.clear();
    for (const [name, dims] of before) shapes.set(replace(name), dims);
  };

describe('weights that do not make a network', () => {
  it('are listed: missing, of another shape, unexpected', () => {
    const state = shapesOf('resnet18', (shapes) => {
      shapes.delete('layer2.0.bn1.weight');
      shapes.set('layer3.1.conv2.weight', [256, 128, 3, 3]);
      shapes.set('layer9.weight', [1]);
    });
    const build = (): unknown => buildNetwork(state, { where: 'net.pth' });
    expect(build).toThrow(ModelError);
    expect(build).toThrow(
      'net.pth: expected the weights of resnet18, got 1 missing: layer2.0.bn1.weight [128]; 1 that do not fit: layer3.1.conv2.weight: expected [?, 256, 3, 3], got [256, 128, 3, 3]; 1 unexpected: layer9.weight',
    );
  });

  it('are listed up to a few', () => {
    const state = shapesOf('resnet18', (shapes) => {
      for (const name of [...shapes.keys()]) if (name.startsWith('layer4.1.bn')) shapes.delete(name);
      for (let i = 0; i < 20; i++) shapes.set(`extra${i}`, [1]);
    });
    expect(() => buildNetwork(state)).toThrow(/8 missing: .*; 20 unexpected: extra0, .*extra7, and 12 more$/);
  });

  it.each(
    ['resnet50', 'vgg16', 'inception_v3', 'densenet121', 'mobilenet_v2', 'efficientnet_b0', 'convnext_tiny'].concat([
      'vit',
      'mobilenet_v3_large',
    ]),
  )('are refused without any one of them: %s', (name) => {
    const names = Object.keys(readGolden(name).shapes).filter((n) => !n.startsWith('AuxLogits.'));
    for (let i = 0; i < names.length; i += Math.ceil(names.length / 9)) {
      const state = shapesOf(name, (shapes) => void shapes.delete(names[i]!));
      expect(() => buildNetwork(state, { size: readGolden(name).size })).toThrow(ModelError);
    }
  });

  it('of no known network are refused, with the families that are known', () => {
    const state = shapesOf('vit', (shapes) => void shapes.delete('class_token'));
    expect(() => detectArchitecture(state)).toThrow(
      /expected weights of resnet, inception_v3, densenet, .*, got conv_proj/,
    );
    expect(() => detectArchitecture(new Map())).toThrow(ModelError);
  });

  it('of another network than was asked for are refused', () => {
    expect(() => buildNetwork(shapesOf('resnet18'), { architecture: 'resnet50' })).toThrow(UsageError);
    expect(buildNetwork(shapesOf('resnet18'), { architecture: 'resnet18' }).name).toBe('resnet18');
    expect(buildNetwork(shapesOf('resnet18'), { architecture: 'resnet' }).name).toBe('resnet18');
  });

  it('with an endless number in a name end', () => {
    const state = shapesOf('resnet18', (shapes) => void shapes.set('layer1.99999999999.conv1.weight', [1]));
    expect(() => buildNetwork(state)).toThrow(/1 unexpected: layer1\.99999999999/);
  });
});

describe('weights with a shape changed at random', () => {
  it.each([
    'vit',
    'mobilenet_v3_small',
    'efficientnet_b0',
    'vgg11_bn',
    'resnext50_32x4d',
    'convnext_tiny',
    'densenet121',
  ])('make a network or are refused, and nothing else happens: %s', (name) => {
    const { shapes } = readGolden(name);
    const change = fc.tuple(fc.constantFrom(...Object.keys(shapes)), fc.array(fc.nat(70), { maxLength: 5 }));
    fc.assert(
      fc.property(change, ([key, dims]) => {
        const state = new Map(
          Object.entries({ ...shapes, [key]: dims }).map(([n, d]): [string, StoredTensor] => [
            n,
            { dims: d, dtype: 'float32', values: () => new Float32Array(0) },
          ]),
        );
        try {
          buildNetwork(state);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('the classifier', () => {
  const outputs = (state: StateDict): string[] => buildNetwork(state).model.graph.outputs.map((o) => o.name);

  it('gives logits where its weights are there', () => {
    expect(outputs(shapesOf('resnet18'))).toEqual(['layer4.1', 'logits']);
  });

  it('may be absent, or be of another task', () => {
    const absent = shapesOf('resnet18', (s) => void ['fc.weight', 'fc.bias'].map((n) => s.delete(n)));
    expect(outputs(absent)).toEqual(['layer4.1']);
    expect(
      outputs(
        shapesOf(
          'resnet18',
          replaced((n) => n.replace('fc.', 'fc.1.')),
        ),
      ),
    ).toEqual(['layer4.1']);
  });

  it('that is half there is refused', () => {
    expect(() => outputs(shapesOf('resnet18', (s) => void s.delete('fc.bias')))).toThrow(/1 missing: fc\.bias/);
  });
});

describe('published files of older versions', () => {
  it('have other names in DenseNet', () => {
    const old = replaced((n) => n.replace(/(denselayer\d+\.(?:norm|conv))([12])\./, '$1.$2.'));
    expect(shapesOf('densenet121', old).has('features.denseblock1.denselayer1.norm.1.weight')).toBe(true);
    expect(buildNetwork(shapesOf('densenet121', old)).name).toBe('densenet121');
  });

  it('have other names in transformers', () => {
    const old = replaced((n) => n.replace('.mlp.0.', '.mlp.linear_1.').replace('.mlp.3.', '.mlp.linear_2.'));
    expect(shapesOf('vit', old).has('encoder.layers.encoder_layer_0.mlp.linear_1.weight')).toBe(true);
    expect(buildNetwork(shapesOf('vit', old)).name).toBe('vit');
  });

  it('count batches, which does not matter', () => {
    const counting = shapesOf('resnet18', (s) => void s.set('bn1.num_batches_tracked', []));
    expect(buildNetwork(counting).name).toBe('resnet18');
  });

  it('may be without the auxiliary classifier', () => {
    const without = shapesOf('inception_v3', (shapes) => {
      for (const name of [...shapes.keys()]) if (name.startsWith('AuxLogits.')) shapes.delete(name);
    });
    expect(without.size).toBeLessThan(shapesOf('inception_v3').size);
    expect(buildNetwork(without).name).toBe('inception_v3');
  });
});

describe('sizes', () => {
  it('are those of the published weights', () => {
    const size = (name: string): number => buildNetwork(shapesOf(name)).size;
    expect([size('resnet18'), size('inception_v3'), size('efficientnet_b1')]).toEqual([224, 299, 240]);
  });

  it('are fixed by position embeddings', () => {
    expect(buildNetwork(shapesOf('vit')).size).toBe(32);
    expect(() => buildNetwork(shapesOf('vit'), { size: 64 })).toThrow(UsageError);
  });

  it('of attention heads must divide the width', () => {
    expect(() => buildNetwork(shapesOf('vit'), { heads: 3 })).toThrow(/heads that divide 128 channels, got 3/);
    expect(buildNetwork(shapesOf('vit'), { heads: 4 }).name).toBe('vit');
  });

  it('too small for the network are refused', () => {
    expect(() => buildNetwork(shapesOf('inception_v3'), { size: 40 })).toThrow(ModelError);
  });
});
