/** Where an example belongs. */
export type Split = 'train' | 'val' | 'test';

export const SPLITS: readonly Split[] = ['train', 'val', 'test'];

/** One labelled image. */
export interface Example {
  /** Unique in its data set and stable between runs: the image's id in the table, else its path relative to the root. */
  readonly id: string;
  /** Absolute path of the image file. */
  readonly path: string;
  /** Class name, as the data gives it. */
  readonly label: string;
  readonly lesionId?: string;
  readonly patientId?: string;
  /** Which collection or site the image came from. */
  readonly source?: string;
  /** The split that the data itself prescribes. */
  readonly split?: Split;
  /** Everything else the data says, by column name: `age`, `sex`, `localization`, … */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Something in the data that cannot be used, and why. */
export interface Problem {
  /** `excluded`: sound, but left out on purpose, by a rule that `detail` states. */
  readonly kind: 'missing-file' | 'no-label' | 'unreadable' | 'duplicate-id' | 'excluded';
  /** The file or the row (`labels.csv:12`). */
  readonly where: string;
  readonly detail: string;
}

/** How fine labels answer a coarser question by summing probabilities. */
export interface Taxonomy {
  /** Name of the question's positive answer. Default `malignant`. */
  readonly positive: string;
  readonly negative: string;
  /** Labels that count as positive; every other label is negative. */
  readonly positiveLabels: readonly string[];
}

/** What a data set was read as. */
export type DatasetFormat =
  | 'folders'
  | 'split-folders'
  | 'csv'
  | 'ham10000'
  | 'isic2017'
  | 'isic-archive'
  | 'isic-challenge'
  | 'isic2020'
  | 'isic2024'
  | 'pad-ufes-20'
  | 'derm7pt'
  | 'ddi'
  | 'fitzpatrick17k'
  | 'medmnist';

export interface Dataset {
  readonly root: string;
  readonly format: DatasetFormat;
  /** Class names in the order of the model's outputs: sorted by code unit. */
  readonly labels: readonly string[];
  readonly examples: readonly Example[];
  /** Rows and files left out so far. */
  readonly problems: readonly Problem[];
  /** The taxonomy that the data set itself defines, or else the built-in one that fits the labels, if one does. */
  readonly taxonomy?: Taxonomy;
}
