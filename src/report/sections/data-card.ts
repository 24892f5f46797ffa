import { messageOf, NevusError } from '../../core/errors.ts';
import { proveNoOverlap } from '../../dataset/overlap.ts';
import { type Example, SPLITS, type Split } from '../../dataset/types.ts';
import { ascertainmentColumn, ascertainmentName } from '../ascertainment.ts';
import type { RunFacts } from '../facts.ts';
import { count, counted, percent } from '../format.ts';
import { type Content, html, type Markup } from '../markup.ts';
import { dataTable } from '../table.ts';
import { type Section, section } from './section.ts';

const PARTITION: Readonly<Record<Split, string>> = { train: 'training', val: 'validation', test: 'test' };

/** Where the data came from, what was left out, how they were divided, and who is in them. */
export function dataCard(facts: RunFacts): Section {
  return section(
    'data',
    'Data',
    sources(facts),
    flow(facts),
    classes(facts),
    overlap(facts),
    ascertainment(facts),
    demographics(facts),
  );
}

/** Collections whose licence is known by their format. */
const COLLECTIONS: Readonly<Record<string, readonly [name: string, licence: string]>> = {
  ham10000: ['HAM10000 (Tschandl, Rosendahl, Kittler 2018, doi:10.1038/sdata.2018.161)', 'CC BY-NC 4.0'],
  isic2017: ['ISIC 2017 challenge, part 3 (Codella et al. 2018, doi:10.1109/ISBI.2018.8363547)', 'CC0'],
};

function sources({ log, config, model }: RunFacts): Markup {
  const format = log.data?.format ?? 'unknown';
  const [name, licence] = COLLECTIONS[format] ?? ['', ''];
  const open = 'not stated in the data: to be completed by the authors';
  return dataTable(
    'Sources',
    ['', ''],
    [
      ['collection', name === '' ? `${format}: ${open}` : name],
      ['licence of the images', licence === '' ? open : licence],
      ['read from', html`<code>${config.data}</code>`],
      ['SHA-256 of images and labels', html`<code>${log.data?.hash ?? model?.card.trainingData ?? '–'}</code>`],
      ['SHA-256 of the division', html`<code>${model?.card.splits ?? '–'}</code>`],
    ],
  );
}

function flow({ log, splits }: RunFacts): Markup {
  const used = splits.length;
  const left = log.data?.problems ?? 0;
  const steps: readonly (readonly [string, number])[] = [
    ['rows and files of the data', used + left],
    ['left out: missing, unreadable, unlabelled or listed twice', left],
    ['used', used],
    ...SPLITS.map(
      (split) => [`of these, ${PARTITION[split]}`, splits.filter((row) => row.split === split).length] as const,
    ),
  ];
  return html`<h3>Inclusion</h3><ol class="flow" aria-label="Inclusion flow">${steps.map(
    ([text, n], i) => html`<li class="${i === 1 ? 'out' : i > 2 ? 'part' : 'step'}"><b>${count(n)}</b> ${text}</li>`,
  )}</ol>
<p class="note">How the data were collected, and what was left out before they came here, is for the publishers of the data to say.</p>`;
}

function classes({ splits, validation, test }: RunFacts): Markup {
  const labels = [...new Set(splits.map(({ label }) => label))].sort();
  const positive = (test ?? validation)?.question;
  const n = (label: string | undefined, split: Split): number =>
    splits.filter((row) => row.split === split && (label === undefined || row.label === label)).length;
  const row = (name: string, label: string | undefined, meaning: string): Content[] => [
    name,
    ...SPLITS.map((split) => count(n(label, split))),
    count(SPLITS.reduce((sum, split) => sum + n(label, split), 0)),
    ...(positive === undefined ? [] : [meaning]),
  ];
  return dataTable(
    'Images by class and partition',
    ['class', ...SPLITS.map((split) => PARTITION[split]), 'all', ...(positive === undefined ? [] : ['counts as'])],
    [
      ...labels.map((label) =>
        row(
          label,
          label,
          positive?.positiveLabels.includes(label) === true ? positive.name : (positive?.negative ?? ''),
        ),
      ),
      row('all', undefined, ''),
    ],
  );
}

function overlap({ splits, dataset, config }: RunFacts): Markup {
  const examples: Example[] = splits.map(({ split: _, ...row }) => ({ ...row, attributes: {} }));
  const byId = new Map(splits.map(({ id, split }) => [id, split]));
  let sentence: Content;
  try {
    const { lesions, patients } = proveNoOverlap(byId, examples);
    const parts = [
      ...(lesions > 0 ? [counted(lesions, 'lesion')] : []),
      ...(patients > 0 ? [counted(patients, 'patient')] : []),
    ];
    sentence =
      parts.length === 0
        ? 'The data name no lesion and no patient: that images of one lesion are on two sides cannot be excluded.'
        : html`<b>Zero overlap.</b> Every image of splits.csv was looked at again for this page: of ${parts.join(' and ')}, none is in two partitions.`;
  } catch (error) {
    if (!(error instanceof NevusError)) throw error;
    sentence = html`<b>Overlap found.</b> ${messageOf(error)}`;
  }
  const by = { auto: 'lesion and patient, where named', lesion: 'lesion', patient: 'patient', none: 'image' }[
    config.split.groupBy
  ];
  const rows = SPLITS.map((split) => {
    const own = splits.filter((row) => row.split === split);
    const distinct = (key: 'lesionId' | 'patientId'): string =>
      own.some((row) => row[key] !== undefined) ? count(new Set(own.map((row) => row[key])).size) : 'unknown';
    return [PARTITION[split], count(own.length), distinct('lesionId'), distinct('patientId')];
  });
  return html`<h3>Partitions</h3><p>Divided by stable hashing of the ${by}, stratified by class, seed ${config.seed}${
    config.split.validationSource === undefined
      ? ''
      : html`; the source ${config.split.validationSource} held out for validation`
  }${'missing' in dataset ? '' : dataset.examples.some((e) => e.split !== undefined) ? '; the data prescribe a division, which was kept' : ''}. ${sentence}</p>
${dataTable('Independent units', ['partition', 'images', 'lesions', 'patients'], rows)}`;
}

