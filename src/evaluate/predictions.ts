import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { DataError, messageOf, NumericError, ShapeError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import type { Example, Taxonomy } from '../dataset/types.ts';
import { decideRows } from './argmax.ts';
import { float32Text } from './float32-text.ts';
import { positiveProbabilities } from './metrics.ts';

/** What a prediction is about: an example, whose label may be unknown. */
export type PredictedExample = Omit<Example, 'label' | 'split'> & { readonly label?: string | undefined };

/** Content of `predictions.csv`. */
export interface Predictions {
  /** Class names, in the order of the columns. */
  readonly labels: readonly string[];
  /** Default: no coarser question is answered. */
  readonly taxonomy?: Taxonomy | undefined;
  /** [C], above 0: see `decideRows`. Default: the most probable class is the predicted one. */
  readonly priors?: readonly number[] | undefined;
  /** [n] */
  readonly examples: readonly PredictedExample[];
  /** float32 [n × C], row-major. */
  readonly probabilities: Float32Array;
}

/** `predictions.csv`, read back. */
export interface ReadPredictions {
  readonly labels: readonly string[];
  readonly examples: readonly PredictedExample[];
  /** float32 [n × C], row-major. */
  readonly probabilities: Float32Array;
  /** [n], the label predicted. */
  readonly predicted: readonly string[];
  /** The answer to the coarser question, where the file has a column for it. */
  readonly positive?: { readonly name: string; readonly probabilities: Float32Array };
}

const FIXED = ['id', 'path', 'label'] as const;

/**
 * Writes `predictions.csv`: one row for each example, with the columns
 *
 *     id, path, label, p_<label> for each class, p_<positive> where there is a taxonomy, predicted,
 *     lesion_id, patient_id, source where known, then the data's own attributes
 *
 * Probabilities have the fewest digits that read back as the same float32; an unknown label is an empty field. An attribute whose
 * name is a column already is written once if it says the same, else as `attribute_<name>`. `p_<positive>` is left
 * out where a class of that name is the one positive label, for it is that class's column.
 *
 * @throws {ShapeError} if the number of probabilities does not fit
 * @throws {NumericError} if a probability is not finite
 * @throws {EnvironmentError} if the file cannot be written
 */
export function writePredictions(path: string, predictions: Predictions): void {
  const table = tableOf(predictions);
  writeFileAtomic(path, table.map((row) => `${row.map(csvField).join(',')}\n`).join(''));
}

function tableOf({ labels, taxonomy, priors, examples, probabilities }: Predictions): string[][] {
  const classes = labels.length;
  if (probabilities.length !== examples.length * classes) {
    throw new ShapeError(
      'evaluate/length',
      `writePredictions: expected ${examples.length} × ${classes} probabilities, got ${probabilities.length} in all`,
    );
  }
  const bad = probabilities.findIndex((p) => !Number.isFinite(p));
  if (bad >= 0) {
    const id = examples[Math.floor(bad / classes)]!.id;
    throw new NumericError(
      'evaluate/probability',
      `${id}, class ${labels[bad % classes]}: expected a finite probability, got ${probabilities[bad]}`,
    );
  }
  const predicted = decideRows(probabilities, classes, priors);
  const columns = new Map<string, string[]>([
    ['id', examples.map((example) => example.id)],
    ['path', examples.map((example) => example.path)],
    ['label', examples.map((example) => example.label ?? '')],
  ]);
  labels.forEach((label, c) => {
    columns.set(
      `p_${label}`,
      examples.map((_, row) => float32Text(probabilities[row * classes + c]!)),
    );
  });
  if (taxonomy !== undefined) {
    const values = Array.from(positiveProbabilities(labels, taxonomy, probabilities), float32Text);
    addColumn(columns, `p_${taxonomy.positive}`, values, 'sum_of_');
  }
  columns.set(
    'predicted',
    Array.from(predicted, (c) => labels[c]!),
  );
  for (const [name, key] of [
    ['lesion_id', 'lesionId'],
    ['patient_id', 'patientId'],
    ['source', 'source'],
  ] as const) {
    const values = examples.map((example) => example[key] ?? '');
    if (values.some((value) => value !== '')) addColumn(columns, name, values, 'attribute_');
  }
  for (const name of new Set(examples.flatMap((example) => Object.keys(example.attributes)))) {
    const values = examples.map(({ attributes }) => (Object.hasOwn(attributes, name) ? attributes[name]! : ''));
    addColumn(columns, name, values, 'attribute_');
  }
  return [[...columns.keys()], ...examples.map((_, row) => [...columns.values()].map((values) => values[row]!))];
}

/** Adds a column; one that is there already is kept, and the new one renamed unless it says the same. */
function addColumn(columns: Map<string, string[]>, name: string, values: string[], prefix: string): void {
  const there = columns.get(name);
  if (there === undefined && name !== '') {
    columns.set(name, values);
  } else if (there === undefined || there.some((value, row) => value !== values[row])) {
    addColumn(columns, `${prefix}${name}`, values, prefix);
  }
}

function csvField(text: string): string {
  return /[",\r\n]|^\s|\s$|^\uFEFF/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Reads a file that `writePredictions` wrote. Attributes that had to be renamed keep their new names; empty ones are absent.
 *
 * @throws {DataError} if the file cannot be read, lacks a column, or holds a probability that is not a number
 */
export function readPredictions(path: string): ReadPredictions {
  const [header = [], ...rows] = readTable(path);
  const predictedAt = header.indexOf('predicted', FIXED.length);
  const names = header.slice(FIXED.length, Math.max(predictedAt, 0));
  if (
    FIXED.some((name, k) => header[k] !== name) ||
    names.length < 2 ||
    !names.every((name) => /^(sum_of_)*p_/.test(name))
  ) {
    throw new DataError(
      'evaluate/predictions-header',
      `${path}: expected the columns id, path, label, p_<label> for each class, predicted, …, got ${header.join(', ')}`,
      'Give a predictions.csv that nevus wrote.',
    );
  }
  const values = rows.map((row, r) =>
    names.map((name, c) => {
      const text = row[FIXED.length + c]!;
      const value = Number(text);
      if (text === '' || !Number.isFinite(value)) {
        throw new DataError(
          'evaluate/predictions-number',
          `${path}:${r + 2}, ${name}: expected a number, got "${text}"`,
        );
      }
      return value;
    }),
  );
  const hasPositive = lastIsSum(names, values);
  const classes = hasPositive ? names.length - 1 : names.length;
  const known = header.slice(predictedAt + 1);
  return {
    labels: names.slice(0, classes).map((name) => name.slice('p_'.length)),
    examples: rows.map((row) => exampleOf(row, known, predictedAt + 1)),
    probabilities: Float32Array.from(values.flatMap((row) => row.slice(0, classes))),
    predicted: rows.map((row) => row[predictedAt]!),
    ...(hasPositive
      ? {
          positive: {
            name: names[classes]!.replace(/^(sum_of_)*p_/, ''),
            probabilities: Float32Array.from(values, (row) => row[classes]!),
          },
        }
      : {}),
  };
}

function readTable(path: string): string[][] {
  try {
    return parse(readFileSync(path));
  } catch (error) {
    throw new DataError(
      'evaluate/predictions-unreadable',
      `${path}: expected a CSV table: ${messageOf(error)}`,
      undefined,
      {
        cause: error,
      },
    );
  }
}

/**
 * Whether the last of the probability columns is a taxonomy's sum. Probabilities of the classes add up to 1 in each
 * row, so it is one if they do without it.
 */
function lastIsSum(names: readonly string[], values: readonly (readonly number[])[]): boolean {
  if (names.at(-1)!.startsWith('sum_of_')) return true;
  let without = 0;
  for (const row of values) for (let c = 0; c < row.length - 1; c++) without += row[c]!;
  const last = values.reduce((sum, row) => sum + row.at(-1)!, 0);
  return names.length > 2 && Math.abs(without - values.length) < Math.abs(without + last - values.length);
}

function exampleOf(row: readonly string[], names: readonly string[], from: number): PredictedExample {
  const given = new Map(names.map((name, k) => [name, row[from + k]!] as const).filter(([, value]) => value !== ''));
  const take = (name: string): string | undefined => {
    const value = given.get(name);
    given.delete(name);
    return value;
  };
  const lesionId = take('lesion_id');
  const patientId = take('patient_id');
  const source = take('source');
  return {
    id: row[0]!,
    path: row[1]!,
    ...(row[2] === '' ? {} : { label: row[2]! }),
    ...(lesionId === undefined ? {} : { lesionId }),
    ...(patientId === undefined ? {} : { patientId }),
    ...(source === undefined ? {} : { source }),
    attributes: Object.fromEntries(given),
  };
}
