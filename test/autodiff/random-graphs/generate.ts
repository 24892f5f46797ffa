import type { Description, Fields } from './description.ts';
import { type Draft, draft, type Live } from './draft.ts';
import { activations, arithmetic } from './elementwise.ts';
import { images } from './image.ts';
import { layouts } from './layout.ts';
import type { Move, Moves } from './move.ts';
import { products, reductions } from './products.ts';

const MOVES: Moves = { ...activations, ...arithmetic, ...layouts, ...products, ...reductions, ...images };
const FAMILIES: readonly Moves[] = [activations, arithmetic, layouts, products, reductions, images];

/** Attempts to apply the move that the graph is about before it is given up. */
const ATTEMPTS = 60;

/**
 * A random graph: one or two inputs, five to fourteen operators, each applied to tensors made before, and a loss over
 * most of the tensors that nothing reads. The first operator that is applied goes round through all of them as the seed
 * counts up.
 */
export function randomGraph(seed: number): Description {
  const d = draft(seed);
  const names = Object.keys(MOVES);
  const name = names[seed % names.length]!;
  start(d, name in images);
  apply(d, MOVES[name]!);
  const steps = d.int(5, 14);
  for (let i = 0; i < steps; i++) {
    const recent = d.live.at(-1)!;
    const family = recent.dims.length >= 4 && d.chance(0.5) ? images : d.pick(FAMILIES);
    apply(d, family[d.pick(Object.keys(family))]!, 3);
  }
  return d.finish(loss(d));
}

/** One input or two, images more often than not. */
function start(d: Draft, image: boolean): void {
  const batch = d.int(1, 3);
  const shapes = [
    [batch, d.pick([2, 3, 4, 4, 6]), d.int(3, 6), d.int(3, 6)],
    [batch, d.int(2, 6), d.int(3, 8)],
    [d.int(2, 5), d.int(3, 7)],
    [batch, 2, d.int(2, 3), d.int(3, 4), 3],
  ];
  const shape = image ? d.pick([0, 0, 0, 0, 1, 3]) : d.pick([0, 0, 1, 1, 2, 2]);
  const x = d.input(shapes[shape]!);
  if (d.chance(0.3)) d.input(d.chance(0.5) ? x.dims : [d.int(2, 4), d.int(2, 5)]);
}

/** Applies a move to a tensor of the graph, a recent one more likely, or to one reshaped into an image. */
function apply(d: Draft, move: Move, attempts = ATTEMPTS): void {
  for (let i = 0; i < attempts; i++) {
    const from = d.chance(0.6) ? d.live.slice(-2) : d.live;
    const made = move(d, d.pick(from));
    if (made === undefined) continue;
    d.keep(made);
    return;
  }
}

/** The sum of one term for every end of the graph but some: these are branches that the loss does not depend on. */
function loss(d: Draft): string {
  const ends = d.ends().filter((_, i) => i === 0 || d.chance(0.85));
  const terms = (ends.length > 0 ? ends : [d.live.at(-1)!]).map((y) => term(d, y).name);
  if (terms.length === 1) return terms[0]!;
  if (d.chance(0.5)) return d.one('Sum', terms).name;
  return terms.reduce((sum, t) => d.one('Add', [sum, t]).name);
}

function term(d: Draft, y: Live): Live {
  const keepdims = { keepdims: 0 };
  const kind = d.rng.next();
  if (y.dims.length >= 2 && y.dims.length <= 4 && y.dims[1]! > 1 && kind < 0.25) return classes(d, y);
  if (kind < 0.4) return d.one('ReduceMean', [d.one('Mul', [y.name, y.name]).name], keepdims);
  const weighed = d.one('Mul', [y.name, d.fixed(y.dims, -1, 1)]);
  return d.one(kind < 0.7 ? 'ReduceSum' : 'ReduceMean', [weighed.name], keepdims);
}

/** Cross-entropy over axis 1, weighted by class, some targets ignored. */
function classes(d: Draft, y: Live): Live {
  const dims = y.dims.toSpliced(1, 1);
  const count = dims.reduce((a, b) => a * b, 1);
  const targets = Array.from({ length: count }, () => d.int(0, y.dims[1]! - 1));
  const ignored = d.chance(0.4) && count > 1;
  // The first target is another one's neighbour, so that not all are ignored.
  const ignore_index = ignored ? (targets[0]! + 1) % y.dims[1]! : 0;
  const fields: Fields = {
    ...(ignored ? { ignore_index } : {}),
    ...(d.chance(0.6) ? { reduction: d.pick(['mean', 'sum']) } : {}),
  };
  const weights = d.chance(0.5) ? [d.fixed([y.dims[1]!], 0.5, 1.5)] : [];
  const rest = [d.ints(targets, dims), ...weights];
  if (d.chance(0.5)) return d.one('SoftmaxCrossEntropyLoss', [y.name, ...rest], fields);
  return d.one('NegativeLogLikelihoodLoss', [d.one('LogSoftmax', [y.name], { axis: 1 }).name, ...rest], fields);
}
