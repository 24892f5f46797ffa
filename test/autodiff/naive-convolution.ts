import type { Convolution } from '../../src/autodiff/lower/convolution.ts';

/** Values of a convolution and its gradients, all in double precision. */
export interface NaiveConvolution {
  readonly y: Float64Array;
  readonly dX: Float64Array;
  readonly dW: Float64Array;
  readonly dB: Float64Array;
}

const size = (dims: readonly number[]): number => dims.reduce((product, d) => product * d, 1);

/** Every index of a box, in row-major order. */
function indices(dims: readonly number[]): number[][] {
  return dims.reduce<number[][]>(
    (all, n) => all.flatMap((index) => Array.from({ length: n }, (_, i) => [...index, i])),
    [[]],
  );
}

/**
 * A convolution by its definition, one product at a time, for any number of spatial axes:
 * Y[n, o, i] = B[o] + Σ_{c, k} X[n, c, s·i + d·k − p] W[o, c, k], and each product's share of the three gradients.
 */
export function naiveConvolution(
  conv: Convolution,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  b: ArrayLike<number>,
  dY: ArrayLike<number>,
): NaiveConvolution {
  const { n, c, o, group, kernel, strides, dilations, padsBegin } = conv;
  const [xSize, ySize, kSize] = [size(conv.x), size(conv.y), size(kernel)];
  const [inGroup, outGroup] = [c / group, o / group];
  const y = new Float64Array(n * o * ySize);
  const dX = new Float64Array(n * c * xSize);
  const dW = new Float64Array(o * inGroup * kSize);
  const dB = new Float64Array(o);
  // Pairs of places that meet: output, tap, input.
  const meetings: [at: number, tap: number, from: number][] = [];
  for (const [at, i] of indices(conv.y).entries())
    for (const [tap, k] of indices(kernel).entries()) {
      const place = i.map((v, axis) => strides[axis]! * v + dilations[axis]! * k[axis]! - padsBegin[axis]!);
      if (place.some((v, axis) => v < 0 || v >= conv.x[axis]!)) continue;
      meetings.push([at, tap, place.reduce((flat, v, axis) => flat * conv.x[axis]! + v, 0)]);
    }
  for (let image = 0; image < n; image++)
    for (let filter = 0; filter < o; filter++) {
      const yAt = (image * o + filter) * ySize;
      for (let i = 0; i < ySize; i++) {
        y[yAt + i]! += b[filter]!;
        dB[filter]! += dY[yAt + i]!;
      }
      const first = Math.floor(filter / outGroup) * inGroup;
      for (let channel = 0; channel < inGroup; channel++) {
        const xAt = (image * c + first + channel) * xSize;
        const wAt = (filter * inGroup + channel) * kSize;
        for (const [at, tap, from] of meetings) {
          y[yAt + at]! += x[xAt + from]! * w[wAt + tap]!;
          dX[xAt + from]! += dY[yAt + at]! * w[wAt + tap]!;
          dW[wAt + tap]! += dY[yAt + at]! * x[xAt + from]!;
        }
      }
    }
  return { y, dX, dW, dB };
}
