/** The blocks of scripts/golden/gradients.py as ONNX graphs. */
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float, type Graph, int, ints, scalar } from '../../src/onnx/model.ts';
import { formulaValues } from './golden-values.ts';

export interface Block {
  readonly graph: Graph;
  /** Shape of one example going in and coming out. */
  readonly inputDims: readonly number[];
  readonly outputDims: readonly number[];
}

/** Name of a block's input and output. */
export const INPUT = 'block_in';
export const OUTPUT = 'block_out';

interface ConvOptions {
  readonly stride?: number;
  /** Top, left, bottom, right. */
  readonly pads?: readonly [number, number, number, number];
  readonly groups?: number;
  readonly bias?: boolean;
}

/** Layers whose weights are made by name. */
function layers(seed: number) {
  const b = graphBuilder();
  const weight = (name: string, dims: readonly number[], low: number, high: number): string =>
    b.constant(formulaValues(name, seed, dims, low, high), name);
  /** @param channels in and out; @param kernel height and width */
  const conv = (
    x: string,
    name: string,
    [from, to]: readonly [number, number],
    kernel: number,
    { stride = 1, pads = [0, 0, 0, 0], groups = 1, bias = false }: ConvOptions = {},
  ): string => {
    const inputs = from / groups;
    const limit = Math.sqrt(3 / (inputs * kernel * kernel));
    const w = weight(`${name}/kernel`, [to, inputs, kernel, kernel], -limit, limit);
    return b.add(
      'Conv',
      bias ? [x, w, weight(`${name}/bias`, [to], -0.3, 0.3)] : [x, w],
      { strides: ints([stride, stride]), pads: ints(pads), group: int(groups) },
      { name },
    );
  };
  const norm = (x: string, name: string, n: number, gain = 1): string =>
    b.add(
      'BatchNormalization',
      [
        x,
        weight(`${name}/gamma`, [n], 0.5 * gain, 1.5 * gain),
        weight(`${name}/beta`, [n], -0.3, 0.3),
        weight(`${name}/moving_mean`, [n], -0.3, 0.3),
        weight(`${name}/moving_variance`, [n], 0.5, 1.5),
      ],
      { epsilon: float(1e-3) },
      { name },
    );
  const relu = (x: string): string => b.add('Relu', [x]);
  const relu6 = (x: string): string => b.add('Clip', [x, b.constant(scalar(0)), b.constant(scalar(6))]);
  const finish = (y: string, inputDims: readonly number[], outputDims: readonly number[]): Block => {
    b.add('Identity', [y], {}, { output: OUTPUT });
    return {
      graph: b.graph(
        [{ name: INPUT, dtype: 'float32', dims: ['N', ...inputDims] }],
        [{ name: OUTPUT, dtype: 'float32', dims: ['N', ...outputDims] }],
      ),
      inputDims,
      outputDims,
    };
  };
  return { b, conv, norm, relu, relu6, finish };
}

/** ResNet: conv, norm, relu, conv, norm, beside a strided 1 × 1 shortcut. */
export function residual(seed: number): Block {
  const { b, conv, norm, relu, finish } = layers(seed);
  const first = relu(norm(conv(INPUT, 'conv1', [8, 16], 3, { stride: 2, pads: [1, 1, 1, 1] }), 'bn1', 16));
  const second = norm(conv(first, 'conv2', [16, 16], 3, { pads: [1, 1, 1, 1] }), 'bn2', 16);
  const shortcut = norm(conv(INPUT, 'shortcut', [8, 16], 1, { stride: 2 }), 'bn3', 16);
  return finish(relu(b.add('Add', [second, shortcut])), [8, 9, 9], [16, 5, 5]);
}

/** MobileNetV2: expand, one filter per channel, project; with stride 2 and TensorFlow's pads, then with a shortcut. */
export function inverted(seed: number): Block {
  const { b, conv, norm, relu6, finish } = layers(seed);
  const expand1 = relu6(norm(conv(INPUT, 'expand1', [8, 32], 1), 'bn1', 32, 4));
  const halved = conv(expand1, 'depthwise1', [32, 32], 3, { stride: 2, pads: [0, 0, 1, 1], groups: 32 });
  const y = norm(conv(relu6(norm(halved, 'bn2', 32, 4)), 'project1', [32, 8], 1), 'bn3', 8);
  const expand2 = relu6(norm(conv(y, 'expand2', [8, 48], 1), 'bn4', 48, 4));
  const kept = conv(expand2, 'depthwise2', [48, 48], 3, { pads: [1, 1, 1, 1], groups: 48 });
  const z = norm(conv(relu6(norm(kept, 'bn5', 48, 4)), 'project2', [48, 8], 1), 'bn6', 8);
  return finish(b.add('Add', [y, z]), [8, 12, 12], [8, 6, 6]);
}

/** Squeeze and excite: channels weighed by a small network of their means, then a grouped conv. */
export function squeeze(seed: number): Block {
  const { b, conv, norm, relu, finish } = layers(seed);
  const y = relu(norm(conv(INPUT, 'conv1', [4, 16], 3, { pads: [1, 1, 1, 1] }), 'bn1', 16));
  const means = b.add('GlobalAveragePool', [y]);
  const reduced = relu(conv(means, 'reduce', [16, 4], 1, { bias: true }));
  const gate = b.add('Sigmoid', [conv(reduced, 'restore', [4, 16], 1, { bias: true })]);
  const weighed = b.add('Mul', [y, gate]);
  const last = conv(weighed, 'conv2', [16, 8], 3, { stride: 2, pads: [1, 1, 1, 1], groups: 4, bias: true });
  return finish(relu(last), [4, 7, 7], [8, 4, 4]);
}
