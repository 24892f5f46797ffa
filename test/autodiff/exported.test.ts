import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differentiate, gradientName } from '../../src/autodiff/differentiate.ts';
import { float32, int64, type Model, sizeOf, type Tensor } from '../../src/onnx/model.ts';
import { constantsToInitializers } from '../../src/onnx/passes/constant-nodes.ts';
import { decodeModel } from '../../src/onnx/protobuf.ts';
import { openSession } from '../../src/onnx/session.ts';
import { formulaValues } from './golden-values.ts';
import { distance, type Golden } from './parity.ts';

/** Relative to a gradient's norm: float32 against float64. */
const TOLERANCE = 1e-4;

interface GoldenFile {
  readonly seed: number;
  /** Shape of the input x. */
  readonly dims: readonly number[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Golden>>;
}
const FOLDER = new URL('../golden/exported/', import.meta.url);
const golden: Readonly<Record<string, GoldenFile>> = JSON.parse(
  readFileSync(new URL('../golden/exported.json', import.meta.url), 'utf8'),
);

/** The input that scripts/golden/exported.py makes: numbers, or of `tokens` words. */
function exampleOf(name: string, { seed, dims }: GoldenFile): Tensor {
  if (name.startsWith('tokens'))
    return int64(
      Array.from({ length: dims[0]! * dims[1]! }, (_, i) => (i * 7 + seed) % 11),
      dims,
    );
  return formulaValues('x', seed, dims, -1.5, 1.5);
}

async function run(model: Model, values: ReadonlyMap<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await openSession(model, { threads: 1 });
  const results = await session.run(Object.fromEntries(session.inputs.map((name) => [name, values.get(name)!])));
  await session.close();
  return results;
}

/** What is not differentiated yet, and says so. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  // Control flow: LocalResponseNorm asks at run time whether an axis has size 1.
  'response_norm.onnx': /If.*GRAPH/,
  'response_norm_n.onnx': /If.*GRAPH/,
  'warp_n.onnx': /operator GridSample has no gradient rule/,
};

/** The examples of x, several times. */
function repeated(x: Tensor, times: number): Tensor {
  const dims = x.dims.with(0, x.dims[0]! * times);
  const numbers = Array.from<number | bigint, number>(x.data, Number);
  const all = Array.from({ length: times }, () => numbers).flat();
  return x.dtype === 'int64' ? int64(all, dims) : float32(all, dims);
}

describe('networks exported by PyTorch', () => {
  it('all have golden values', () => {
    expect(Object.keys(golden).sort()).toEqual(readdirSync(FOLDER).sort());
  });

  // A name that ends in _n has a batch of any size.
  it.each(Object.keys(golden).filter((name) => !(name in REFUSED)))('have its gradients: %s', async (name) => {
    const file = golden[name]!;
    const model = decodeModel(readFileSync(new URL(name, FOLDER)));
    const gradients = differentiate(model, { loss: 'loss', wrt: Object.keys(file.gradients) });
    const values = constantsToInitializers(model.graph).initializers;
    const x = exampleOf(name, file);
    // The loss is a sum over examples: all of them twice give twice the loss, and twice the gradient of every weight.
    for (const times of name.endsWith('_n.onnx') ? [1, 2] : [1]) {
      const results = await run(gradients, new Map([...values, ['x', repeated(x, times)]]));
      const errors = Object.entries(file.gradients).map(([weight, g]) => {
        const got = Float32Array.from(results[gradientName(weight)]!.data, Number);
        const once = weight === 'x' ? got.slice(0, sizeOf(x.dims)) : got.map((v) => v / times);
        return [weight, distance(once, g)] as const;
      });
      errors.push(['loss', Math.abs(Number(results.loss!.data[0]) / times / file.loss - 1)]);
      // Written so that NaN fails.
      const wrong = errors.filter(([, e]) => !(e <= TOLERANCE)).map(([weight, e]) => `${weight}: ${e}`);
      expect(wrong, `batch × ${times}`).toEqual([]);
    }
  });

  it.each(Object.entries(REFUSED))('are refused by name: %s', (name, message) => {
    const wrt = Object.keys(golden[name]!.gradients);
    expect(() => differentiate(decodeModel(readFileSync(new URL(name, FOLDER))), { loss: 'loss', wrt })).toThrow(
      message,
    );
  });
});
