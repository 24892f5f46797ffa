import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DataError, systemCode, UsageError } from '../../core/errors.ts';
import type { OnProgress } from '../../core/events.ts';
import { diskError, writeFileAtomic } from '../../core/files.ts';
import { encodeJpeg } from '../../image/encode.ts';
import { formatCsv } from '../csv-text.ts';
import { drawPhantom } from './draw.ts';
import { planPhantoms, type Shot } from './plan.ts';

/** Changes whenever the same settings would draw other pictures. */
const PHANTOM_VERSION = 1;

export interface PhantomOptions {
  /** Number of pictures, ≥ 1. Default 400 */
  readonly count?: number;
  /** Any integer. Default 1 */
  readonly seed?: number;
  /** Width and height in pixels, 32…2048. Default 256 */
  readonly size?: number;
  readonly onProgress?: OnProgress;
}

/** What a folder of phantoms holds. */
export interface PhantomSummary {
  readonly folder: string;
  /** The table to train from. */
  readonly csv: string;
  readonly images: number;
  readonly malignantImages: number;
  readonly lesions: number;
  readonly malignantLesions: number;
  readonly patients: number;
  /** True if the folder already held these very phantoms and nothing was drawn. */
  readonly reused: boolean;
}

/** The columns of `phantoms.csv`, and what a picture says in each. */
const COLUMNS: Readonly<Record<string, (shot: Shot) => string>> = {
  image_id: (shot) => shot.id,
  image: (shot) => imageOf(shot),
  label: ({ lesion }) => (lesion.malignant ? 'malignant' : 'benign'),
  lesion_id: ({ lesion }) => lesion.id,
  patient_id: ({ lesion }) => lesion.patient.id,
  source: ({ lesion }) => lesion.patient.source,
  age: ({ lesion }) => String(lesion.patient.age),
  sex: ({ lesion }) => lesion.patient.sex,
  localization: ({ lesion }) => lesion.localization,
  fitzpatrick: ({ lesion }) => lesion.patient.fitzpatrick,
  ita: ({ lesion }) => lesion.patient.ita.toFixed(1),
  asymmetry: ({ lesion }) => lesion.asymmetry.toFixed(3),
  border: ({ lesion }) => lesion.border.toFixed(3),
  colors: ({ lesion }) => String(lesion.pigments.length),
  diameter: ({ lesion }) => lesion.diameter.toFixed(2),
  network: ({ lesion }) => lesion.network,
  hair: (shot) => String(shot.hair),
  ruler: (shot) => (shot.ruler ? 'yes' : 'no'),
  true_score: ({ lesion }) => lesion.score.toFixed(4),
};

function imageOf(shot: Shot): string {
  return `images/${shot.id}.jpg`;
}

/**
 * Draws a data set of phantoms: dermoscopy-like pictures of lesions that never existed, in `images/`, with their true
 * attributes in `phantoms.csv`. Malignancy is drawn from asymmetry, border, colours and diameter with noise, so that
 * the best possible reader, who ranks by `true_score`, reaches an AUC of about 0.95. About 35 % are malignant.
 *
 * The same settings give the same bytes. A folder that was interrupted is finished; one that is complete is left as it is.
 *
 * @param folder made if missing; must be empty, or hold phantoms of the same settings
 * @throws {UsageError} an option out of range, or a folder that holds something else
 * @throws {EnvironmentError} the folder cannot be written
 */
export async function makePhantoms(folder: string, options: PhantomOptions = {}): Promise<PhantomSummary> {
  const { count = 400, seed = 1, size = 256, onProgress } = options;
  requireInteger('count', count, 1, 1_000_000);
  requireInteger('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  requireInteger('size', size, 32, 2048);

  const shots = planPhantoms({ count, seed });
  const table = formatCsv(
    Object.keys(COLUMNS),
    shots.map((shot) => Object.values(COLUMNS).map((cell) => cell(shot))),
  );
  const csv = join(folder, 'phantoms.csv');
  const settings = `${JSON.stringify({ version: PHANTOM_VERSION, count, seed, size }, null, 2)}\n`;
  const finished = claim(folder, settings, table);
  const missing = shots.filter((shot) => !existsSync(join(folder, imageOf(shot))));

  // One picture is compressed and written while the next is drawn.
  let saving = Promise.resolve();
  for (const [index, shot] of missing.entries()) {
    const image = drawPhantom(shot, { seed, size });
    await saving;
    saving = encodeJpeg(image).then((bytes) => writeFileAtomic(join(folder, imageOf(shot)), bytes));
    onProgress?.({ stage: 'phantoms', done: count - missing.length + index + 1, total: count, unit: 'images' });
  }
  await saving;
  // The table comes last: where it is, every picture is.
  if (!finished) writeFileAtomic(csv, table);

  const lesions = [...new Set(shots.map((shot) => shot.lesion))];
  return {
    folder,
    csv,
    images: count,
    malignantImages: shots.filter((shot) => shot.lesion.malignant).length,
    lesions: lesions.length,
    malignantLesions: lesions.filter((lesion) => lesion.malignant).length,
    patients: new Set(lesions.map((lesion) => lesion.patient)).size,
    reused: finished && missing.length === 0,
  };
}

/**
 * Makes a folder ours: writes the settings into an empty one, accepts one with the same settings.
 *
 * @returns whether its table is already complete
 */
function claim(folder: string, settings: string, table: string): boolean {
  const record = join(folder, 'phantoms.json');
  const entries = listFolder(folder);
  if (entries.length === 0) {
    writeFileAtomic(record, settings);
    return false;
  }
  const found = readIfThere(join(folder, 'phantoms.csv'));
  if (readIfThere(record) !== settings || (found !== undefined && found !== table)) {
    throw new UsageError(
      'phantom/folder',
      `${folder}: expected an empty folder or phantoms of the same count, seed and size, got a folder that holds something else`,
      'Choose another folder, or delete this one first.',
    );
  }
  // Temporary files of an interrupted run
  for (const name of listFolder(join(folder, 'images'))) {
    if (name.endsWith('.tmp')) rmSync(join(folder, 'images', name), { force: true });
  }
  return found !== undefined;
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw diskError(path, error);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new DataError('phantom/unreadable', `${path}: cannot be read`, undefined, { cause: error });
  }
}

function requireInteger(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw new UsageError(
      'phantom/option',
      `phantoms: expected ${name} to be an integer in ${low}…${high}, got ${value}`,
    );
  }
}
