import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawOutline, type Outline, radiusAt } from '../../../src/dataset/phantoms/outline.ts';

/** The least relative change of the radius under reflection about any axis: 0 for a mirror-symmetric contour. */
function mirrorError(outline: Outline): number {
  const mean = outline.reduce((sum, r) => sum + r, 0) / outline.length;
  let best = Number.POSITIVE_INFINITY;
  for (let axis = 0; axis < 64; axis++) {
    const angle = (Math.PI * axis) / 64;
    let error = 0;
    for (let i = 0; i < 64; i++) {
      const t = (2 * Math.PI * i) / 64;
      error += Math.abs(radiusAt(outline, angle + t) - radiusAt(outline, angle - t));
    }
    best = Math.min(best, error / 64 / mean);
  }
  return best;
}

/** Perimeter² / (4π · area): 1 for a circle. */
function irregularity(outline: Outline): number {
  let area = 0;
  let perimeter = 0;
  for (let i = 0; i < outline.length; i++) {
    const [a, b] = [outline[i]!, outline[(i + 1) % outline.length]!];
    const step = (2 * Math.PI) / outline.length;
    area += 0.5 * a * b * Math.sin(step);
    perimeter += Math.sqrt(a * a + b * b - 2 * a * b * Math.cos(step));
  }
  return perimeter ** 2 / (4 * Math.PI * area);
}

function mean(measure: (outline: Outline) => number, shape: { asymmetry: number; border: number }): number {
  let sum = 0;
  for (let i = 0; i < 20; i++) sum += measure(drawOutline({ diameter: 6, ...shape }, 1, `L${i}`));
  return sum / 20;
}

describe('drawOutline', () => {
  it('shows asymmetry and border irregularity to the degree asked for', () => {
    const steps = [0, 0.25, 0.5, 0.75, 1];
    const asymmetries = steps.map((asymmetry) => mean(mirrorError, { asymmetry, border: 0 }));
    const irregularities = steps.map((border) => mean(irregularity, { asymmetry: 0, border }));
    for (const values of [asymmetries, irregularities]) expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(asymmetries[4]!).toBeGreaterThan(3 * asymmetries[0]!);
    expect(irregularities[0]!).toBeLessThan(1.1);
    expect(irregularities[4]!).toBeGreaterThan(1.3);
  });

  it('is as wide as asked for, positive and closed', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        unit,
        unit,
        fc.double({ min: 1, max: 12, noNaN: true }),
        fc.integer(),
        (asymmetry, border, diameter, seed) => {
          const outline = drawOutline({ asymmetry, border, diameter }, seed, 'L');
          const half = outline.length / 2;
          const widths = Array.from({ length: half }, (_, i) => outline[i]! + outline[i + half]!);
          expect(Math.max(...widths)).toBeCloseTo(diameter, 4);
          expect(Math.min(...outline)).toBeGreaterThan(0);
          expect(radiusAt(outline, 2 * Math.PI)).toBeCloseTo(radiusAt(outline, 0), 6);
          expect(radiusAt(outline, -1)).toBeCloseTo(radiusAt(outline, 2 * Math.PI - 1), 4);
          expect(drawOutline({ asymmetry, border, diameter }, seed, 'L')).toEqual(outline);
        },
      ),
      { numRuns: 30 },
    );
  });
});
