import type { GraphBuilder } from '../onnx/builder.ts';
import type { DataType, Node, Tensor } from '../onnx/model.ts';

/** What a gradient rule sees of one forward node, and where it writes the backward nodes. */
export interface RuleContext {
  /** The forward node. Its inputs and outputs are tensors of the graph and may be used in the backward pass. */
  readonly node: Node;
  /** dY per output of the node; undefined where the loss does not depend on that output. At least one is given. */
  readonly dOutputs: readonly (string | undefined)[];
  /** Which inputs a gradient is asked for. Others may be left undefined, and should cost nothing. */
  readonly needs: readonly boolean[];
  readonly builder: GraphBuilder;
  /** Shape of a forward tensor. */
  shape(name: string): readonly number[];
  dtype(name: string): DataType;
  /** The value of a tensor known before the graph runs: an initializer that is not trained, or folded from such. */
  constant(name: string): Tensor | undefined;
}

/**
 * Writes the backward nodes of one forward node.
 *
 * @returns dX per input, of the input's own shape; undefined where none was asked for or the input has no gradient
 */
export type Rule = (context: RuleContext) => readonly (string | undefined)[];
