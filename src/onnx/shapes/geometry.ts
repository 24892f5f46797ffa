import { ShapeError } from '../../core/errors.ts';
import { intOf, intsOf, type Node, stringOf } from '../model.ts';
import { whereOf } from './context.ts';

/** Where the windows of a convolution or pooling lie. One entry per spatial axis; for images [vertical, horizontal]. */
export interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin of every axis, then end of every axis: for images [top, left, bottom, right]. */
  readonly pads: readonly number[];
  /** Spatial size of the output. */
  readonly output: readonly number[];
}

/**
 * Windows of Conv, MaxPool and AveragePool with `auto_pad`, `ceil_mode`, strides and dilations resolved:
 * output = ⌊(input + pads − dilation · (kernel − 1) − 1) / stride⌋ + 1
 *
 * @param inputDims [N, C, spatial…]
 * @param kernelDims spatial sizes of the kernel: the weight's dims from axis 2 on, or `kernel_shape`
 * @throws {ShapeError} if the ranks differ, or a window is larger than the padded input
 */
export function convGeometry(node: Node, inputDims: readonly number[], kernelDims: readonly number[]): Geometry {
  const { input, strides, dilations, pads } = windowsOf(node, inputDims, kernelDims);
  const rank = input.length;
  const autoPad = stringOf(node, 'auto_pad', 'NOTSET');
  const ceil = intOf(node, 'ceil_mode', 0) === 1;
  const resolved = Array.from({ length: 2 * rank }, () => 0);
  const output = input.map((size, i) => {
    const stride = strides[i]!;
    const extent = dilations[i]! * (kernelDims[i]! - 1) + 1;
    if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
      const steps = Math.ceil(size / stride);
      const total = Math.max(0, (steps - 1) * stride + extent - size);
      [resolved[i], resolved[i + rank]] = shared(total, autoPad);
      return steps;
    }
    if (autoPad !== 'VALID') {
      resolved[i] = pads[i]!;
      resolved[i + rank] = pads[i + rank]!;
    }
    const begin = resolved[i]!;
    const room = size + begin + resolved[i + rank]! - extent;
    if (room < 0)
      throw new ShapeError(
        'onnx/shape',
        `${whereOf(node)}: expected a window of at most ${room + extent} on spatial axis ${i}, got ${extent}`,
      );
    if (!ceil) return Math.floor(room / stride) + 1;
    const steps = Math.ceil(room / stride) + 1;
    // A last window that would start in the end padding is dropped.
    return (steps - 1) * stride >= size + begin ? steps - 1 : steps;
  });
  return { kernel: kernelDims, strides, dilations, pads: resolved, output };
}

/**
 * Windows of ConvTranspose: output = stride · (input − 1) + output_padding + dilation · (kernel − 1) + 1 − pads.
 * Arguments and errors as `convGeometry`.
 */
export function convTransposeGeometry(
  node: Node,
  inputDims: readonly number[],
  kernelDims: readonly number[],
): Geometry {
  const { input, strides, dilations, pads } = windowsOf(node, inputDims, kernelDims);
  const rank = input.length;
  const autoPad = stringOf(node, 'auto_pad', 'NOTSET');
  const extra = intsOf(node, 'output_padding', undefined);
  const asked = intsOf(node, 'output_shape', undefined)?.slice(-rank);
  const resolved = Array.from({ length: 2 * rank }, () => 0);
  const output = input.map((size, i) => {
    const full = strides[i]! * (size - 1) + (extra?.[i] ?? 0) + dilations[i]! * (kernelDims[i]! - 1) + 1;
    const same = autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER';
    // Where the stride is larger than the kernel, SAME cannot add rows.
    const target = asked?.[i] ?? (same ? Math.min(full, size * strides[i]!) : undefined);
    if (target !== undefined) {
      [resolved[i], resolved[i + rank]] = shared(Math.max(0, full - target), same ? autoPad : 'SAME_LOWER');
      return target;
    }
    if (autoPad !== 'VALID') {
      resolved[i] = pads[i]!;
      resolved[i + rank] = pads[i + rank]!;
    }
    return full - resolved[i]! - resolved[i + rank]!;
  });
  return { kernel: kernelDims, strides, dilations, pads: resolved, output };
}

function windowsOf(node: Node, inputDims: readonly number[], kernelDims: readonly number[]) {
  const input = inputDims.slice(2);
  const rank = input.length;
  const strides = intsOf(node, 'strides', ones(rank));
  const dilations = intsOf(node, 'dilations', ones(rank));
  const pads = intsOf(
    node,
    'pads',
    Array.from({ length: 2 * rank }, () => 0),
  );
  if (
    rank === 0 ||
    kernelDims.length !== rank ||
    strides.length !== rank ||
    dilations.length !== rank ||
    pads.length !== 2 * rank
  )
    throw new ShapeError(
      'onnx/shape',
      `${whereOf(node)}: expected ${rank} spatial axes of kernel, strides, dilations and pads as in the input [${inputDims.join(', ')}], got [${kernelDims.join(', ')}], [${strides.join(', ')}], [${dilations.join(', ')}], [${pads.join(', ')}]`,
    );
  return { input, strides, dilations, pads };
}

const ones = (rank: number): readonly number[] => Array.from({ length: rank }, () => 1);

/** Begin and end padding; of an odd total the larger part goes to the end (SAME_UPPER) or the begin (SAME_LOWER). */
function shared(total: number, autoPad: 'SAME_UPPER' | 'SAME_LOWER'): [begin: number, end: number] {
  const small = Math.floor(total / 2);
  return autoPad === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
}
