import { DataError } from '../core/errors.ts';
import type { Problem } from './types.ts';

/** The share of images and rows that may be unusable before a run stops. */
export const MAX_PROBLEM_SHARE = 0.05;

const TABLE_ROWS = 20;

/**
 * Problems as a table for people: kind, place and detail of the first ones, then how many there are of each kind.
 *
 * @param limit how many problems are shown. Default 20
 * @returns lines without a final line feed; an empty string if there are no problems
 */
export function problemTable(problems: readonly Problem[], limit: number = TABLE_ROWS): string {
  if (problems.length === 0) return '';
  const shown = problems.slice(0, limit);
  const kindWidth = Math.max(...shown.map(({ kind }) => kind.length), 0);
  const whereWidth = Math.max(...shown.map(({ where }) => where.length), 0);
  const lines = shown.map(({ kind, where, detail }) =>
    `${kind.padEnd(kindWidth)}  ${where.padEnd(whereWidth)}  ${detail}`.trimEnd(),
  );
  if (problems.length > limit) lines.push(`… and ${problems.length - limit} more`);
  const counts = new Map<string, number>();
  for (const { kind } of problems) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const totals = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${count} ${kind}`);
  lines.push(`${problems.length} left out: ${totals.join(', ')}`);
  return lines.join('\n');
}

/**
 * Stops a run whose data is mostly sound only in name: more than 5 % of its images and rows cannot be used. Those left out
 * on purpose (`excluded`) are not counted.
 *
 * @param total all images and rows, usable or not
 * @param options.allowBad go on whatever the share. Default false
 * @throws {DataError} `data/too-many-problems`, with the table of problems in its message
 */
export function checkProblems(
  total: number,
  problems: readonly Problem[],
  options: { readonly allowBad?: boolean } = {},
): void {
  const bad = problems.filter(({ kind }) => kind !== 'excluded');
  const asked = total - (problems.length - bad.length);
  if (options.allowBad === true || bad.length <= asked * MAX_PROBLEM_SHARE) return;
  throw new DataError(
    'data/too-many-problems',
    `data: expected at most ${MAX_PROBLEM_SHARE * 100} % unusable images and rows, got ${bad.length} of ${asked}:\n${problemTable(bad)}`,
    'Repair or remove them, or go on without them: --allow-bad.',
  );
}
