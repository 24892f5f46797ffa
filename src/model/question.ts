/** Which question a data set's labels put to a model. */
import { DataError } from '../core/errors.ts';
import { taxonomyFor } from '../dataset/taxonomy.ts';
import type { Taxonomy } from '../dataset/types.ts';
import { positiveProbabilities } from '../evaluate/metrics.ts';

/** The question, and how the model answers it. */
export interface Question {
  /** Class names of the answer. */
  readonly labels: readonly string[];
  readonly taxonomy: Taxonomy | undefined;
  /** What probabilities are relative to when a class is named; see `decideRows`. */
  readonly priors: readonly number[] | undefined;
  /** From which probability on the taxonomy's answer is yes, where the model has such a threshold. */
  readonly threshold?: number | undefined;
  /** The class that each label of the data means, by that label. */
  readonly classOf: ReadonlyMap<string, string>;
  /** The model's probabilities [n × C] as those of `labels`, [n × labels]. */
  answer(probabilities: Float32Array): Float32Array;
}

/**
 * Finds what can be asked.
 *
 * 1. Every label of the data is a label of the model: the model's own classes.
 * 2. Else, where the model has a taxonomy, every label tells which of its two answers is right: the taxonomy's question,
 *    with the model's probabilities summed. A label tells it by being one of the two answers (`malignant`, in any case),
 *    a label of the model, or, where the question is malignant or benign, a known diagnosis in any spelling.
 *
 * @param model labels and taxonomy of the model
 * @param dataLabels the labels that occur in the data
 * @throws {DataError} `evaluate/labels`, listing the labels that are neither
 */
export function questionOf(
  model: {
    readonly labels: readonly string[];
    readonly taxonomy: Taxonomy | undefined;
    readonly priors?: readonly number[] | undefined;
    /** Of its taxonomy's question. */
    readonly threshold?: number | undefined;
  },
  dataLabels: Iterable<string>,
): Question {
  const wanted = [...new Set(dataLabels)].sort();
  const { labels, taxonomy, priors, threshold } = model;
  const unknown = wanted.filter((label) => !labels.includes(label));
  if (unknown.length === 0) {
    const classOf = new Map(wanted.map((l) => [l, l]));
    return { labels, taxonomy, priors, threshold, classOf, answer: (probabilities) => probabilities };
  }
  const sides = new Map(wanted.map((label) => [label, taxonomy && sideOf(label, labels, taxonomy)]));
  const lost = taxonomy === undefined ? unknown : wanted.filter((label) => sides.get(label) === undefined);
  if (taxonomy === undefined || lost.length > 0) {
    const question = taxonomy === undefined ? '' : `, or ${taxonomy.positive} and ${taxonomy.negative}`;
    throw new DataError(
      'evaluate/labels',
      `data: expected the model's labels (${labels.join(', ')})${question}, got ${lost.map((l) => `"${l}"`).join(', ')}`,
      'Rename the labels in the data to those of the model, or leave their images out.',
    );
  }
  const { positive, negative } = taxonomy;
  return {
    labels: [negative, positive],
    taxonomy: { positive, negative, positiveLabels: [positive] },
    // The coarser question has a threshold, not a most fitting class.
    priors: undefined,
    threshold,
    classOf: new Map([...sides].flatMap(([label, side]) => (side === undefined ? [] : [[label, side]]))),
    answer: (probabilities) =>
      Float32Array.from([...positiveProbabilities(labels, taxonomy, probabilities)].flatMap((p) => [1 - p, p])),
  };
}

/** The answer that a label stands for, or undefined where that is not known. */
function sideOf(label: string, labels: readonly string[], taxonomy: Taxonomy): string | undefined {
  const { positive, negative, positiveLabels } = taxonomy;
  if (labels.includes(label)) return positiveLabels.includes(label) ? positive : negative;
  const text = label.trim().toLowerCase();
  if (text === positive.toLowerCase()) return positive;
  if (text === negative.toLowerCase()) return negative;
  // With both answers beside it, the built-in taxonomy fits exactly if it knows the label.
  const known = taxonomyFor([...new Set([label, 'malignant', 'benign'])]);
  if (known === undefined || known.positive !== positive || known.negative !== negative) return undefined;
  return known.positiveLabels.includes(label) ? positive : negative;
}
