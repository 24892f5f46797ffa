import { ShapeError, UsageError } from '../core/errors.ts';
import type { Taxonomy } from './types.ts';

/**
 * Diagnoses that count as malignant, by code and by name (ISIC archive, HAM10000, ISIC 2016–2020, PAD-UFES-20).
 *
 * Actinic keratosis is a precursor of squamous cell carcinoma. HAM10000 puts it into one class with Bowen's disease (`akiec`),
 * and Esteva et al. 2017 under malignant epidermal lesions; it is malignant here wherever it has a class of its own, too.
 */
const MALIGNANT: readonly string[] = [
  'malignant',
  'mel',
  'melanoma',
  'malignant melanoma',
  'melanoma in situ',
  'melanoma invasive',
  'invasive melanoma',
  'melanoma metastasis',
  'nodular melanoma',
  'superficial spreading melanoma',
  'acral lentiginous melanoma',
  'lentigo maligna',
  'lentigo maligna melanoma',
  'bcc',
  'basal cell carcinoma',
  'scc',
  'squamous cell carcinoma',
  'squamous cell carcinoma in situ',
  'squamous cell carcinoma invasive',
  'bowen disease',
  'bowens disease',
  'akiec',
  'ak',
  'ack',
  'actinic keratosis',
  'actinic keratoses',
  'solar or actinic keratosis',
  'intraepithelial carcinoma',
  'actinic keratoses and intraepithelial carcinoma',
  'merkel cell carcinoma',
];

const BENIGN: readonly string[] = [
  'benign',
  'nv',
  'nev',
  'nevus',
  'naevus',
  'nevi',
  'melanocytic nevus',
  'melanocytic nevi',
  'atypical nevus',
  'common nevus',
  'dysplastic nevus',
  'blue nevus',
  'spitz nevus',
  'bkl',
  'benign keratosis',
  'benign keratosis like lesion',
  'benign keratosis like lesions',
  'pigmented benign keratosis',
  'lichenoid keratosis',
  'sek',
  'seborrheic keratosis',
  'seborrheic keratoses',
  'solar lentigo',
  'lentigo simplex',
  'lentigo nos',
  'lentigo',
  'df',
  'dermatofibroma',
  'vasc',
  'vascular lesion',
  'vascular lesions',
  'hemangioma',
  'haemangioma',
  'angioma',
  'cafe au lait macule',
  'acrochordon',
  'wart',
];

/**
 * The built-in taxonomy malignant / benign for a set of labels, in any spelling (`basal_cell_carcinoma`, `MEL`).
 *
 * @returns undefined unless every label is known and both answers occur
 */
export function taxonomyFor(labels: readonly string[]): Taxonomy | undefined {
  const malignant = labels.filter((label) => MALIGNANT.includes(normalised(label)));
  const benign = labels.filter((label) => BENIGN.includes(normalised(label)));
  if (malignant.length === 0 || benign.length === 0) return undefined;
  if (malignant.length + benign.length !== labels.length) return undefined;
  return { positive: 'malignant', negative: 'benign', positiveLabels: malignant };
}

/**
 * P(positive) = Σ p_c over the labels c that count as positive.
 *
 * @param labels [C] in the order of the model's outputs
 * @param probabilities [C], each in [0, 1]
 * @returns in [0, 1]: rounding beyond 1 is cut off
 * @throws {ShapeError} if the lengths differ
 */
export function positiveProbability(
  taxonomy: Taxonomy,
  labels: readonly string[],
  probabilities: ArrayLike<number>,
): number {
  if (labels.length !== probabilities.length) {
    throw new ShapeError(
      'taxonomy/shape',
      `positiveProbability: expected ${labels.length} probabilities, got ${probabilities.length}`,
    );
  }
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    if (taxonomy.positiveLabels.includes(labels[i]!)) sum += probabilities[i]!;
  }
  return Math.min(1, sum);
}

/**
 * Checks that a taxonomy answers its question for a set of labels.
 *
 * @throws {UsageError} `taxonomy/invalid` for a label that the data does not have, or that is listed twice; for no or every
 *   label positive; for the two answers having one name, or none
 */
export function validateTaxonomy(taxonomy: Taxonomy, labels: readonly string[]): void {
  const { positive, negative, positiveLabels } = taxonomy;
  const fail = (expectedAndGot: string): never => {
    throw new UsageError(
      'taxonomy/invalid',
      `taxonomy: expected ${expectedAndGot}`,
      `The labels are: ${labels.join(', ')}.`,
    );
  };
  if (positive === '' || negative === '' || positive === negative) {
    fail(`two different names for its answers, got "${positive}" and "${negative}"`);
  }
  const unknown = positiveLabels.filter((label) => !labels.includes(label));
  if (unknown.length > 0) fail(`labels of the data, got ${unknown.map((label) => `"${label}"`).join(', ')}`);
  const twice = positiveLabels.find((label, i) => positiveLabels.indexOf(label) !== i);
  if (twice !== undefined) fail(`each label once, got "${twice}" twice`);
  if (positiveLabels.length === 0) fail(`at least one label to be ${positive}, got none`);
  if (positiveLabels.length === labels.length) fail(`at least one label to be ${negative}, got none`);
}

/** Lower case, and one space for anything that is not a letter or a digit; apostrophes and accents dropped. */
function normalised(label: string): string {
  return label
    .normalize('NFD')
    .replace(/[\u0300-\u036f'’]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
}
