/** InceptionV3: Szegedy et al. 2015, arXiv:1512.00567. */
import { type KerasNetwork, networkWriter } from './writer.ts';

type Kernel = number | readonly [number, number];
/** Filters and kernel of each convolution of a branch. */
type Branch = readonly (readonly [filters: number, kernel: Kernel])[];

const ROW = [1, 7] as const;
const COLUMN = [7, 1] as const;

/** Convolutions and normalisations are numbered in the order they are built here, which is Keras's. */
export function inceptionV3(size: number): KerasNetwork {
  const n = networkWriter(size);
  const conv = (
    x: string,
    filters: number,
    kernel: Kernel,
    options: { readonly strides?: number; readonly padding?: 'same' | 'valid' } = {},
  ): string => {
    const y = n.conv(undefined, x, filters, kernel, { padding: 'same', ...options, bias: false });
    return n.relu(undefined, n.norm(undefined, y, { scale: false }));
  };
  const branch = (x: string, steps: Branch): string =>
    steps.reduce((y, [filters, kernel]) => conv(y, filters, kernel), x);
  /** The last convolution of the branch halves the map. */
  const halving = (x: string, steps: Branch, [filters, kernel]: Branch[number]): string =>
    conv(branch(x, steps), filters, kernel, { strides: 2, padding: 'valid' });
  const pooled = (x: string, filters: number): string =>
    conv(n.averagePool(undefined, x, 3, 1, { padding: 'same' }), filters, 1);
  /** Two convolutions side by side on one map. */
  const fork = (name: string | undefined, x: string): string =>
    n.concat(name, [conv(x, 384, [1, 3]), conv(x, 384, [3, 1])]);

  let x = conv(n.input, 32, 3, { strides: 2, padding: 'valid' });
  x = conv(x, 32, 3, { padding: 'valid' });
  x = conv(x, 64, 3);
  x = n.maxPool(undefined, x, 3, 2);
  x = conv(x, 80, 1, { padding: 'valid' });
  x = conv(x, 192, 3, { padding: 'valid' });
  x = n.maxPool(undefined, x, 3, 2);

  for (const [i, width] of [32, 64, 64].entries()) {
    const one = conv(x, 64, 1);
    const five = branch(x, [
      [48, 1],
      [64, 5],
    ]);
    const three = branch(x, [
      [64, 1],
      [96, 3],
      [96, 3],
    ]);
    x = n.concat(`mixed${i}`, [one, five, three, pooled(x, width)]);
  }
  {
    const three = halving(x, [], [384, 3]);
    const twice = halving(
      x,
      [
        [64, 1],
        [96, 3],
      ],
      [96, 3],
    );
    x = n.concat('mixed3', [three, twice, n.maxPool(undefined, x, 3, 2)]);
  }
  for (const [i, width] of [128, 160, 160, 192].entries()) {
    const one = conv(x, 192, 1);
    const seven = branch(x, [
      [width, 1],
      [width, ROW],
      [192, COLUMN],
    ]);
    const twice = branch(x, [
      [width, 1],
      [width, COLUMN],
      [width, ROW],
      [width, COLUMN],
      [192, ROW],
    ]);
    x = n.concat(`mixed${4 + i}`, [one, seven, twice, pooled(x, 192)]);
  }
  {
    const three = halving(x, [[192, 1]], [320, 3]);
    const seven = halving(
      x,
      [
        [192, 1],
        [192, ROW],
        [192, COLUMN],
      ],
      [192, 3],
    );
    x = n.concat('mixed8', [three, seven, n.maxPool(undefined, x, 3, 2)]);
  }
  for (const i of [0, 1]) {
    const one = conv(x, 320, 1);
    const three = fork(`mixed9_${i}`, conv(x, 384, 1));
    const twice = fork(
      undefined,
      branch(x, [
        [448, 1],
        [384, 3],
      ]),
    );
    x = n.concat(`mixed${9 + i}`, [one, three, twice, pooled(x, 192)]);
  }
  return n.network(x);
}
