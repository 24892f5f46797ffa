import { definedOnly } from '../core/defined-only.ts';
import type { OnProgress } from '../core/events.ts';
import { sha256 } from '../core/hash.ts';
import { inspectImages } from '../dataset/inspect.ts';
import { proveNoOverlap } from '../dataset/overlap.ts';
import { checkProblems } from '../dataset/problems.ts';
import { readDataset } from '../dataset/read.ts';
import { splitDataset } from '../dataset/split.ts';
import { validateTaxonomy } from '../dataset/taxonomy.ts';
import { type Example, type Problem, SPLITS, type Split, type Taxonomy } from '../dataset/types.ts';
import { dihedral, IDENTITY, type View, viewOf } from '../image/view.ts';
import type { Config } from './config.ts';

/** One usable image with its place in the run. */
export interface Row {
  readonly example: Example;
  readonly sha256: string;
  /** Index into the labels. */
  readonly target: number;
  readonly split: Split;
}

/** The data of a run, read, checked and split. */
export interface PreparedData {
  readonly root: string;
  readonly format: string;
  readonly labels: readonly string[];
  readonly taxonomy: Taxonomy | undefined;
  readonly rows: readonly Row[];
  readonly problems: readonly Problem[];
  /** SHA-256 over every image's id, bytes, label and split, in order. */
  readonly hash: string;
}

/**
 * Reads a data set, decodes every image once, leaves out what cannot be used and splits the rest.
 *
 * @throws {UsageError|DataError} see `readDataset`, `checkProblems`, `splitDataset`
 */
export async function prepareData(
  config: Config,
  onProgress?: OnProgress,
  signal?: AbortSignal,
): Promise<PreparedData> {
  const dataset = await readDataset(config.data, definedOnly(config.columns));
  const inspection = await inspectImages(dataset.examples, definedOnly({ onProgress, signal }));
  const problems = [...dataset.problems, ...inspection.problems];
  checkProblems(dataset.examples.length + dataset.problems.length, problems, { allowBad: config.allowBad });
  const usable = dataset.examples.filter((e) => inspection.images.has(e.id));
  const hashOf = (id: string): string | undefined => inspection.images.get(id)?.sha256;
  const { groupBy, validationSource, ...fractions } = config.split;
  const splits = splitDataset(usable, {
    seed: config.seed,
    fractions,
    groupBy,
    sha256Of: hashOf,
    ...(validationSource === undefined ? {} : { validationSource }),
  });
  proveNoOverlap(splits, usable, hashOf);
  const taxonomy = config.taxonomy ?? dataset.taxonomy;
  if (taxonomy !== undefined) validateTaxonomy(taxonomy, dataset.labels);
  const rows = usable.flatMap((example): Row[] => {
    const split = splits.get(example.id);
    const hash = hashOf(example.id);
    if (split === undefined || hash === undefined) return [];
    return [{ example, sha256: hash, target: dataset.labels.indexOf(example.label), split }];
  });
  const hash = sha256(rows.map((r) => [r.example.id, r.sha256, r.example.label, r.split].join('\t')).join('\n'));
  return { root: dataset.root, format: dataset.format, labels: dataset.labels, taxonomy, rows, problems, hash };
}

/** The views of a row that a run looks at: augmented ones for training, the image itself or its symmetries otherwise. */
export function viewsOf(row: Row, config: Config): readonly View[] {
  if (row.split === 'train') {
    const options = { strength: config.augment.strength, seed: config.augment.seed };
    return Array.from({ length: config.views }, (_, k) => viewOf(k, row.sha256, options));
  }
  return config.tta ? Array.from({ length: 8 }, (_, k) => dihedral(k)) : [IDENTITY];
}

/** How many of a training row's views the head looks at; of other rows all views. */
export function pooledViewsOf(row: Row, config: Config): number {
  return row.split === 'train' ? Math.min(config.headPhase.views, config.views) : Number.POSITIVE_INFINITY;
}

/** Images per class in each split, for the summary and for class weights. */
export function countByClass(data: PreparedData): Record<Split, number[]> {
  const counts: Record<Split, number[]> = { train: [], val: [], test: [] };
  for (const split of SPLITS) counts[split] = data.labels.map(() => 0);
  for (const { split, target } of data.rows) counts[split][target]! += 1;
  return counts;
}

/**
 * Weight of each class: n / (C n_c) for `balanced`, its square root for `sqrt`, 1 for `none`; scaled so that the mean
 * over the training images is 1.
 */
export function classWeights(counts: readonly number[], kind: Config['classWeights']): number[] {
  const total = counts.reduce((a, b) => a + b, 0);
  const raw = counts.map((n) => {
    const balanced = n === 0 ? 0 : total / (counts.length * n);
    return kind === 'balanced' ? balanced : kind === 'sqrt' ? Math.sqrt(balanced) : 1;
  });
  const mean = raw.reduce((sum, w, c) => sum + w * counts[c]!, 0) / total;
  return raw.map((w) => w / mean);
}

/**
 * What the model's probabilities are relative to when it names a class: the share of the loss that each class had, n_c w_c /
 * Σ n w, which is what a model without any knowledge of the image would answer. Undefined for the most probable class.
 */
export function decisionPriors(
  data: PreparedData,
  { classWeights: kind, decision }: Pick<Config, 'classWeights' | 'decision'>,
): number[] | undefined {
  if (decision === 'probable') return undefined;
  const counts = countByClass(data).train;
  const weights = classWeights(counts, kind);
  const shares = counts.map((n, c) => n * weights[c]!);
  const total = shares.reduce((a, b) => a + b, 0);
  // A class without training images is hardly ever answered; its prior must not be 0.
  return shares.map((s) => Math.max(s / total, 1e-6));
}

/** Indices of a split's rows. */
export function rowsOf({ rows }: PreparedData, split: 'train' | 'val' | 'test'): number[] {
  return rows.flatMap((row, i) => (row.split === split ? [i] : []));
}
