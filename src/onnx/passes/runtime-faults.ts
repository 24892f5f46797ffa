/** Faults of onnxruntime's processor provider (seen in 1.30), worked around before a graph of others runs. */
import type { Graph } from '../model.ts';
import { knownShapes } from '../shapes/known.ts';
import { guardPools } from './guard-pools.ts';
import { matrixOperands } from './matrix-operands.ts';
import { wholeWindows } from './whole-windows.ts';

/**
 * The same computation in a form that onnxruntime loads and computes rightly; the graph itself where nothing is wrong.
 * Inputs, outputs and the names of all tensors stay.
 *
 * @param opset operator set of the graph
 * @see guardPools, matrixOperands, wholeWindows
 */
export function avoidFaults(graph: Graph, opset: number): Graph {
  const shapes = knownShapes(graph);
  return wholeWindows(matrixOperands(guardPools(graph, shapes), shapes, opset), shapes);
}
