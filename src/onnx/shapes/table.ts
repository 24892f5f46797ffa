import type { Node } from '../model.ts';
import type { ShapeRule } from './context.ts';
import { convPool } from './conv-pool.ts';
import { broadcasting, shapePreserving } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { layouts } from './layout.ts';
import { losses } from './losses.ts';
import { matrixProducts } from './matmul-gemm.ts';
import { reductions } from './reduce.ts';

/** Every operator whose output shapes nevus can work out. Operators outside `ai.onnx` carry their domain. */
export const SHAPE_RULES = {
  ...broadcasting,
  ...shapePreserving,
  ...convPool,
  ...matrixProducts,
  ...reductions,
  ...layouts,
  ...indexing,
  ...losses,
} satisfies Record<string, ShapeRule>;

/** Key of a node's operator in the table. */
export function operatorOf(node: Pick<Node, 'op' | 'domain'>): string {
  return node.domain === '' ? node.op : `${node.domain}.${node.op}`;
}
