/** Writes the networks of Keras applications as the JSON that Keras itself would. */

/** A network without a classifier, as `importKerasNetwork` reads it. */
export interface KerasNetwork {
  /** Configuration of a `Functional`. */
  readonly config: unknown;
  /** Layers to which Keras gave a number, which depends on what was built before; in a file they are known by their order. */
  readonly numbered: ReadonlySet<string>;
}

type Size = number | readonly [number, number];

interface Convolution {
  readonly strides?: number;
  /** Default `valid`, as in Keras. */
  readonly padding?: 'same' | 'valid';
  /** Default true. */
  readonly bias?: boolean;
  readonly activation?: 'relu';
}

interface Pool {
  readonly padding?: 'same' | 'valid';
}

/** Adds layers; every method returns the name of the layer it added. A name of `undefined` is numbered. */
export interface NetworkWriter {
  readonly input: string;
  conv(name: string | undefined, from: string, filters: number, kernel: Size, options?: Convolution): string;
  depthwise(name: string, from: string, kernel: Size, options?: Convolution): string;
  separable(name: string, from: string, filters: number, kernel: Size, options?: Convolution): string;
  /** BatchNormalization. Default epsilon 1e-3, with a scale. */
  norm(
    name: string | undefined,
    from: string,
    options?: { readonly epsilon?: number; readonly scale?: boolean },
  ): string;
  relu(name: string | undefined, from: string, max?: number): string;
  pad(name: string | undefined, from: string, pixels: number): string;
  maxPool(name: string | undefined, from: string, size: number, strides: number, options?: Pool): string;
  averagePool(name: string | undefined, from: string, size: number, strides: number, options?: Pool): string;
  add(name: string | undefined, from: readonly string[]): string;
  concat(name: string | undefined, from: readonly string[]): string;
  /** The network whose output is that layer. */
  network(output: string): KerasNetwork;
}

/** @param size height and width of the RGB input in pixels */
export function networkWriter(size: number): NetworkWriter {
  const layers: unknown[] = [];
  const numbered = new Set<string>();
  const counts = new Map<string, number>();

  const nameOf = (given: string | undefined, stem: string): string => {
    if (given !== undefined) return given;
    const count = (counts.get(stem) ?? 0) + 1;
    counts.set(stem, count);
    const name = `${stem}_${count}`;
    numbered.add(name);
    return name;
  };
  const layer = (
    [type, stem]: readonly [type: string, stem: string],
    given: string | undefined,
    from: readonly string[],
    config: Readonly<Record<string, unknown>> = {},
  ): string => {
    const name = nameOf(given, stem);
    const inbound = from.length === 0 ? [] : [from.map((source) => [source, 0, 0, {}])];
    layers.push({ class_name: type, name, config: { name, ...config }, inbound_nodes: inbound });
    return name;
  };
  const convolution = (kernel: Size, { strides = 1, padding = 'valid', bias = true, activation }: Convolution) => ({
    kernel_size: kernel,
    strides,
    padding,
    use_bias: bias,
    activation,
  });
  const pool = (size: number, strides: number, { padding = 'valid' }: Pool) => ({ pool_size: size, strides, padding });

  const input = layer(['InputLayer', 'input'], 'input', [], { batch_input_shape: [null, size, size, 3] });
  return {
    input,
    conv: (name, from, filters, kernel, options = {}) =>
      layer(['Conv2D', 'conv2d'], name, [from], { filters, ...convolution(kernel, options) }),
    depthwise: (name, from, kernel, options = {}) =>
      layer(['DepthwiseConv2D', 'depthwise_conv2d'], name, [from], convolution(kernel, options)),
    separable: (name, from, filters, kernel, options = {}) =>
      layer(['SeparableConv2D', 'separable_conv2d'], name, [from], { filters, ...convolution(kernel, options) }),
    norm: (name, from, { epsilon = 1e-3, scale = true } = {}) =>
      layer(['BatchNormalization', 'batch_normalization'], name, [from], { epsilon, scale }),
    relu: (name, from, max) => layer(['ReLU', 'activation'], name, [from], { max_value: max }),
    pad: (name, from, pixels) => layer(['ZeroPadding2D', 'zero_padding2d'], name, [from], { padding: pixels }),
    maxPool: (name, from, window, strides, options = {}) =>
      layer(['MaxPooling2D', 'max_pooling2d'], name, [from], pool(window, strides, options)),
    averagePool: (name, from, window, strides, options = {}) =>
      layer(['AveragePooling2D', 'average_pooling2d'], name, [from], pool(window, strides, options)),
    add: (name, from) => layer(['Add', 'add'], name, from),
    concat: (name, from) => layer(['Concatenate', 'concatenate'], name, from),
    network: (output) => ({
      config: { name: 'backbone', layers, input_layers: [[input, 0, 0]], output_layers: [[output, 0, 0]] },
      numbered,
    }),
  };
}