/** Examples of each partition with what the data say of them; undefined where the data are out of reach. */
function described({
  splits,
  dataset,
  validation,
  test,
}: RunFacts): readonly (readonly [Split, readonly Attributed[]])[] {
  if ('missing' in dataset) {
    return [
      ...(validation === undefined ? [] : [['val', validation.predictions.examples] as const]),
      ...(test === undefined ? [] : [['test', test.predictions.examples] as const]),
    ];
  }
  const byId = new Map(dataset.examples.map((example) => [example.id, example]));
  return SPLITS.map((split) => [
    split,
    splits.filter((row) => row.split === split).flatMap(({ id }) => byId.get(id) ?? []),
  ]);
}

type Attributed = Pick<Example, 'attributes'> & { readonly label?: string | undefined };

function ascertainment(facts: RunFacts): Markup {
  const parts = described(facts);
  const all = parts.flatMap(([, examples]) => examples);
  const column = ascertainmentColumn(new Set(all.flatMap(({ attributes }) => Object.keys(attributes))));
  const heading = html`<h3>How labels were established</h3>`;
  if (column === undefined) return html`${heading}<p>The data do not say it: to be completed by the authors.</p>`;
  const stated = ({ attributes }: Attributed): string => attributes[column] ?? '';
  const values = levels(all.map(stated));
  const labels = [...new Set(all.flatMap(({ label }) => label ?? []))].sort();
  return html`${heading}${dataTable(
    html`By class, from the column <code>${column}</code>${partial(facts)}`,
    ['class', ...values.map((value) => (value === '' ? 'not stated' : ascertainmentName(value)))],
    labels.map((label) => {
      const own = all.filter((example) => example.label === label);
      return [label, ...values.map((value) => share(own.filter((e) => stated(e) === value).length, own.length))];
    }),
  )}`;
}

function demographics(facts: RunFacts): Markup {
  const parts = described(facts);
  const all = parts.flatMap(([, examples]) => examples);
  const names = new Set(all.flatMap(({ attributes }) => Object.keys(attributes)));
  const find = (...wanted: string[]): string | undefined => wanted.find((name) => names.has(name));
  const age = find('age', 'age_approximate', 'age_approx');
  const rows: Content[][] = [];
  const add = (title: string, column: string | undefined, most: number): void => {
    if (column === undefined) {
      rows.push([title, ...parts.map(() => 'unknown')]);
      return;
    }
    const values = levels(all.map(({ attributes }) => attributes[column] ?? '')).slice(0, most);
    for (const value of values) {
      rows.push([
        `${title}: ${value === '' ? 'not stated' : value}`,
        ...parts.map(([, examples]) =>
          share(examples.filter(({ attributes }) => (attributes[column] ?? '') === value).length, examples.length),
        ),
      ]);
    }
  };
  if (age === undefined) add('age', undefined, 0);
  else {
    const ages = parts.map(([, examples]) =>
      examples.flatMap(({ attributes }) => {
        const text = attributes[age] ?? '';
        return text.trim() === '' || !Number.isFinite(Number(text)) ? [] : [Number(text)];
      }),
    );
    rows.push(['age: median (10th to 90th percentile)', ...ages.map(spread)]);
    rows.push([
      'age: not stated',
      ...parts.map(([, examples], i) => share(examples.length - (ages[i]?.length ?? 0), examples.length)),
    ]);
  }
  add('sex', find('sex', 'gender'), 4);
  add('site', find('localization', 'anatom_site_general', 'anatom_site', 'region'), 10);
  add('skin type', find('fitzpatrick_skin_type', 'fitzpatrick', 'skin_type', 'skin_tone'), 8);
  return html`<h3>Who is in the data</h3>${dataTable(
    html`Images by partition${partial(facts)}`,
    ['', ...parts.map(([split]) => PARTITION[split])],
    rows,
  )}`;
}

function partial({ dataset }: RunFacts): Content {
  return 'missing' in dataset && html` (without the training images: ${dataset.missing})`;
}

/** Distinct values, the most frequent first. */
function levels(values: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([value]) => value);
}

function share(n: number, of: number): string {
  return of === 0 ? '–' : `${count(n)} (${percent(n / of, 0)})`;
}

function spread(values: number[]): string {
  if (values.length === 0) return '–';
  const sorted = values.sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
  return `${at(0.5)} (${at(0.1)} to ${at(0.9)})`;
}
