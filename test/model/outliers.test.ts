import { describe, expect, it } from 'vitest';
import { NumericError, ShapeError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import { addOutlierScore, fitOutliers, type OutlierModel, outlierScores } from '../../src/model/outliers.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32 } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';

/** Three classes in many dimensions, spread along a few directions. */
function cloud(n: number, width: number, seed: number, shift = 0): { features: Float32Array; targets: number[] } {
  const shape = rngOf(7, 'shape');
  const directions = Array.from({ length: 3 }, () => Array.from({ length: width }, () => shape.normal()));
  const centres = Array.from({ length: 3 }, () => Array.from({ length: width }, () => 4 + shape.normal()));
  const rng = rngOf(seed, 'cloud');
  const targets = Array.from({ length: n }, (_, i) => i % 3);
  const features = new Float32Array(n * width);
  targets.forEach((t, i) => {
    const along = directions.map(() => 0.5 * rng.normal());
    for (let f = 0; f < width; f++) {
      const there = along.reduce((sum, a, d) => sum + a * directions[d]![f]!, 0);
      features[i * width + f] = centres[t]![f]! + there + 0.2 * rng.normal() + (f % 2 === 0 ? shift : -shift);
    }
  });
  return { features, targets };
}

async function graphScores(
  model: OutlierModel,
  features: Float32Array,
  opset: number,
): Promise<ArrayLike<number | bigint>> {
  const width = model.mean.length;
  const builder = graphBuilder();
  addOutlierScore(builder, model, 'features', 'ood_score');
  const graph = builder.graph(
    [{ name: 'features', dtype: 'float32', dims: ['N', width] }],
    [{ name: 'ood_score', dtype: 'float32', dims: ['N'] }],
  );
  const session = await openSession(
    { graph, opset, domains: {}, irVersion: 8, producer: 'test', metadata: {} },
    { threads: 1 },
  );
  const n = features.length / width;
  const { ood_score: score } = await session.run({ features: float32(features, [n, width]) });
  await session.close();
  expect(score!.dims).toEqual([n]);
  return score!.data;
}

describe('fitOutliers', () => {
  const { features, targets } = cloud(400, 100, 1);
  const model = fitOutliers(features, targets, 4);

  it.each([17, 18, 21])('is the same in a graph of operator set %i', async (opset) => {
    const asked = Float32Array.from([
      ...cloud(20, 100, 2).features,
      ...cloud(5, 100, 3, 3).features,
      ...new Float32Array(100),
    ]);
    const expected = outlierScores(model, asked);
    const got = await graphScores(model, asked, opset);
    expected.forEach((score, i) => {
      expect(Math.abs(Number(got[i]) / score - 1)).toBeLessThan(1e-3);
    });
  });

  it('tells what is like the training images from what is not', () => {
    const like = outlierScores(model, cloud(200, 100, 4).features);
    const unlike = outlierScores(model, cloud(200, 100, 5, 1).features);
    expect(Math.min(...unlike)).toBeGreaterThan(Math.max(...like));
  });

  it('is the Mahalanobis distance where the subspace is everything', () => {
    // Two dimensions, one class: against the formula, with the little shrinkage that there always is.
    const rng = rngOf(1, 'plane');
    const plane = Float32Array.from({ length: 4000 }, (_, i) =>
      i % 2 === 0 ? 3 + rng.normal() : 1 + 0.3 * rng.normal(),
    );
    const flat = fitOutliers(plane, new Array<number>(2000).fill(0), 1);
    expect(flat.residual).toBe(0);
    const unit = Array.from({ length: 2000 }, (_, i) => {
      const [x, y] = [plane[2 * i]!, plane[2 * i + 1]!];
      return [x / Math.hypot(x, y), y / Math.hypot(x, y)] as const;
    });
    const mean = [0, 1].map((k) => unit.reduce((sum, u) => sum + u[k]!, 0) / 2000);
    const s = (a: number, b: number) =>
      unit.reduce((sum, u) => sum + (u[a]! - mean[a]!) * (u[b]! - mean[b]!), 0) / 2000;
    const [sxx, sxy, syy] = [s(0, 0), s(0, 1), s(1, 1)];
    const determinant = sxx * syy - sxy * sxy;
    const scores = outlierScores(flat, plane);
    for (let i = 0; i < 50; i++) {
      const [dx, dy] = [unit[i]![0] - mean[0]!, unit[i]![1] - mean[1]!];
      const exact = Math.sqrt((syy * dx * dx - 2 * sxy * dx * dy + sxx * dy * dy) / determinant);
      expect(Math.abs(scores[i]! - exact)).toBeLessThan(0.05 * Math.max(exact, 0.2));
    }
  });

  it('has a mean square of about the number of dimensions on what it was fitted to', () => {
    const scores = outlierScores(model, features);
    const square = scores.reduce((sum, s) => sum + s * s, 0) / scores.length;
    expect(square / 100).toBeGreaterThan(0.9);
    expect(square / 100).toBeLessThan(1.1);
  });

  it('does not depend on the length of a vector, and is the same each time', () => {
    const scaled = features.map((f) => 2 * f);
    outlierScores(model, scaled).forEach((s, i) => {
      expect(s).toBeCloseTo(outlierScores(model, features.subarray(i * 100, (i + 1) * 100))[0]!, 4);
    });
    expect(fitOutliers(features, targets, 4)).toEqual(model);
  });

  it('is finite where there is next to nothing to learn from', () => {
    for (const values of [
      [1, 2, 3, 4],
      [1, 1, 1, 1],
      [0, 0, 0, 0],
      [1, 0, 0, 1],
    ]) {
      const small = fitOutliers(Float32Array.from(values), [0, 1], 3);
      const scores = outlierScores(small, Float32Array.of(5, -3, 0, 0));
      for (const s of [...scores, ...outlierScores(small, Float32Array.from(values))])
        expect(s).toBeGreaterThanOrEqual(0);
      for (const s of scores) expect(s).toBeLessThan(Number.POSITIVE_INFINITY);
    }
  });

  it('refuses what does not fit', () => {
    expect(() => fitOutliers(Float32Array.of(1, 2), [0], 1)).toThrow(ShapeError);
    expect(() => fitOutliers(Float32Array.of(1, 2, 3), [0, 1], 2)).toThrow(ShapeError);
    expect(() => fitOutliers(Float32Array.of(1, Number.NaN), [0, 1], 2)).toThrow(NumericError);
  });
});
