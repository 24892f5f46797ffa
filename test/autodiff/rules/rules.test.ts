import { describe, expect, it } from 'vitest';
import { RULES } from '../../../src/autodiff/rules/table.ts';
import { expectGradients } from '../finite-differences.ts';
import { CASES } from './cases/index.ts';

const cases = Object.entries(CASES).flatMap(([op, list]) => list.map((c) => [op, c.name, c] as const));

describe('gradients equal finite differences', () => {
  it.each(cases)('%s: %s', (op, _, c) => expectGradients(op, c));

  it('for every rule there is', () => {
    const tried = new Set(cases.map(([op]) => op));
    expect(Object.keys(RULES).filter((op) => !tried.has(op))).toEqual([]);
  });

  it('and no case is for an operator without a rule', () => {
    expect(Object.keys(CASES).filter((op) => !Object.hasOwn(RULES, op))).toEqual([]);
  });
});
