/** A model of an older operator set, rewritten for a newer one. */
import { ModelError } from '../../core/errors.ts';
import { graphBuilder } from '../builder.ts';
import { type Attributes, int, intsOf, type Model, type Node, string } from '../model.ts';

/** The oldest operator set that can be upgraded. */
const OLDEST = 13;

/** Since 18 these take `axes` as an input, as ReduceSum does since 13. */
const REDUCTIONS = new Set([
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSumSquare',
]);

/**
 * The same computation in operator set 18 (or 17), or the model itself where it is that new. Of the operators that
 * changed between 13 and 18, four kinds need rewriting; the others only gained types and optional attributes whose
 * defaults are the old behaviour (Add, Relu, Reshape, Resize, Pad, Where, ScatterND, LSTM, …).
 *
 * - reductions, since 18: `axes` becomes an input
 * - Split into equal parts, since 18: their number is said, `num_outputs`
 * - RoiAlign, since 16: half a pixel was not subtracted by default, now it is
 * - BatchNormalization that trains, since 14, has other outputs: refused
 *
 * Operators of other domains stay as they are.
 *
 * @param to the operator set wanted. Default 18
 * @throws {ModelError} a set older than 13, or a BatchNormalization in training mode
 */
export function upgradeOpset(model: Model, to: 17 | 18 = 18): Model {
  if (model.opset >= to) return model;
  if (model.opset < OLDEST)
    throw new ModelError(
      'onnx/opset',
      `model: expected operator set ${OLDEST} or newer, got ${model.opset}`,
      'Export the network again with a newer opset, or convert it with onnx.version_converter.',
    );
  const { graph } = model;
  const builder = graphBuilder({ nodes: [], initializers: graph.initializers, inputs: graph.inputs });
  for (const node of graph.nodes) for (const name of [node.name, ...node.outputs]) builder.reserve(name);
  for (const node of graph.nodes) {
    builder.push(node.domain === '' ? upgraded(node, model.opset, to, builder.ints) : node);
  }
  return { ...model, opset: to, graph: builder.graph(graph.inputs, graph.outputs) };
}

function upgraded(node: Node, from: number, to: number, constant: (values: readonly number[]) => string): Node {
  if (to >= 18 && REDUCTIONS.has(node.op)) {
    const axes = intsOf(node, 'axes', []);
    // No axes mean all of them, before and after.
    const inputs = axes.length === 0 ? node.inputs : [node.inputs[0]!, constant(axes)];
    return { ...node, inputs, attributes: without(node.attributes, 'axes') };
  }
  if (to >= 18 && node.op === 'Split' && (node.inputs[1] ?? '') === '') {
    const attributes = { ...node.attributes, num_outputs: int(node.outputs.length) };
    return { ...node, inputs: node.inputs.slice(0, 1), attributes };
  }
  if (node.op === 'RoiAlign' && from < 16) {
    const coordinate_transformation_mode = string('output_half_pixel');
    return { ...node, attributes: { coordinate_transformation_mode, ...node.attributes } };
  }
  if (node.op === 'BatchNormalization' && from < 14 && node.outputs.filter((o) => o !== '').length > 1)
    throw new ModelError(
      'onnx/opset',
      `node ${node.name} (BatchNormalization): expected one output, got ${node.outputs.length}`,
      'Export the network for inference.',
    );
  return node;
}

function without(attributes: Attributes, name: string): Attributes {
  const { [name]: _, ...rest } = attributes;
  return rest;
}
