import { auc } from './auc.ts';
import { effectiveCounts } from './clustered-proportion.ts';
import { type AucVariance, aucInterval95, deLong } from './delong.ts';
import { allApart, type Groups, membersOf } from './groups.ts';
import {
  type Estimate,
  type IntervalMetric,
  isDefined,
  isUndefined,
  type Metric,
  minus,
  ratio,
  type Undefined,
  undefinedBecause,
} from './metric.ts';
import { adjustPValues, type Correction } from './multiplicity.ts';
import type { Positives } from './ranking.ts';
import { checkLength } from './scored.ts';
import { compareAucs, compareProportions } from './two-samples.ts';
import { wilsonInterval } from './wilson.ts';

/** What a subgroup table is made from. */
export interface SubgroupInput {
  /** [n], higher means more likely positive; finite. */
  readonly scores: ArrayLike<number>;
  /** [n] */
  readonly positives: Positives;
  /** The answer is positive at this score or above. */
  readonly threshold: number;
  /** For each attribute (`sex`, `site`, …) its level for each example [n]; undefined or empty: unknown. Numbers: see `bandOf`. */
  readonly attributes: Readonly<Record<string, readonly (string | undefined)[]>>;
  /** [n], lesion or patient. Default: all independent. */
  readonly groups?: Groups | undefined;
}

export interface SubgroupOptions {
  /** Levels with fewer examples are listed, not judged. Default 20. */
  readonly minCases?: number;
  /** Default `benjamini-hochberg`. */
  readonly correction?: Correction;
  /** Flagged where the adjusted p is below this. Default 0.05. */
  readonly alpha?: number;
}

/** One figure of a level, and how far it is from the rest. */
export interface SubgroupFigure extends Estimate {
  /** Level minus whole. */
  readonly gap: Metric;
  /** Two-sided, level against all other examples. */
  readonly pValue: Metric;
  /** Adjusted for all tests of the table. */
  readonly adjustedP: Metric;
  /** The adjusted p is below alpha. */
  readonly flagged: boolean;
}

/** One level of one attribute. */
export interface Subgroup {
  readonly attribute: string;
  /** `unknown` where it was not given. */
  readonly level: string;
  readonly n: number;
  readonly nPositive: number;
  /** Independent groups among them. */
  readonly nGroups: number;
  readonly prevalence: Estimate;
  readonly auc: SubgroupFigure;
  readonly sensitivity: SubgroupFigure;
  readonly specificity: SubgroupFigure;
}

/** Figures of every level that has examples enough. */
export interface SubgroupTable {
  readonly threshold: number;
  readonly minCases: number;
  readonly correction: Correction;
  readonly alpha: number;
  /** How many p values were adjusted together. */
  readonly tests: number;
  readonly whole: {
    readonly n: number;
    readonly nPositive: number;
    readonly auc: Estimate;
    readonly sensitivity: Estimate;
    readonly specificity: Estimate;
  };
  /** By attribute as given, levels in ascending order, numbers by value, `unknown` last. */
  readonly rows: readonly Subgroup[];
  /** Levels with fewer than `minCases` examples: nothing is known of them. */
  readonly tooSmall: readonly { readonly attribute: string; readonly level: string; readonly n: number }[];
  /** Attributes of which no example has a level: unknown throughout. */
  readonly unknown: readonly string[];
}

/** What a level is called where it was not given. */
const UNKNOWN = 'unknown';

/**
 * How the model fares in every level of every attribute: prevalence, AUC, sensitivity and specificity with 95 % intervals,
 * gap to the whole, and a flag that allows for the number of tests.
 *
 * Intervals: DeLong, by groups (Obuchowski) where examples share one; Wilson, on effective counts (Rao and Scott).
 * Tests, of the level against all other examples, two-sided:
 *
 *     AUC                        z = (AUC_in − AUC_out) / √(variance_in + variance_out)
 *     sensitivity, specificity   z² = (N − 1)/N · Pearson's χ² of the 2 × 2 table of effective counts
 *
 * taking the two sides as independent. A p is undefined where the level is the whole, where an expected count is
 * below 1, and where the AUC has no variance. All p of the table are adjusted together. A level that is not flagged is not
 * thereby shown to be as good as the rest: read its interval.
 *
 * @returns rows of attributes in the order given
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a score is not finite
 * @see `compareAucs`, `compareProportions`, `adjustPValues`
 */
