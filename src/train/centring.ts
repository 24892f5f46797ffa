/** Training as if every kernel saw inputs of mean zero. */

import type { Target } from '../autodiff/lower/lower.ts';
import { definedOnly } from '../core/defined-only.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import { type Graph, int, intOf, type Node, sizeOf, type Tensor } from '../onnx/model.ts';
import { isInferenceNorm } from '../onnx/passes/fold-batch-norm.ts';
import { consumersOf } from '../onnx/passes/uses.ts';
import { openSession } from '../onnx/session.ts';
import { fixedBatch, runnable } from './fixed-batch.ts';
import { FEATURES, type Network } from './network.ts';
import { type RowView, readBatch, type StoredRows } from './rows.ts';

/**
 * A kernel, the vector that shifts its result, and the mean of its inputs.
 *
 * Behind a ReLU all inputs are positive, so most of a kernel's gradient says one thing: shift this channel. The kernel
 * can only answer by moving all its weights together, which moves every later layer. In Y = W (X − μ) + b′ the shift is
 * the vector's alone: the kernel's gradient becomes dW − db ⊗ μ, and b = b′ − W μ is set right after each step. Nothing
 * about the function that is trained changes, only the path (Desjardins et al. 2015, arXiv:1507.00210, with the
 * whitening left out).
 */
export interface Centred {
  readonly kernel: string;
  readonly shift: string;
  /** Filters, and weights of one filter. */
  readonly filters: number;
  readonly size: number;
  /** [filters, size], or [1, size] where all filters see the same inputs. */
  readonly mean: Float32Array;
  /** Factor of each filter between kernel and shift: γ / √(σ² + ε) of a normalisation in between. */
  readonly scale: Float32Array | undefined;
}

interface Layer {
  readonly node: Node;
  readonly kernel: string;
  readonly shift: string;
  readonly scale: Float32Array | undefined;
}

/** Convolutions of a tail whose kernel and shift both train. */
function layersOf(graph: Graph, trainable: ReadonlySet<string>): Layer[] {
  const consumers = consumersOf(graph);
  return graph.nodes.flatMap((node): Layer[] => {
    const [, kernel, bias] = node.inputs;
    if (node.op !== 'Conv' || node.domain !== '' || kernel === undefined || !trainable.has(kernel)) return [];
    const readers = consumers.get(node.outputs[0]!) ?? [];
    const [norm] = readers;
    if (norm !== undefined && readers.length === 1 && isInferenceNorm(norm)) {
      const shift = norm.inputs[2]!;
      return trainable.has(shift) ? [{ node, kernel, shift, scale: normScale(graph, norm) }] : [];
    }
    return bias !== undefined && trainable.has(bias) ? [{ node, kernel, shift: bias, scale: undefined }] : [];
  });
}

function normScale(graph: Graph, norm: Node): Float32Array | undefined {
  const [gamma, variance] = [norm.inputs[1]!, norm.inputs[4]!].map((name) => graph.initializers.get(name)?.data);
  if (gamma === undefined || variance === undefined) return undefined;
  const epsilon = norm.attributes.epsilon;
  const e = epsilon?.kind === 'float' ? epsilon.value : 1e-5;
  return Float32Array.from({ length: gamma.length }, (_, i) => Number(gamma[i]) / Math.sqrt(Number(variance[i]) + e));
}

/**
 * Measures the mean input of every trained convolution, per channel over images and positions.
 *
 * @param tail nodes behind the cut, as the backbone has them
 * @param network the same with the head, for inference
 * @param rows views to look at; a few dozen images give a mean that is good enough to take out
 */
