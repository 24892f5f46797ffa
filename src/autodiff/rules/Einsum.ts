import type { GraphBuilder } from '../../onnx/builder.ts';
import { float32, string } from '../../onnx/model.ts';
import { einsumOf } from '../../onnx/shapes/einsum.ts';
import type { Rule } from '../rule.ts';
import { reshape, sameDims, sumToShape } from './broadcast.ts';
import { shapeContext } from './shape-context.ts';

/**
 * Y = Σ of products over the labels that the output lacks: dX of one operand is the Einsum of dY and all other operands
 * with the operand's own labels as output. Labels that only this operand has were summed: there dX is repeated. Where an
 * operand names a label twice, dX lies on the diagonal.
 */
export const Einsum: Rule = (context) => {
  const { node, dOutputs, needs, builder, shape } = context;
  const { terms, output, sizes } = einsumOf(shapeContext(context));
  return node.inputs.map((x, k) => {
    if (!needs[k]) return undefined;
    const labels = [...terms[k]!];
    const unique = [...new Set(labels)];
    const others = [...node.inputs.keys()].filter((i) => i !== k);
    const sources = [
      { term: output, dims: shape(node.outputs[0]!) },
      ...others.map((i) => ({ term: terms[i]!, dims: shape(node.inputs[i]!) })),
    ];
    /** Size of a label in what dX is computed from; 1 where nothing there has it. */
    const found = (label: string): number =>
      Math.max(1, ...sources.flatMap(({ term, dims }) => [...term].flatMap((l, i) => (l === label ? [dims[i]!] : []))));
    const known = unique.filter((l) => sources.some(({ term }) => term.includes(l)));
    const equation = `${sources.map(({ term }) => term).join(',')}->${known.join('')}`;
    const product = builder.add('Einsum', [dOutputs[0]!, ...others.map((i) => node.inputs[i]!)], {
      equation: string(equation),
    });
    const dims = shape(x);
    /** Shape of X with each label once. */
    const once = unique.map((l) => dims[labels.indexOf(l)]!);
    const full = known.map(found);
    const own = known.map((l) => once[unique.indexOf(l)]!);
    const summed = sumToShape(
      builder,
      product,
      full,
      full.map((size, i) => (own[i] === 1 ? 1 : size)),
    );
    const spread = unique.map((l) => (known.includes(l) ? Math.min(found(l), once[unique.indexOf(l)]!) : 1));
    const placed = known.length === unique.length ? summed : reshape(builder, summed, spread);
    const repeated = sameDims(spread, once) ? placed : builder.add('Expand', [placed, builder.ints(once)]);
    return unique.length === labels.length ? repeated : onDiagonal(builder, repeated, labels, unique, dims, sizes);
  });
};

/** A tensor with one axis per label put on the diagonal of one with an axis per use of a label. */
function onDiagonal(
  builder: GraphBuilder,
  x: string,
  labels: readonly string[],
  unique: readonly string[],
  dims: readonly number[],
  sizes: ReadonlyMap<string, number>,
): string {
  const firstUses = dims.map((d, i) => (labels.indexOf(labels[i]!) === i ? d : 1));
  const column = reshape(builder, x, firstUses);
  return unique.reduce((out, label) => {
    const uses = labels.flatMap((l, i) => (l === label ? [i] : []));
    const size = sizes.get(label)!;
    if (uses.length === 1 || size === 1) return out;
    const mask = new Float32Array(size ** uses.length);
    // One step along the diagonal is one step along every axis.
    const step = uses.reduce((sum, _, i) => sum + size ** i, 0);
    for (let i = 0; i < size; i++) mask[i * step] = 1;
    const maskDims = dims.map((_, i) => (uses.includes(i) ? size : 1));
    return builder.add('Mul', [out, builder.constant(float32(mask, maskDims))]);
  }, column);
}
