import { disjointSets } from '../../core/disjoint-sets.ts';
import type { OnProgress } from '../../core/events.ts';
import { shrink } from '../../image/shrink.ts';
import type { RgbImage } from '../../image/types.ts';
import { findNearDuplicates } from '../duplicates/find.ts';
import { type Signature, signatureOf } from '../duplicates/signature.ts';
import { type Inspection, inspectImages } from '../inspect.ts';
import type { Dataset, Example, Problem, Split } from '../types.ts';
import { type Conflict, conflictsOf, type Leak, leaksOf, tiedImages } from './clashes.ts';
import {
  type ClassContents,
  contentsOf,
  distinct,
  type LabelSource,
  labelSources,
  type MissingValues,
  missingValues,
  prescribedSplits,
} from './contents.ts';
import { type Quality, qualityOf, type SuspiciousImage, suspiciousImages } from './quality.ts';

/** Two images of which one is a copy of the other. */
export interface CopyPair {
  readonly ids: readonly [string, string];
  /** Every byte of their files is the same. */
  readonly identical: boolean;
  /** Correlation of brightness and of its slopes once one is laid on the other, −1…1; 1 where identical. */
  readonly correlation: number;
  readonly detail: number;
  /** Whether the data names one lesion or patient for both, or says nothing of one of them. */
  readonly related: 'yes' | 'no' | 'unknown';
}

/** What `check.json` holds; documented in docs/data.md. */
export interface DataCheck {
  readonly schema: 1;
  readonly data: { readonly root: string; readonly format: string };
  /** Images that can be used. */
  readonly images: number;
  readonly lesions: number;
  readonly patients: number;
  readonly classes: readonly ClassContents[];
  /** Where the splits are from, if there are any. */
  readonly splits: 'none' | 'prescribed' | 'file';
  readonly labelSources?: { readonly column: string; readonly counts: readonly LabelSource[] };
  readonly missing: readonly MissingValues[];
  /** Rows and files that cannot be used. */
  readonly problems: readonly Problem[];
  readonly suspicious: readonly SuspiciousImage[];
  readonly duplicates: {
    readonly pairs: readonly CopyPair[];
    /** Ids of images that are copies of one another, directly or by way of others. */
    readonly clusters: readonly (readonly string[])[];
  };
  readonly conflicts: readonly Conflict[];
  readonly leaks: readonly Leak[];
}

export interface CheckOptions {
  /** Stages `inspect` and `duplicates`, unit `images`. */
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Splits by example id, to be checked in place of those that the data prescribes. */
  readonly splits?: ReadonlyMap<string, Split>;
}

export interface Checked {
  readonly check: DataCheck;
  readonly inspection: Inspection;
  /** The smallest id of the copies that an example is one of; undefined for an example without copy. */
  readonly copiesOf: (id: string) => string | undefined;
}

/** Pictures are measured with their longer side at most this. */
const WORKING_SIZE = 256;

/**
 * Decodes every image of a data set once and looks for whatever could spoil a training or its test: files that cannot be
 * read, odd images, copies, copies with two labels, and lesions, patients or copies on both sides of a split.
 *
 * Nothing that is found is an error: see `checkProblems` and `proveNoOverlap`.
 */
export async function checkDataset(dataset: Dataset, options: CheckOptions = {}): Promise<Checked> {
  const { onProgress, signal } = options;
  const company = { ...(onProgress === undefined ? {} : { onProgress }), ...(signal === undefined ? {} : { signal }) };
  const looks = new Map<string, Look>();
  const inspection = await inspectImages(dataset.examples, {
    ...company,
    onImage: (path, image) => looks.set(path, lookAt(image)),
  });
  const examples = dataset.examples.filter(({ id }) => inspection.images.has(id));
  const sha256Of = (id: string): string | undefined => inspection.images.get(id)?.sha256;

  // One example stands for all with the same file.
  const first = new Map<string, number>();
  examples.forEach(({ id }, i) => {
    const hash = sha256Of(id)!;
    if (!first.has(hash)) first.set(hash, i);
  });
  const standing = [...first.values()];
  const near = await findNearDuplicates(
    standing.map((i) => looks.get(examples[i]!.path)!.signature),
    company,
  );

  const sets = disjointSets(examples.length);
  const pair = (a: number, b: number, likeness: Pick<CopyPair, 'identical' | 'correlation' | 'detail'>): CopyPair => {
    sets.join(a, b);
    return { ids: [examples[a]!.id, examples[b]!.id], ...likeness, related: relation(examples[a]!, examples[b]!) };
  };
  const pairs = [
    ...examples.flatMap(({ id }, i): CopyPair[] => {
      const other = first.get(sha256Of(id)!)!;
      return other === i ? [] : [pair(other, i, { identical: true, correlation: 1, detail: 1 })];
    }),
    ...near.pairs.map(({ a, b, correlation, detail }) =>
      pair(standing[a]!, standing[b]!, { identical: false, correlation, detail }),
    ),
  ];
  const clusters = sets
    .sets()
    .filter(({ length }) => length > 1)
    .map((members) => members.map((i) => examples[i]!.id).sort());
  const nameOf = new Map(clusters.flatMap((ids) => ids.map((id): [string, string] => [id, ids[0]!])));
  const copiesOf = (id: string): string | undefined => nameOf.get(id);

  const splits = options.splits ?? prescribedSplits(examples);
  const splitOf = (id: string): Split | undefined => splits.get(id);
  const tied = tiedImages(examples, sha256Of, copiesOf);
  const sources = labelSources(examples, dataset.labels);
  const check: DataCheck = {
    schema: 1,
    data: { root: dataset.root, format: dataset.format },
    images: examples.length,
    lesions: distinct(examples.map(({ lesionId }) => lesionId)),
    patients: distinct(examples.map(({ patientId }) => patientId)),
    classes: contentsOf(examples, dataset.labels, splitOf),
    splits: options.splits !== undefined ? 'file' : splits.size > 0 ? 'prescribed' : 'none',
    ...(sources === undefined ? {} : { labelSources: sources }),
    missing: missingValues(examples),
    problems: [...dataset.problems, ...inspection.problems],
    suspicious: suspiciousImages(new Map(examples.map(({ id, path }) => [id, looks.get(path)!.quality]))),
    duplicates: { pairs, clusters },
    conflicts: conflictsOf(tied),
    leaks: leaksOf(tied, splitOf),
  };
  return { check, inspection, copiesOf };
}

interface Look {
  readonly signature: Signature;
  readonly quality: Quality;
}

function lookAt(image: RgbImage): Look {
  const scale = Math.min(1, WORKING_SIZE / Math.max(image.width, image.height));
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  const small = shrink(image, side(image.width), side(image.height));
  return { signature: signatureOf(small), quality: qualityOf(small, image) };
}

function relation(a: Example, b: Example): CopyPair['related'] {
  const both = (key: 'lesionId' | 'patientId'): boolean => a[key] !== undefined && b[key] !== undefined;
  if (both('lesionId') && a.lesionId === b.lesionId) return 'yes';
  if (both('patientId')) return a.patientId === b.patientId ? 'yes' : 'no';
  return both('lesionId') ? 'no' : 'unknown';
}
