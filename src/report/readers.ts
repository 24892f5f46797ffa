/** A published result of readers, as a point on the ROC plane. */
export interface ReaderPoint {
  readonly who: string;
  readonly population: string;
  readonly sensitivity: number;
  readonly specificity: number;
  readonly source: string;
  readonly link: string;
}

/** Published sensitivities and specificities, each of its own readers on its own cases. */
export const READER_POINTS: readonly ReaderPoint[] = [
  {
    who: 'Dermatologists, meta-analysis of 92 studies',
    population: 'melanoma, many study populations pooled; AUC 0.91',
    sensitivity: 0.875,
    specificity: 0.814,
    source: 'Phillips et al. 2019',
    link: 'https://www.ncbi.nlm.nih.gov/pmc/articles/PMC6936633/',
  },
  {
    who: 'Primary care, the same meta-analysis',
    population: 'melanoma, many study populations pooled',
    sensitivity: 0.799,
    specificity: 0.709,
    source: 'Phillips et al. 2019',
    link: 'https://www.ncbi.nlm.nih.gov/pmc/articles/PMC6936633/',
  },
  {
    who: '58 dermatologists',
    population: 'melanoma against naevi, dermoscopic images alone',
    sensitivity: 0.866,
    specificity: 0.713,
    source: 'Haenssle et al. 2018',
    link: 'https://doi.org/10.1093/annonc/mdy166',
  },
  {
    who: 'The same 58, with clinical data',
    population: 'melanoma against naevi, dermoscopic and clinical images with clinical data',
    sensitivity: 0.889,
    specificity: 0.757,
    source: 'Haenssle et al. 2018',
    link: 'https://doi.org/10.1093/annonc/mdy166',
  },
  {
    who: '157 dermatologists',
    population: 'melanoma against naevi, dermoscopic images',
    sensitivity: 0.741,
    specificity: 0.6,
    source: 'Brinker et al. 2019',
    link: 'https://doi.org/10.1016/j.ejca.2019.04.001',
  },
  {
    who: '112 dermatologists',
    population: 'benign against malignant, dermoscopic images',
    sensitivity: 0.744,
    specificity: 0.598,
    source: 'Maron et al. 2019',
    link: 'https://doi.org/10.1016/j.ejca.2019.06.013',
  },
];

/** Published results that are no points on the ROC plane. */
export const PUBLISHED_SYSTEMS: readonly (readonly [system: string, result: string])[] = [
  [
    'Esteva et al. 2017, InceptionV3 trained on 129,450 images',
    'accuracy of 3 classes 72.1 ± 0.9 % (two dermatologists 65.6 and 66.0 %), of 9 classes 55.4 ± 1.7 % (53.3 and 55.0 %); every AUC above 0.91',
  ],
  [
    'ISIC 2018 task 3, 7 diagnoses, the challenge’s own test set',
    'balanced accuracy 88.5 % (winner: 10 models, extra data); best single model 87.1 %',
  ],
  ['SIIM-ISIC 2020, melanoma, the challenge’s own test set', 'AUC 0.949 (90 models)'],
];
