import type { Rule } from '../rule.ts';

/** Steps (Floor, Ceil, Round, Sign): flat almost everywhere, so no gradient passes. */
export const Floor: Rule = () => [];
export const Ceil: Rule = Floor;
export const Round: Rule = Floor;
export const Sign: Rule = Floor;
