/** Where a backbone can be cut. */
import { UsageError } from '../core/errors.ts';
import type { Graph, Node } from '../onnx/model.ts';
import { articulationPoints } from '../onnx/passes/articulation.ts';
import { consumersOf, producersOf } from '../onnx/passes/uses.ts';
import type { Backbone, CutPoint } from './types.ts';

/** Operators with weights, whose result is as a rule only half of a layer. */
const LINEAR = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);
const ACTIVATIONS = new Set(
  ['Relu', 'Clip', 'LeakyRelu', 'PRelu', 'Elu', 'Selu', 'Celu', 'Sigmoid', 'HardSigmoid', 'HardSwish', 'Tanh'].concat([
    'Softplus',
    'Softsign',
    'Mish',
    'Gelu',
    'ThresholdedRelu',
    'Erf',
    'BatchNormalization',
  ]),
);
/** Operators whose result is the same values, arranged for what follows. */
const ARRANGING = new Set(
  ['Pad', 'Identity', 'Dropout', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Cast'].concat([
    'LayerNormalization',
    'LRN',
  ]),
);

/**
 * Tensors worth cutting at, between input and features and without them: every path passes through, and a layer ends
 * there. Not between a convolution and its normalisation, bias or activation; not where values are only rearranged.
 */
export function usefulCuts(graph: Graph, input: string, features: string): string[] {
  const producers = producersOf(graph);
  const consumers = consumersOf(graph);
  const isConstant = (name: string): boolean => graph.initializers.has(name);
  const endsLayer = (tensor: string): boolean => {
    const producer = producers.get(tensor);
    if (producer === undefined || ARRANGING.has(producer.op)) return false;
    const half = LINEAR.has(producer.op) || producer.op === 'BatchNormalization' || hasConstant(producer, isConstant);
    if (!half) return true;
    return (consumers.get(tensor) ?? []).every(
      (reader) => !ACTIVATIONS.has(reader.op) && !hasConstant(reader, isConstant),
    );
  };
  return articulationPoints(graph, input, [features]).filter((t) => t !== input && t !== features && endsLayer(t));
}

/** A bias or a factor as a node of its own. */
function hasConstant(node: Node, isConstant: (name: string) => boolean): boolean {
  return ['Add', 'Sub', 'Mul', 'Div'].includes(node.op) && node.inputs.some(isConstant);
}

/**
 * The cut of that name, short or the tensor's own.
 *
 * @throws {UsageError} if there is none; the message lists them
 */
export function findCut(backbone: Pick<Backbone, 'name' | 'cuts'>, name: string): CutPoint {
  const cut = backbone.cuts.find((c) => c.name === name) ?? backbone.cuts.find((c) => c.tensor === name);
  if (cut !== undefined) return cut;
  const names = backbone.cuts.map((c) => c.name).join(', ');
  throw new UsageError('backbone/cut', `backbone ${backbone.name}: expected a cut among ${names}, got ${name}`);
}

/** Short names: the tensor's own where it reads like one, else `cut_1`, `cut_2`, … in order. */
export function cutName(tensor: string, index: number): string {
  return /^[A-Za-z][\w.-]{0,39}$/.test(tensor) && tensor !== 'input' ? tensor : `cut_${index}`;
}
