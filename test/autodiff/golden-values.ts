/** The numbers that scripts/golden/gradients.py makes by formula. */
import { float32, sizeOf, type Tensor } from '../../src/onnx/model.ts';

const P = 65521;

/** j² mod P · 40503 mod P for every j. */
const SQUARES = Int32Array.from({ length: P }, (_, j) => (((j * j) % P) * 40503) % P);

/** Number i in [0, 1) of a seed: j = (i + 9973 seed) mod P; ((j² mod P) · 40503 + ⌊i / P⌋ · 7919 + 613 seed) mod P / 2¹⁶. */
function unit(seed: number, i: number): number {
  return ((SQUARES[(i + 9973 * seed) % P]! + Math.floor(i / P) * 7919 + 613 * seed) % P) / 65536;
}

/** Σ (i + 1) · code_i over the name's characters, + 31 seed, mod P. */
function seedOf(name: string, seed: number): number {
  return ([...name].reduce((sum, c, i) => sum + (i + 1) * c.charCodeAt(0), 0) + 31 * seed) % P;
}

/** Float32 values in [low, high). */
export function formulaValues(
  name: string,
  seed: number,
  dims: readonly number[],
  low: number,
  high: number,
): Extract<Tensor, { dtype: 'float32' }> {
  const own = seedOf(name, seed);
  // Loops, for whole networks are filled by them.
  const data = new Float32Array(sizeOf(dims));
  for (let i = 0; i < data.length; i++) data[i] = low + (high - low) * unit(own, i);
  return { dtype: 'float32', dims, data };
}

/** Random signs, for projections: of unit(k + 1) − 1/2. */
export function signs(k: number, length: number): Int8Array {
  const values = new Int8Array(length);
  for (let i = 0; i < length; i++) values[i] = unit(k + 1, i) < 0.5 ? -1 : 1;
  return values;
}

export const CLASSES = 5;
export const LABEL_SMOOTHING = 0.05;

/** Kernel and bias of a linear head on `width` features. */
export function formulaHead(width: number, seed: number): Map<string, Tensor> {
  const limit = Math.sqrt(6 / (width + CLASSES));
  const kernel = 'head/logits/kernel';
  const bias = 'head/logits/bias';
  return new Map([
    [kernel, formulaValues(kernel, seed, [width, CLASSES], -limit, limit)],
    [bias, formulaValues(bias, seed, [CLASSES], -0.5, 0.5)],
  ]);
}

/** Class index and weight of each example. */
export function formulaTargets(n: number): { readonly targets: readonly number[]; readonly weights: Tensor } {
  const rows = Array.from({ length: n }, (_, i) => i);
  return {
    targets: rows.map((i) => (i * 3) % CLASSES),
    weights: float32(
      rows.map((i) => 0.5 + (i % 3) / 4),
      [n],
    ),
  };
}
