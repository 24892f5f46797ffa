import type { Rule } from '../rule.ts';

/** Steps: flat almost everywhere, so no gradient passes. */
export const Floor: Rule = () => [];
export const Ceil: Rule = Floor;
export const Round: Rule = Floor;
export const Sign: Rule = Floor;
export const Hardmax: Rule = Floor;

/** Truth values: they have no gradient. */
export const Equal: Rule = Floor;
export const Greater: Rule = Floor;
export const GreaterOrEqual: Rule = Floor;
export const Less: Rule = Floor;
export const LessOrEqual: Rule = Floor;
export const And: Rule = Floor;
export const Or: Rule = Floor;
export const Xor: Rule = Floor;
export const Not: Rule = Floor;
export const IsNaN: Rule = Floor;
export const IsInf: Rule = Floor;

/** Positions and counts: whole numbers have no gradient. */
export const ArgMax: Rule = Floor;
export const ArgMin: Rule = Floor;
export const NonZero: Rule = Floor;
export const Shape: Rule = Floor;
export const Size: Rule = Floor;

/** Made from shapes, bounds or chance, not from the values of a tensor: there is no input that a gradient could go to. */
export const Constant: Rule = Floor;
export const ConstantOfShape: Rule = Floor;
export const Range: Rule = Floor;
export const EyeLike: Rule = Floor;
export const RandomNormal: Rule = Floor;
export const RandomNormalLike: Rule = Floor;
export const RandomUniform: Rule = Floor;
export const RandomUniformLike: Rule = Floor;
export const Bernoulli: Rule = Floor;