export function subgroupTable(
  input: SubgroupInput,
  { minCases = 20, correction = 'benjamini-hochberg', alpha = 0.05 }: SubgroupOptions = {},
): SubgroupTable {
  const n = input.scores.length;
  checkLength('subgroupTable', 'positives', input.positives.length, n);
  const groups = input.groups ?? allApart(n);
  checkLength('subgroupTable', 'groups', groups.length, n);
  const everything = partOf(
    input,
    groups,
    Array.from({ length: n }, (_, i) => i),
  );
  const drafts: Draft[] = [];
  const tooSmall: { attribute: string; level: string; n: number }[] = [];
  const unknown: string[] = [];
  for (const [attribute, values] of Object.entries(input.attributes)) {
    checkLength('subgroupTable', `levels of ${attribute}`, values.length, n);
    const levels = levelsOf(values);
    if (levels.length === 0 || (levels.length === 1 && levels[0] === UNKNOWN)) unknown.push(attribute);
    for (const level of levels) {
      const inside: number[] = [];
      const outside: number[] = [];
      for (let i = 0; i < n; i++) ((values[i] || UNKNOWN) === level ? inside : outside).push(i);
      if (inside.length < minCases) tooSmall.push({ attribute, level, n: inside.length });
      else drafts.push(draftOf(attribute, level, partOf(input, groups, inside), partOf(input, groups, outside)));
    }
  }
  const tested = drafts.flatMap(({ p }) => [p.auc, p.sensitivity, p.specificity]).filter(isDefined);
  const adjusted = adjustPValues(tested, correction);
  let next = 0;
  const figureOf = (estimate: Estimate, whole: Estimate, pValue: Metric): SubgroupFigure => {
    const adjustedP = isDefined(pValue) ? adjusted[next++]! : pValue;
    return {
      ...estimate,
      gap: minus(estimate.value, whole.value),
      pValue,
      adjustedP,
      flagged: isDefined(adjustedP) && adjustedP < alpha,
    };
  };
  return {
    threshold: input.threshold,
    minCases,
    correction,
    alpha,
    tests: tested.length,
    whole: {
      n,
      nPositive: everything.sensitivity.n,
      auc: everything.auc,
      sensitivity: estimateOf(everything.sensitivity),
      specificity: estimateOf(everything.specificity),
    },
    rows: drafts.map(({ attribute, level, part, p }) => ({
      attribute,
      level,
      n: part.n,
      nPositive: part.sensitivity.n,
      nGroups: part.nGroups,
      prevalence: estimateOf(part.prevalence),
      auc: figureOf(part.auc, everything.auc, p.auc),
      sensitivity: figureOf(estimateOf(part.sensitivity), estimateOf(everything.sensitivity), p.sensitivity),
      specificity: figureOf(estimateOf(part.specificity), estimateOf(everything.specificity), p.specificity),
    })),
    tooSmall,
    unknown,
  };
}

/** Counts of a proportion, with what they are worth as independent ones. */
interface Share {
  readonly successes: number;
  readonly n: number;
  readonly effectiveN: number;
  readonly lack: string;
}

interface Part {
  readonly n: number;
  readonly nGroups: number;
  readonly prevalence: Share;
  readonly auc: Estimate;
  readonly estimate: AucVariance | Undefined;
  readonly sensitivity: Share;
  readonly specificity: Share;
}

interface Draft {
  readonly attribute: string;
  readonly level: string;
  readonly part: Part;
  readonly p: { readonly auc: Metric; readonly sensitivity: Metric; readonly specificity: Metric };
}

function partOf({ scores, positives, threshold }: SubgroupInput, groups: Groups, rows: readonly number[]): Part {
  const here = rows.map((row) => scores[row]!);
  const truth = rows.map((row) => Boolean(positives[row]));
  const lesions = rows.map((row) => groups[row]);
  const estimate = deLong(here, truth, lesions);
  const share = (wanted: boolean, lack: string): Share => {
    const of = rows.filter((row) => Boolean(positives[row]) === wanted);
    const right = of.map((row) => scores[row]! >= threshold === wanted);
    return {
      ...effectiveCounts(
        right,
        of.map((row) => groups[row]),
      ),
      lack,
    };
  };
  return {
    n: rows.length,
    nGroups: membersOf(lesions).length,
    prevalence: { ...effectiveCounts(truth, lesions), lack: 'no examples' },
    auc: { value: auc(here, truth), interval95: isUndefined(estimate) ? estimate : aucInterval95(estimate) },
    estimate,
    sensitivity: share(true, 'no positive example'),
    specificity: share(false, 'no negative example'),
  };
}

function draftOf(attribute: string, level: string, part: Part, rest: Part): Draft {
  return {
    attribute,
    level,
    part,
    p: {
      auc: pOfAucs(part, rest),
      sensitivity: pOfShares(part.sensitivity, rest.sensitivity),
      specificity: pOfShares(part.specificity, rest.specificity),
    },
  };
}

function estimateOf({ successes, n, effectiveN, lack }: Share): Estimate {
  const value = ratio(successes, n, lack);
  const interval95: IntervalMetric = isDefined(value)
    ? wilsonInterval((successes * effectiveN) / n, effectiveN)
    : value;
  return { value, interval95 };
}

function pOfAucs(part: Part, rest: Part): Metric {
  if (rest.n === 0) return undefinedBecause('the level is the whole');
  return isUndefined(part.estimate)
    ? part.estimate
    : isUndefined(rest.estimate)
      ? rest.estimate
      : compareAucs(part.estimate, rest.estimate);
}

function pOfShares(part: Share, rest: Share): Metric {
  if (part.n === 0) return undefinedBecause(part.lack);
  if (rest.n === 0) return undefinedBecause('no such example outside the level');
  const worth = ({ successes, n, effectiveN }: Share): [number, number] => [(successes / n) * effectiveN, effectiveN];
  return compareProportions(...worth(part), ...worth(rest));
}

/** Levels that occur, ascending, numbers and bands by value, what is unknown last. */
function levelsOf(values: readonly (string | undefined)[]): string[] {
  const start = (level: string): number =>
    level.startsWith('< ') ? -Infinity : Number.parseFloat(level.replace('≥ ', ''));
  return [...new Set(values.map((value) => value || UNKNOWN))].sort((a, b) => {
    if (a === UNKNOWN || b === UNKNOWN) return Number(a === UNKNOWN) - Number(b === UNKNOWN);
    const [x, y] = [start(a), start(b)];
    return !Number.isNaN(x) && !Number.isNaN(y) && x !== y ? x - y : a < b ? -1 : 1;
  });
}
