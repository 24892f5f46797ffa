import { ShapeError } from '../core/errors.ts';
import type { Node } from '../onnx/model.ts';
import { show, type TensorInfo } from '../onnx/shapes/context.ts';

/**
 * Refuses tensors without elements on the way from what is differentiated by to the loss: a mean over nothing has no
 * gradient, and onnxruntime's operators do not agree on what to do with nothing.
 *
 * @param varying tensors that depend on what is differentiated by
 * @throws {ShapeError} naming the first such tensor and its shape
 */
export function refuseEmpty(
  nodes: readonly Node[],
  infos: ReadonlyMap<string, TensorInfo>,
  varying: ReadonlySet<string>,
  loss: string,
): void {
  const needed = new Set([loss]);
  for (const node of [...nodes].reverse())
    if (node.outputs.some((y) => needed.has(y))) for (const x of node.inputs) needed.add(x);
  for (const [name, { dims }] of infos) {
    if (dims.includes(0) && varying.has(name) && needed.has(name))
      throw new ShapeError(
        'autodiff/empty',
        `tensor '${name}': expected at least one element where a gradient is taken, got shape ${show(dims)}`,
        'Give every free dimension a size of 1 or more, or remove the branch that makes the empty tensor.',
      );
  }
}
