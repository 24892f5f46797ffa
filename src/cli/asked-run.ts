import { existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { definedOnly } from '../core/defined-only.ts';
import type { ColumnOptions } from '../dataset/columns.ts';
import type { Config } from '../train/config.ts';
import { openRun } from '../train/run-folder.ts';

/** The run that a model belongs to. */
export interface AskedRun {
  readonly root: string;
  readonly splits: string;
  readonly config: Config;
}

/**
 * The run of a model: the folder itself, or the one around its `model.onnx`.
 *
 * @returns undefined for a model file on its own
 * @throws {UsageError} the run's configuration was damaged
 */
export function findRun(model: string): AskedRun | undefined {
  const isFolder = statSync(model, { throwIfNoEntry: false })?.isDirectory() === true;
  const root = isFolder ? model : dirname(model);
  const splits = resolve(root, 'splits.csv');
  if (!existsSync(splits) || !existsSync(resolve(root, 'config.yaml'))) return undefined;
  const { folder, config } = openRun(root);
  return { root, splits: folder.splits, config };
}

/** The columns that a run was told for its own data; none for other data. */
export function columnsFor(run: AskedRun | undefined, data: string): ColumnOptions {
  return run !== undefined && resolve(data) === run.config.data ? definedOnly(run.config.columns) : {};
}
