/** Conv followed by BatchNormalization becomes one Conv. */
import { ModelError } from '../../core/errors.ts';
import { float32, floatOf, type Graph, intOf, type Node } from '../model.ts';
import { consumersOf, usedInitializers } from './uses.ts';

/**
 * Folds the statistics of every `BatchNormalization` into the `Conv` before it, where the Conv has no other reader and
 * all weights are float32 constants. For output channel o, with s = γ / √(σ² + ε):
 *
 *     W′[o] = s · W[o]        b′[o] = s · (b[o] − μ) + β
 *
 * computed in float64. The result keeps the BatchNormalization's tensor name; new weights are named `…/folded`.
 */
export function foldBatchNorm(graph: Graph): Graph {
  const consumers = consumersOf(graph);
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const initializers = new Map(graph.initializers);
  const replaced = new Map<Node, Node>();
  const removed = new Set<Node>();
  for (const conv of graph.nodes) {
    const middle = conv.outputs[0]!;
    const [norm, ...others] = consumers.get(middle) ?? [];
    if (conv.op !== 'Conv' || conv.domain !== '' || norm === undefined || others.length > 0) continue;
    if (outputs.has(middle) || !isInferenceNorm(norm) || norm.inputs[0] !== middle) continue;
    const folded = fold(graph, conv, norm);
    if (folded === undefined) continue;
    const kernel = `${conv.inputs[1]!}/folded/${norm.outputs[0]!}`;
    const bias = `${norm.inputs[2]!}/folded/${norm.outputs[0]!}`;
    initializers.set(kernel, float32(folded.kernel, folded.dims));
    initializers.set(bias, float32(folded.bias, [folded.bias.length]));
    replaced.set(conv, { ...conv, inputs: [conv.inputs[0]!, kernel, bias], outputs: [norm.outputs[0]!] });
    removed.add(norm);
  }
  const nodes = graph.nodes.filter((n) => !removed.has(n)).map((n) => replaced.get(n) ?? n);
  const result = { ...graph, nodes, initializers };
  return { ...result, initializers: usedInitializers(result) };
}

/** A BatchNormalization with stored statistics. */
export function isInferenceNorm(node: Node): boolean {
  return (
    node.op === 'BatchNormalization' &&
    node.domain === '' &&
    intOf(node, 'training_mode', 0) === 0 &&
    node.outputs.filter((o) => o !== '').length === 1
  );
}

function fold(
  graph: Graph,
  conv: Node,
  norm: Node,
): { readonly kernel: Float32Array; readonly bias: Float32Array; readonly dims: readonly number[] } | undefined {
  const constant = (name: string | undefined) => {
    const tensor = graph.initializers.get(name ?? '');
    return tensor?.dtype === 'float32' ? tensor : undefined;
  };
  const kernel = constant(conv.inputs[1]);
  const [gamma, beta, mean, variance] = norm.inputs.slice(1, 5).map(constant);
  const hasBias = conv.inputs[2] !== undefined && conv.inputs[2] !== '';
  const bias = hasBias ? constant(conv.inputs[2]) : undefined;
  if (!kernel || !gamma || !beta || !mean || !variance || (hasBias && !bias)) return undefined;
  const channels = kernel.dims[0]!;
  for (const vector of [gamma, beta, mean, variance, ...(bias ? [bias] : [])])
    if (vector.data.length !== channels)
      throw new ModelError(
        'onnx/batch-norm',
        `node ${norm.name} (BatchNormalization): expected ${channels} channels, got ${vector.data.length}`,
      );
  const epsilon = floatOf(norm, 'epsilon', 1e-5);
  const out = { kernel: new Float32Array(kernel.data.length), bias: new Float32Array(channels), dims: kernel.dims };
  const size = kernel.data.length / channels;
  for (let o = 0; o < channels; o++) {
    const s = gamma.data[o]! / Math.sqrt(variance.data[o]! + epsilon);
    out.bias[o] = s * ((bias?.data[o] ?? 0) - mean.data[o]!) + beta.data[o]!;
    for (let i = o * size; i < (o + 1) * size; i++) out.kernel[i] = s * kernel.data[i]!;
  }
  return out;
}