export async function measureCentring(
  tail: Graph,
  network: Network,
  trainable: ReadonlySet<string>,
  stored: StoredRows,
  rows: readonly RowView[],
  target: Target,
  threads: number | undefined,
): Promise<Centred[]> {
  const layers = layersOf(tail, trainable);
  if (layers.length === 0) return [];
  const inputs = [...new Set(layers.map(({ node }) => node.inputs[0]!))];
  const { nodes, initializers, inputs: fed } = network.graph;
  const outputs = inputs.map((name) => ({ name: `mean:${name}`, dtype: 'float32' as const, dims: ['C'] }));
  const means = inputs.map(
    (name): Node => ({
      op: 'ReduceMean',
      domain: '',
      name: `mean:${name}`,
      inputs: [name, 'mean:axes'],
      outputs: [`mean:${name}`],
      attributes: { keepdims: int(0) },
    }),
  );
  const axes: Tensor = { dtype: 'int64', dims: [3], data: BigInt64Array.from([0n, 2n, 3n]) };
  const graph: Graph = {
    nodes: [...nodes, ...means],
    inputs: fed,
    outputs,
    initializers: new Map([...initializers, ['mean:axes', axes]]),
  };
  const session = await openSession(
    runnable(fixedBatch(graph, rows.length, target)),
    definedOnly({ threads, device: target.device }),
  );
  try {
    const results = await session.run({ [FEATURES]: readBatch(stored, rows) });
    return layers.map((layer) => centredOf(layer, tail, results[`mean:${layer.node.inputs[0]!}`]!));
  } finally {
    await session.close();
  }
}

function centredOf({ node, kernel, shift, scale }: Layer, tail: Graph, mean: Tensor): Centred {
  const { dims } = tail.initializers.get(kernel)!;
  const [filters = 0, perGroup = 0, ...window] = dims;
  const taps = sizeOf(window);
  const group = intOf(node, 'group', 1);
  const rows = group === 1 ? 1 : filters;
  const values = new Float32Array(rows * perGroup * taps);
  for (let f = 0; f < rows; f++) {
    const first = Math.floor(f / (filters / group)) * perGroup;
    for (let c = 0; c < perGroup; c++)
      values.fill(Number(mean.data[first + c]), (f * perGroup + c) * taps, (f * perGroup + c + 1) * taps);
  }
  return { kernel, shift, filters, size: perGroup * taps, mean: values, scale };
}

/** Constants of one centred kernel as the step's graph uses them. */
function constantsOf(builder: GraphBuilder, { mean, size, scale, filters }: Centred) {
  const rows = mean.length / size;
  return {
    mean: builder.constant({ dtype: 'float32', dims: [rows, size], data: mean }),
    scale: scale === undefined ? undefined : builder.constant({ dtype: 'float32', dims: [filters], data: scale }),
  };
}

/** dW − (s ∘ db) ⊗ μ, on vectors: [filters · size] and [filters]. */
export function addCentredGradient(builder: GraphBuilder, centred: Centred, dKernel: string, dShift: string): string {
  const { mean, scale } = constantsOf(builder, centred);
  const scaled = scale === undefined ? dShift : builder.add('Mul', [dShift, scale]);
  const column = builder.add('Reshape', [scaled, builder.ints([centred.filters, 1])]);
  const shared = builder.add('Reshape', [builder.add('Mul', [column, mean]), builder.ints([-1])]);
  return builder.add('Sub', [dKernel, shared], {}, { name: 'centred' });
}

/** b′ − s ∘ (W′ − W) μ: what the kernel's move did to the mean of its result is taken out of the shift. */
export function addShiftCorrection(
  builder: GraphBuilder,
  centred: Centred,
  before: string,
  after: string,
  shift: string,
): string {
  const { mean, scale } = constantsOf(builder, centred);
  const move = builder.add('Reshape', [
    builder.add('Sub', [after, before]),
    builder.ints([centred.filters, centred.size]),
  ]);
  const moved = builder.add('ReduceSum', [builder.add('Mul', [move, mean]), builder.ints([1])], { keepdims: int(0) });
  const scaled = scale === undefined ? moved : builder.add('Mul', [moved, scale]);
  return builder.add('Sub', [shift, scaled], {}, { name: 'recentred' });
}
