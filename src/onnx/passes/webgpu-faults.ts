/** Nodes that onnxruntime's WebGPU provider takes and then refuses at the first run, or computes wrongly (seen in 1.30). */
import { ModelError } from '../../core/errors.ts';
import { type Graph, intOf, intsOf, type Node, stringOf } from '../model.ts';
import { type InferredShapes, inferShapes } from '../shapes/infer.ts';

/** Whether a node has to stay on the processor. */
export type IsFaulty = (node: Node) => boolean;

/** What the table of faults asks of a graph. */
interface Known {
  /** Values of a constant, undefined for what is computed. */
  values(name: string | undefined): readonly number[] | undefined;
  dims(name: string | undefined): readonly number[] | undefined;
}

const has = (node: Node, input: number): boolean => (node.inputs[input] ?? '') !== '';

/** Refused, or wrong: found by running the gradient of every operator on it, and comparing with the processor. */
const FAULTS: Readonly<Record<string, (node: Node, known: Known) => boolean>> = {
  /** Refused. */
  Resize: (node) => intOf(node, 'antialias', 0) === 1,
  /** Refused: its second output, which the gradient needs. */
  MaxPool: (node) => (node.outputs[1] ?? '') !== '',
  /** Refused. */
  BatchNormalization: (node) => intOf(node, 'training_mode', 0) === 1,
  /** Refused in three dimensions with groups. */
  Conv: (node, { dims }) => {
    const size = dims(node.inputs[1])?.length ?? intsOf(node, 'kernel_shape', []).length + 2;
    return size > 4 && intOf(node, 'group', 1) > 1;
  },
  /** Refused in three dimensions. Wrong where groups have several inputs and one output: taken for depthwise. */
  ConvTranspose: (node, { dims }) => {
    const weight = dims(node.inputs[1]);
    const group = intOf(node, 'group', 1);
    if (weight === undefined) return group > 1 || intsOf(node, 'kernel_shape', []).length > 2;
    return weight.length > 4 || (group > 1 && weight[1] === 1 && weight[0]! > group);
  },
  /** Wrong where a dimension of 1 is spread; refused with some ellipses. */
  Einsum: () => true,
  /** Refused where the scale is spread. */
  RMSNormalization: () => true,
  /** Wrong with negative pads. */
  Pad: (node) => stringOf(node, 'mode', 'constant') === 'wrap',
  /** Wrong: going backwards, it starts from the last element whatever it is told. */
  Slice: (node, { values }) => {
    if (!has(node, 4)) return false;
    const [starts, steps] = [values(node.inputs[1]), values(node.inputs[4])];
    return steps === undefined || steps.some((step, i) => step < 0 && starts?.[i] !== -1);
  },
};

/** Wrong: with no axes to reduce there is still a square or an absolute value to take. */
const isReductionOfNothing = (node: Node): boolean =>
  node.op.startsWith('Reduce') && intOf(node, 'noop_with_empty_axes', 0) === 1;

/** Whether nodes of a graph have to stay on the processor. */
export function faultsOf(graph: Graph): IsFaulty {
  const { infos, constants } = shapesOf(graph);
  const known: Known = {
    values: (name = '') => {
      const tensor = constants.get(name);
      return tensor === undefined ? undefined : Array.from(tensor.data, Number);
    },
    dims: (name = '') => infos.get(name)?.dims,
  };
  return (node) => node.domain === '' && (isReductionOfNothing(node) || (FAULTS[node.op]?.(node, known) ?? false));
}

/** What is known: of initializers only, where sizes are free or shape inference does not know an operator. */
function shapesOf(graph: Graph): InferredShapes {
  try {
    return inferShapes(graph);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { infos: graph.initializers, constants: graph.initializers };
  }
}
