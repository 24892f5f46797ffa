/** Moves that compute element by element. */
import type { Fields } from './description.ts';
import type { Draft, Live } from './draft.ts';
import { type Move, type Moves, mixed, narrower, positive, small } from './move.ts';

function unary(op: string, fields?: (d: Draft) => Fields): Move {
  return (d, x) => [d.one(op, [x.name], fields?.(d) ?? {})];
}

/** The value of an attribute, or nothing to leave it at its default. */
const sometimes = (d: Draft, name: string, low: number, high: number): Fields =>
  d.chance(0.7) ? { [name]: { float: Number(d.rng.uniform(low, high).toFixed(3)) } } : {};

const ofPositive =
  (op: string): Move =>
  (d, x) => [d.one(op, [positive(d, x).name])];

/** The other operand: a tensor of the graph whose shape fits, x itself, or a new weight. */
function partner(d: Draft, x: Live): Live | undefined {
  const fits = d.live.filter((y) => broadcast(x.dims, y.dims) !== undefined);
  const other = d.chance(0.5) && fits.length > 0 ? d.pick(fits) : d.weight(mixed(d, x.dims), -1.2, 1.2);
  const dims = broadcast(x.dims, other.dims);
  return dims !== undefined && small(dims) ? other : undefined;
}

function broadcast(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const at = (dims: readonly number[], i: number): number => dims[i - rank + dims.length] ?? 1;
  const out = Array.from({ length: rank }, (_, i) => Math.max(at(a, i), at(b, i)));
  return out.every((size, i) => [1, size].includes(at(a, i)) && [1, size].includes(at(b, i))) ? out : undefined;
}

function binary(op: string): Move {
  return (d, x) => {
    const y = partner(d, x);
    if (y === undefined) return undefined;
    return [d.one(op, d.chance(0.5) ? [x.name, y.name] : [y.name, x.name])];
  };
}

/** Two or three operands. */
function variadic(op: string): Move {
  return (d, x) => {
    const others = [partner(d, x), d.chance(0.4) ? d.weight(narrower(d, x.dims), -1, 1) : undefined];
    if (others[0] === undefined) return undefined;
    const names = [x, ...others].filter((t) => t !== undefined).map((t) => t.name);
    return [d.one(op, d.chance(0.3) ? names.reverse() : names)];
  };
}

export const activations: Moves = {
  Sigmoid: unary('Sigmoid'),
  Tanh: unary('Tanh'),
  Softplus: unary('Softplus'),
  Softsign: unary('Softsign'),
  Mish: unary('Mish'),
  Erf: unary('Erf'),
  Gelu: unary('Gelu', (d): Fields => (d.chance(0.5) ? { approximate: 'tanh' } : {})),
  HardSwish: unary('HardSwish'),
  HardSigmoid: unary('HardSigmoid', (d) => ({
    ...sometimes(d, 'alpha', 0.15, 0.6),
    ...sometimes(d, 'beta', 0.3, 0.6),
  })),
  Elu: unary('Elu', (d) => sometimes(d, 'alpha', 0.4, 1.6)),
  Selu: unary('Selu', (d) => ({ ...sometimes(d, 'alpha', 1, 2), ...sometimes(d, 'gamma', 0.8, 1.3) })),
  Relu: unary('Relu'),
  LeakyRelu: unary('LeakyRelu', (d) => sometimes(d, 'alpha', 0.05, 0.4)),
  PRelu: (d, x) => [d.one('PRelu', [x.name, d.weight(narrower(d, x.dims), -0.2, 0.6).name])],
  Clip: (d, x) => {
    const low = d.scalar(-0.6);
    const bounds = d.pick([[low], ['', d.scalar(0.7)], [low, d.scalar(0.9)]]);
    return [d.one('Clip', [x.name, ...bounds])];
  },
  Swish: (d, x) => [d.one('Mul', [x.name, d.one('Sigmoid', [x.name]).name])],
};

export const arithmetic: Moves = {
  Neg: unary('Neg'),
  Abs: unary('Abs'),
  Sin: unary('Sin'),
  Cos: unary('Cos'),
  Identity: unary('Identity'),
  Dropout: unary('Dropout'),
  Exp: (d, x) => [d.one('Exp', [d.one('Mul', [x.name, d.scalar(0.4)]).name])],
  Log: ofPositive('Log'),
  Sqrt: ofPositive('Sqrt'),
  Reciprocal: ofPositive('Reciprocal'),
  Cast: (d, x) => {
    // There and back: gradients pass through element types.
    const wide = d.one('Cast', [x.name], { to: 11 });
    return [d.one('Cast', [d.one('Identity', [wide.name]).name], { to: 1 })];
  },
  Rounding: (d, x) => {
    const whole = d.one(d.pick(['Floor', 'Ceil', 'Sign', 'Round']), [x.name]);
    return [d.one('Sub', [x.name, whole.name])];
  },
  PowConstant: (d, x) => {
    const whole = d.pick([2, 3]);
    if (d.chance(0.5)) return [d.one('Pow', [x.name, d.scalar(whole)])];
    return [d.one('Pow', [positive(d, x).name, d.scalar(d.pick([0.5, -1, 1.5, 2, -0.5]))])];
  },
  Pow: (d, x) => {
    const exponent = d.weight(mixed(d, x.dims), -1.2, 1.7);
    const dims = broadcast(x.dims, exponent.dims);
    return dims !== undefined && small(dims) ? [d.one('Pow', [positive(d, x).name, exponent.name])] : undefined;
  },
  Add: binary('Add'),
  Sub: binary('Sub'),
  Mul: binary('Mul'),
  Div: (d, x) => {
    const y = partner(d, x);
    return y === undefined ? undefined : [d.one('Div', [x.name, positive(d, y).name])];
  },
  Min: variadic('Min'),
  Max: variadic('Max'),
  Sum: variadic('Sum'),
  Mean: variadic('Mean'),
  Twice: (d, x) => [d.one(d.pick(['Add', 'Mul']), [x.name, x.name])],
  Where: (d, x) => {
    const y = partner(d, x);
    if (y === undefined) return undefined;
    const names = d.chance(0.5) ? [x.name, y.name] : [y.name, x.name];
    if (d.chance(0.5)) return [d.one('Where', [d.bools(narrower(d, x.dims)), ...names])];
    const condition = d.one(d.pick(['Greater', 'Less']), [x.name, d.scalar(0.1)]);
    return [d.one('Where', [condition.name, ...names])];
  },
};
