import { describe, expect, it } from 'vitest';
import { workplace } from './nevus.ts';
import { writeTinyBackbone } from './tiny-backbone.ts';

const at = workplace();

describe('examples', () => {
  it('run one after the other as they are', async () => {
    writeTinyBackbone(at.path('tiny.onnx'));
    const trained = await at.example('train.ts', 'out', at.path('tiny.onnx'));
    expect(trained).toMatchObject({ code: 0, stderr: '' });
    expect(trained.stdout).toMatch(
      /^60 pictures .*\ntest AUC, malignant or not: [\d.]+\n.*phantom-00001\.jpg: \w+ 0\.\d+\n$/,
    );
    // A second time, the run is there already.
    const again = await at.example('train.ts', 'out', at.path('tiny.onnx'));
    expect(again.stdout).toBe(trained.stdout);
    const [evaluated, similar] = await Promise.all([
      at.example('evaluate.ts', 'out/run', 'out/phantoms'),
      at.example('similar.ts', 'out/run', 'out/phantoms'),
    ]);
    expect(evaluated).toMatchObject({ code: 0, stderr: '' });
    expect(evaluated.stdout).toMatch(/^60 images of \d+ lesions\nbalanced accuracy 0\.\d+\nbenign: /);
    expect(similar).toMatchObject({ code: 0, stderr: '' });
    expect(similar.stdout).toMatch(/^phantom-00001 {2}similarity 1\.000 {2}benign 0\.\d\d, malignant 0\.\d\d\n/);
    expect(similar.stdout.trim().split('\n')).toHaveLength(5);
  });

  it('differentiate and train a network of their own', async () => {
    const { code, stdout, stderr } = await at.example('gradients.ts', 'spirals.onnx');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^loss 0\.\d{3}, gradient by x: \[96, 2\]\nstep 0: loss 0\.\d{3}\n/);
    const right = Number(/(\d+) of 96 points on the right spiral/.exec(stdout)?.[1]);
    expect(right).toBeGreaterThan(90);
  });
});
