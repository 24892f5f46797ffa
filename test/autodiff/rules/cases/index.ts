import type { DifferentiableOperator } from '../../../../src/autodiff/rules/table.ts';
import { activations } from './activations.ts';
import { arithmetic } from './arithmetic.ts';
import { layout } from './layout.ts';
import { normalization } from './normalization.ts';
import { pooling } from './pooling.ts';
import { products } from './products.ts';
import { reductions } from './reductions.ts';
import type { Cases } from './values.ts';

/** Finite-difference cases per operator; an operator without one does not compile. */
export const CASES: Readonly<Record<DifferentiableOperator, Cases>> = {
  ...activations,
  ...arithmetic,
  ...products,
  ...normalization,
  ...pooling,
  ...layout,
  ...reductions,
};
