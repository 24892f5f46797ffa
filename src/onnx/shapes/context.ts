import { ShapeError } from '../../core/errors.ts';
import { type DataType, intsOf, type Node, type Tensor } from '../model.ts';

/** Element type and static shape of a tensor. */
export interface TensorInfo {
  readonly dtype: DataType;
  readonly dims: readonly number[];
}

/** What a shape rule sees of one node. */
export interface ShapeContext {
  readonly node: Node;
  /** One per input; undefined where an optional input is left out. */
  readonly inputs: readonly (TensorInfo | undefined)[];
  /** Values known at build time, one per input. */
  readonly constants: readonly (Tensor | undefined)[];
}

/** Type and shape of each output that the operator can have; a node may use fewer. */
export type ShapeRule = (context: ShapeContext) => readonly TensorInfo[];

/** @throws {ShapeError} if the input is left out */
export function inputOf(c: ShapeContext, index: number): TensorInfo {
  const info = c.inputs[index];
  if (info === undefined) throw mismatch(c, `input ${index}`, 'none');
  return info;
}

/** Values of a tensor as numbers. */
export function numbersOf(tensor: Tensor): number[] {
  return Array.from<number | bigint, number>(tensor.data, Number);
}

/**
 * Values of an input that decides the shape of the output, or undefined where the input is left out.
 *
 * @throws {ShapeError} if they are only known when the graph runs
 */
export function valuesIf(c: ShapeContext, index: number): number[] | undefined {
  if (c.inputs[index] === undefined) return undefined;
  const constant = c.constants[index];
  if (constant === undefined)
    throw new ShapeError(
      'onnx/dynamic-shape',
      `${whereOf(c.node)}: expected input ${index} ('${c.node.inputs[index]}') to be known before the graph runs, got a computed tensor`,
      'Export the model with fixed shapes, or simplify it so that shapes are constants.',
    );
  return numbersOf(constant);
}

/** As `valuesIf`, for an input that must be there. */
export function valuesOf(c: ShapeContext, index: number): number[] {
  inputOf(c, index);
  return valuesIf(c, index) ?? [];
}

/** Axes (or the like) given as an attribute by older operator sets and as an input by newer ones. */
export function attributeOrInput(c: ShapeContext, name: string, index: number): readonly number[] | undefined {
  return intsOf(c.node, name, undefined) ?? valuesIf(c, index);
}

/** The axis counted from 0. @throws {ShapeError} outside [−rank, rank) */
export function axisOf(c: ShapeContext, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) throw mismatch(c, `an axis in [${-rank}, ${rank})`, `${axis}`);
  return positive;
}

/** How messages name a node. */
export function whereOf(node: Node): string {
  return `${node.op} node '${node.name}'`;
}

export function mismatch(c: Pick<ShapeContext, 'node'>, expected: string, got: string): ShapeError {
  return new ShapeError('onnx/shape', `${whereOf(c.node)}: expected ${expected}, got ${got}`);
}

export function show(dims: readonly number[]): string {
  return `[${dims.join(', ')}]`;
}
