import type { DifferentiableOperator } from '../../../../src/autodiff/rules/differentiable-operators.ts';
import { activations } from './activations.ts';
import { arithmetic } from './arithmetic.ts';
import { convolutions } from './convolutions.ts';
import { indexing } from './indexing.ts';
import { layout } from './layout.ts';
import { losses } from './losses.ts';
import { normalization } from './normalization.ts';
import { pooling } from './pooling.ts';
import { products } from './products.ts';
import { reductions } from './reductions.ts';
import { resizing } from './resizing.ts';
import type { Cases } from './values.ts';
import { withoutGradient } from './without-gradient.ts';

/** Finite-difference cases per operator; an operator without one does not compile. */
export const CASES: Readonly<Record<DifferentiableOperator, Cases>> = {
  ...activations,
  ...arithmetic,
  ...products,
  ...normalization,
  ...pooling,
  ...layout,
  ...reductions,
  ...convolutions,
  ...indexing,
  ...losses,
  ...resizing,
  ...withoutGradient,
};
