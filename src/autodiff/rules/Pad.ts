import type { GraphBuilder } from '../../onnx/builder.ts';
import { int, stringOf } from '../../onnx/model.ts';
import { mismatch } from '../../onnx/shapes/context.ts';
import { padsOf } from '../../onnx/shapes/layout.ts';
import type { Rule } from '../rule.ts';
import { reversed } from './reversed.ts';
import { shapeContext } from './shape-context.ts';
import { pad } from './spread.ts';

/**
 * Y = X with a margin, or without its rim where pads are negative: dX = dY without its margin, plus, where the margin
 * repeats X (modes `reflect`, `edge`, `wrap`), what of the margin came from each element. The pads must be constants.
 * What a constant margin is filled with gets Σ dY over the margin.
 */
export const Pad: Rule = (context) => {
  const { node, dOutputs, needs, builder, shape } = context;
  const dims = shape(node.inputs[0]!);
  const rank = dims.length;
  const pads = padsOf(shapeContext(context));
  const mode = stringOf(node, 'mode', 'constant');
  const dY = dOutputs[0]!;
  const begins = pads.slice(0, rank);
  const ends = pads.slice(rank);
  if (mode === 'constant') {
    const dX = pad(builder, dY, begins.map(negated), ends.map(negated));
    return [
      needs[0] ? dX : undefined,
      undefined,
      needs[2] ? margin(builder, dY, begins, ends, shape(node.inputs[2]!)) : undefined,
    ];
  }
  if (mode !== 'reflect' && mode !== 'edge' && mode !== 'wrap')
    throw mismatch({ node }, 'mode constant, reflect, edge or wrap', mode);
  let out = dY;
  const sizes = [...shape(node.outputs[0]!)];
  for (const [axis, size] of dims.entries()) {
    out = unpadAxis(builder, out, sizes, axis, { mode, size, begin: begins[axis]!, end: ends[axis]! });
    sizes[axis] = size;
  }
  return [out];
};

const negated = (p: number): number => 0 - p;

/** Σ dY over the margin alone: over everything, less what is inside. */
function margin(
  builder: GraphBuilder,
  dY: string,
  begins: readonly number[],
  ends: readonly number[],
  dims: readonly number[],
): string {
  const outside = (p: readonly number[]): number[] => p.map((v) => Math.max(0, v));
  const inner = pad(builder, dY, outside(begins).map(negated), outside(ends).map(negated));
  const hollow = builder.add('Sub', [dY, pad(builder, inner, outside(begins), outside(ends))]);
  return builder.add('Reshape', [builder.add('ReduceSum', [hollow], { keepdims: int(0) }), builder.ints(dims)]);
}

interface PaddedAxis {
  readonly mode: 'reflect' | 'edge' | 'wrap';
  readonly size: number;
  readonly begin: number;
  readonly end: number;
}

/** The gradient along one axis. */
function unpadAxis(
  builder: GraphBuilder,
  dY: string,
  outDims: readonly number[],
  axis: number,
  { mode, size, begin, end }: PaddedAxis,
): string {
  if (begin === 0 && end === 0) return dY;
  // What negative pads cut away is gone before the margin is made.
  const first = Math.max(0, -begin);
  const kept = size - first - Math.max(0, -end);
  const sources = Array.from(
    { length: outDims[axis]! },
    (_, j) => first + sourceOf(mode, j - Math.max(0, begin), kept),
  );
  const placed = runs(sources).map(({ at, count, from, step }) => {
    const part = slice(builder, dY, axis, at, at + count);
    const [name, length] =
      step === 0 && count > 1
        ? [builder.add('ReduceSum', [part, builder.ints([axis])], { keepdims: int(1) }), 1]
        : [step < 0 ? reversed(builder, part, [axis]) : part, count];
    const start = step < 0 ? from - count + 1 : from;
    const zeros = outDims.map(() => 0);
    return pad(builder, name, zeros.with(axis, start), zeros.with(axis, size - start - length));
  });
  return placed.reduce((a, b) => builder.add('Add', [a, b]));
}

/** Which of n elements stands at position i, which may lie outside. */
function sourceOf(mode: PaddedAxis['mode'], i: number, n: number): number {
  const modulo = (a: number, b: number): number => ((a % b) + b) % b;
  if (mode === 'edge') return Math.min(n - 1, Math.max(0, i));
  if (mode === 'wrap') return modulo(i, n);
  const period = Math.max(1, 2 * (n - 1));
  const folded = modulo(i, period);
  return Math.min(folded, period - folded);
}

/** A stretch of an axis whose sources ascend, descend, or are all one element. */
interface Run {
  readonly at: number;
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

function runs(sources: readonly number[]): Run[] {
  const out: Run[] = [];
  for (let at = 0; at < sources.length; ) {
    const step = Math.sign((sources[at + 1] ?? sources[at]!) - sources[at]!);
    let count = 1;
    while (at + count < sources.length && sources[at + count] === sources[at]! + step * count) count++;
    out.push({ at, from: sources[at]!, step, count });
    at += count;
  }
  return out;
}

function slice(builder: GraphBuilder, x: string, axis: number, from: number, to: number): string {
  return builder.add('Slice', [x, builder.ints([from]), builder.ints([to]), builder.ints([axis])]);
}
