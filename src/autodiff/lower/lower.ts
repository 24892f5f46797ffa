import { graphBuilder } from '../../onnx/builder.ts';
import type { Device } from '../../onnx/device.ts';
import { type Graph, intOf, type Node } from '../../onnx/model.ts';
import { convGeometry } from '../../onnx/shapes/geometry.ts';
import { blocked } from './blocked.ts';
import { convForward } from './conv-forward.ts';
import { convInputGrad } from './conv-input-grad.ts';
import { convWeightGrad } from './conv-weight-grad.ts';
import { convAttributes, convolution, convolutionOf } from './convolution.ts';
import type { Lowering } from './lowering.ts';
import { CONV_INPUT_GRAD, CONV_TRANSPOSE_INPUT_GRAD, CONV_WEIGHT_GRAD, NEVUS_DOMAIN } from './operators.ts';

/** What the machine that will run the graph is good at. */
export interface Target {
  /** Channels per block of onnxruntime's blocked CPU layout (`blockSize()`); 0 keeps to standard operators. */
  readonly block: number;
  /** What does the arithmetic. Default `cpu`, the only one that has the blocked layout. */
  readonly device?: Device;
}

/** Standard operators only: runs everywhere. */
export const PORTABLE: Target = { block: 0 };

/** Static shape of a forward tensor. */
export type ShapeOf = (name: string) => readonly number[];

/**
 * Turns the internal convolution gradients into operators that onnxruntime has, and picks for every convolution whose
 * weights vary the form that is fast for its shape on the target. Values stay the same up to rounding.
 *
 * @param graph forward and backward nodes, as `appendGradients` leaves them
 * @param shape static shapes of the forward tensors
 */
export function lower(graph: Graph, { block }: Target, shape: ShapeOf): Graph {
  const builder = graphBuilder({ nodes: [], initializers: graph.initializers, inputs: graph.inputs });
  for (const node of graph.nodes) for (const name of [node.name, ...node.outputs]) builder.reserve(name);
  const lowering: Lowering = { builder, block, blocked: block > 0 ? blocked(builder, block, new Map()) : undefined };
  const fed = new Set(graph.inputs.map((i) => i.name));
  const constant = (name: string): boolean => graph.initializers.has(name) && !fed.has(name);
  for (const node of graph.nodes) {
    const result = lowered(lowering, node, shape, constant);
    // The result takes the name that the rest of the graph knows; onnxruntime removes the Identity.
    builder.push(
      result === undefined
        ? node
        : {
            op: 'Identity',
            domain: '',
            name: node.name,
            inputs: [result],
            outputs: [node.outputs[0]!],
            attributes: {},
          },
    );
  }
  return builder.graph(graph.inputs, graph.outputs);
}

function lowered(
  lowering: Lowering,
  node: Node,
  shape: ShapeOf,
  constant: (name: string) => boolean,
): string | undefined {
  if (node.domain === NEVUS_DOMAIN && node.op === CONV_INPUT_GRAD) return convInputGrad(lowering, node);
  if (node.domain === NEVUS_DOMAIN && node.op === CONV_WEIGHT_GRAD) return convWeightGrad(lowering, node);
  if (node.domain === NEVUS_DOMAIN && node.op === CONV_TRANSPOSE_INPUT_GRAD) {
    const conv = convolutionOf(node);
    return convForward(lowering, node, conv) ?? lowering.builder.add('Conv', node.inputs, convAttributes(conv));
  }
  const [x, w] = node.inputs;
  if (node.domain !== '' || node.op !== 'Conv' || constant(w!)) return undefined;
  const [xDims, wDims] = [shape(x!), shape(w!)];
  const geometry = convGeometry(node, xDims, wDims.slice(2));
  return convForward(
    lowering,
    node,
    convolution(geometry, intOf(node, 'group', 1), xDims, wDims, shape(node.outputs[0]!)),
  );
}
