import { type Attributes, int, intOf, ints, intsOf, type Node } from '../../onnx/model.ts';

/** The geometry of one convolution as its internal gradient operators carry it. Lists are per spatial axis. */
export interface Convolution {
  /** Batch size. */
  readonly n: number;
  /** Input channels, output channels, groups. */
  readonly c: number;
  readonly o: number;
  readonly group: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  /** Spatial sizes of X and Y. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** One filter per channel, each seeing one channel. */
  readonly depthwise: boolean;
  /** A matrix product over channels: kernel 1, stride 1, no pads. */
  readonly pointwise: boolean;
}

/** Attributes of the internal gradient operators, from shapes and a node's geometry. */
export interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** All beginnings, then all ends. */
  readonly pads: readonly number[];
}

/** Reads a convolution back from the attributes that the rule of Conv wrote. */
export function convolutionOf(node: Node): Convolution {
  const read = (name: string): readonly number[] => intsOf(node, name, []);
  const pads = read('pads');
  return convolution(
    { kernel: read('kernel_shape'), strides: read('strides'), dilations: read('dilations'), pads },
    intOf(node, 'group', 1),
    read('x_dims'),
    read('w_dims'),
    read('y_dims'),
  );
}

/** The convolution of X [N, C, …] with W [O, C / group, …] giving Y [N, O, …]. */
export function convolution(
  { kernel, strides, dilations, pads }: Geometry,
  group: number,
  xDims: readonly number[],
  wDims: readonly number[],
  yDims: readonly number[],
): Convolution {
  const axes = kernel.length;
  const [n = 0, c = 0] = xDims;
  const o = wDims[0] ?? 0;
  const ones = (values: readonly number[]): boolean => values.every((v) => v === 1);
  return {
    n,
    c,
    o,
    group,
    kernel,
    strides,
    dilations,
    padsBegin: pads.slice(0, axes),
    padsEnd: pads.slice(axes),
    x: xDims.slice(2),
    y: yDims.slice(2),
    depthwise: group > 1 && group === c && o === c,
    pointwise: group === 1 && ones(kernel) && ones(strides) && pads.every((p) => p === 0),
  };
}

/** Attributes of a Conv or ConvTranspose node. */
export function convAttributes(options: {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly group: number;
}): Attributes {
  return {
    kernel_shape: ints(options.kernel),
    strides: ints(options.strides),
    dilations: ints(options.dilations),
    pads: ints([...options.padsBegin, ...options.padsEnd]),
    group: int(options.group),
  };
}

/** Every tap of a kernel, in row-major order. */
export function taps(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (all, size) => all.flatMap((tap) => Array.from({ length: size }, (_, k) => [...tap, k])),
    [[]],
  );
}
