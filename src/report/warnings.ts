import { isDefined } from '../evaluate/metric.ts';
import { ascertainmentOf } from './ascertainment.ts';
import { judged, type RunFacts } from './facts.ts';
import { count, counted, decimal, percent } from './format.ts';

export interface Warning {
  readonly title: string;
  readonly text: string;
}

/** Fewer cases than this of a class make its figures anecdotes. */
const FEW = 30;
/** Fewer positive cases than this are the usual advice's minimum for validating a prediction model. */
const POSITIVES = 100;
/** An interval wider than this leaves the claim open. */
const WIDE = 0.1;

/** What a reader must know before believing the figures, worst first. */
export function warningsOf(facts: RunFacts): Warning[] {
  return [...aboutTest(facts), ...aboutThreshold(facts), ...aboutSize(facts), ...aboutData(facts)];
}

function aboutTest({ test }: RunFacts): Warning[] {
  if (test === undefined) {
    return [
      {
        title: 'No test images.',
        text: 'The figures are of the validation images, which were used to choose the model. They are too good.',
      },
    ];
  }
  return [
    {
      title: 'Tested at home only.',
      text: 'The test images come from the same collection as the training images. On images of another clinic, camera or population the figures are usually worse; only an external test tells (nevus evaluate).',
    },
  ];
}

function aboutThreshold(facts: RunFacts): Warning[] {
  const { malignant } = judged(facts).metrics;
  const own = facts.model?.card.operatingPoint;
  if (malignant === undefined) return [];
  if (malignant.chosen && (own === undefined || own.nPositive >= POSITIVES)) return [];
  if (malignant.chosen && own !== undefined) {
    return [
      {
        title: 'The threshold rests on few cases.',
        text: `It was chosen on ${counted(own.nPositive, 'image')} of ${malignant.name} among the validation images; on other images its sensitivity may be several points off what was aimed at.`,
      },
    ];
  }
  const missed = isDefined(malignant.sensitivity) ? ` (${percent(1 - malignant.sensitivity)})` : '';
  return [
    {
      title: `The threshold is ${decimal(malignant.threshold, 1)}, not one chosen for the purpose.`,
      text: `At it, ${count(malignant.falseNegatives)} of ${count(malignant.nPositive)} ${malignant.name} images are missed${missed}. See the operating points for what other thresholds do.`,
    },
  ];
}

function aboutSize(facts: RunFacts): Warning[] {
  const { metrics } = judged(facts);
  const { malignant: m } = metrics;
  const warnings: Warning[] = [];
  if (m !== undefined && Math.min(m.nPositive, m.n - m.nPositive) < POSITIVES) {
    warnings.push({
      title: 'Few cases.',
      text: `${counted(m.nPositive, 'case')} of ${m.name} and ${count(m.n - m.nPositive)} others; fewer than ${POSITIVES} of either kind are too few to judge a classifier by.`,
    });
  }
  const intervals = [
    ['balanced accuracy', metrics.balancedAccuracy95],
    ...(m === undefined
      ? []
      : ([
          ['sensitivity', m.sensitivity95],
          ['specificity', m.specificity95],
        ] as const)),
  ] as const;
  const wide = intervals.flatMap(([name, interval]) =>
    isDefined(interval) && interval[1] - interval[0] > WIDE
      ? [`${name} (${(100 * (interval[1] - interval[0])).toFixed(0)} points)`]
      : [],
  );
  if (wide.length > 0) {
    warnings.push({
      title: 'Wide intervals.',
      text: `The 95 % interval of ${wide.join(', of ')} is wider than ${100 * WIDE} points. Four times as many test cases would halve it.`,
    });
  }
  const rare = metrics.perClass.filter(({ n }) => n < FEW);
  if (rare.length > 0) {
    warnings.push({
      title: 'Rare classes.',
      text: `Fewer than ${FEW} test images of ${rare.map(({ label, n }) => `${label} (${n})`).join(', ')}: one image more or less changes their figures by ${percent(1 / Math.max(1, Math.min(...rare.map(({ n }) => n))), 0)} or less.`,
    });
  }
  return warnings;
}

/** Columns that would say how dark the skin is. */
const SKIN = /fitz|skin_?(type|tone)|monk|\bmst\b/i;

function aboutData(facts: RunFacts): Warning[] {
  const { metrics, predictions } = judged(facts);
  const names = new Set(predictions.examples.flatMap(({ attributes }) => Object.keys(attributes)));
  const warnings: Warning[] = [];
  if (![...names].some((name) => SKIN.test(name))) {
    warnings.push({
      title: 'Skin tone unknown.',
      text: 'The data do not say it. Most public collections are of light skin, and accuracy falls on dark skin (DDI study, doi:10.1126/sciadv.abq6147): assume nothing for it.',
    });
  }
  const labels = ascertainmentOf(facts);
  if (labels === undefined) {
    warnings.push({
      title: 'Unknown how labels were established.',
      text: 'The data do not say which were confirmed by histology.',
    });
  } else if (labels.histology < labels.n) {
    warnings.push({
      title: 'Not all labels are proven.',
      text: `${percent(labels.histology / labels.n, 0)} of the images judged here have a label confirmed by histology; the others rest on follow-up, consensus or other means.`,
    });
  }
  const grouped = predictions.examples.some((e) => e.lesionId !== undefined || e.patientId !== undefined);
  if (!grouped) {
    warnings.push({
      title: 'Split by image.',
      text: 'The data name no lesion and no patient: images of one lesion may be in training and test alike, which makes every figure too good.',
    });
  } else if (metrics.malignant?.auc95Grouped !== undefined && isDefined(metrics.malignant.auc)) {
    warnings.push({
      title: 'Images are not independent.',
      text: `${count(metrics.n)} images show ${count(metrics.nGroups)} lesions or patients. The intervals at the head allow for it; what counts as evidence is the number of lesions, not of images.`,
    });
  }
  if (facts.config.tta) {
    warnings.push({
      title: 'Eight views.',
      text: 'Each answer measured here is the mean over eight flips and turns of the image. Without --tta the model answers faster, and a little worse.',
    });
  }
  return warnings;
}
