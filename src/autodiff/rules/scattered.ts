import { UnsupportedOperatorError } from '../../core/errors.ts';
import { type Node, stringOf } from '../../onnx/model.ts';
import { whereOf } from '../../onnx/shapes/context.ts';

/**
 * Whether a scatter replaces what it writes to, or adds to it.
 *
 * @throws {UnsupportedOperatorError} other reductions
 */
export function scatterReplaces(node: Node): boolean {
  const reduction = stringOf(node, 'reduction', 'none');
  if (reduction === 'none') return true;
  if (reduction === 'add') return false;
  throw new UnsupportedOperatorError(
    'autodiff/scatter',
    `${whereOf(node)}: expected reduction none or add, got ${reduction}`,
  );
}
