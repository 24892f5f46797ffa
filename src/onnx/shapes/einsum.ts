import { stringOf } from '../model.ts';
import { inputOf, mismatch, type ShapeContext, type ShapeRule, show } from './context.ts';

/** An equation without ellipses and implicit outputs. */
export interface EinsumEquation {
  /** Labels of each operand, one character an axis. */
  readonly terms: readonly string[];
  readonly output: string;
  /** Size of each label; an operand may have size 1 where another has more. */
  readonly sizes: ReadonlyMap<string, number>;
}

const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/**
 * Resolves the equation of an Einsum node. An ellipsis becomes labels of its own, aligned at the right; without `->` the
 * output has these and then, in order of the alphabet, the labels used once.
 *
 * @throws {ShapeError} an equation that does not fit the operands
 */
export function einsumOf(c: ShapeContext): EinsumEquation {
  const equation = stringOf(c.node, 'equation', '').replaceAll(' ', '');
  const [left = '', right] = equation.split('->');
  const given = left.split(',');
  if (given.length !== c.inputs.length) throw mismatch(c, `${c.inputs.length} operands`, `'${equation}'`);
  const named = given.map((term) => term.replace('...', ''));
  const open = given.map((term, i) => (term.includes('...') ? inputOf(c, i).dims.length - named[i]!.length : 0));
  const free = LETTERS.filter((l) => !equation.includes(l)).slice(0, Math.max(0, ...open));
  const filled = (term: string, count: number): string => term.replace('...', free.slice(free.length - count).join(''));
  const terms = given.map((term, i) => filled(term, Math.max(0, open[i]!)));
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    const { dims } = inputOf(c, i);
    if (term.length !== dims.length) throw mismatch(c, `an operand with axes '${given[i]}'`, show(dims));
    for (const [axis, label] of [...term].entries()) {
      const size = dims[axis]!;
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && size !== 1 && known !== size) throw mismatch(c, `size ${known} for '${label}'`, `${size}`);
      sizes.set(label, Math.max(known, size));
    }
  }
  const all = [...named.join('')];
  const single = all.filter((l) => all.indexOf(l) === all.lastIndexOf(l)).sort();
  const output = right === undefined ? [...free, ...single].join('') : filled(right, free.length);
  const unknown = [...output].find((l) => !sizes.has(l));
  if (unknown !== undefined) throw mismatch(c, `an output of labels in '${left}'`, `'${unknown}'`);
  return { terms, output, sizes };
}

export const Einsum: ShapeRule = (c) => {
  const { output, sizes } = einsumOf(c);
  return [{ dtype: inputOf(c, 0).dtype, dims: [...output].map((l) => sizes.get(l)!) }];
};
