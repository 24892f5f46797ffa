import { bandOf } from '../../evaluate/band.ts';
import { isDefined } from '../../evaluate/metric.ts';
import { type Subgroup, subgroupTable } from '../../evaluate/subgroups.ts';
import { ascertainmentColumn } from '../ascertainment.ts';
import { forestRow } from '../charts/forest.ts';
import { judged, type RunFacts } from '../facts.ts';
import { count, decimal, decimals, percent, percents } from '../format.ts';
import { type Content, html } from '../markup.ts';
import { dataTable } from '../table.ts';
import { type Section, section } from './section.ts';

/** More levels than this are identifiers, not groups. */
const MOST_LEVELS = 20;

/** How the model fares in the groups that the data name. */
export function subgroups(facts: RunFacts): Section | undefined {
  const { question, metrics, groups } = judged(facts);
  const { malignant: m } = metrics;
  if (question === undefined || m === undefined) return undefined;
  const attributes = attributesOf(facts);
  if (Object.keys(attributes).length === 0) return undefined;
  const table = subgroupTable({
    scores: question.scores,
    positives: question.positives,
    threshold: m.threshold,
    attributes,
    groups,
  });
  const { rows, whole, tooSmall } = table;
  if (rows.length === 0) return undefined;
  const flagged = rows.flatMap((row) =>
    (['auc', 'sensitivity', 'specificity'] as const).flatMap((what) =>
      row[what].flagged ? [`${what === 'auc' ? 'AUC' : what} of ${row.attribute} ${row.level}`] : [],
    ),
  );
  // Intervals of small groups reach far down: they are cut off at the edge, lest the others shrink to dots.
  const low = Math.min(0.5, ...rows.flatMap(({ auc }) => (isDefined(auc.value) ? [auc.value] : [])));
  return section(
    'subgroups',
    'Subgroups',
    html`<p>${
      flagged.length === 0
        ? 'No group differs from the rest by more than chance would explain, with allowance for the number of tests. That is no proof that none does: read the intervals.'
        : html`Marked with *: figures that differ from the rest by more than chance would explain, with allowance for ${table.tests} tests (Benjamini–Hochberg, 5 %): <b>${flagged.join('; ')}</b>.`
    } Skin tone and everything else that the data do not name is not tested here. The threshold is ${decimal(table.threshold)}.</p>`,
    dataTable(
      html`The square is the AUC, the line its 95 % interval, on an axis from ${decimal(low, 2)} to 1, cut off at its ends; dashed is the whole`,
      ['group', 'images', question.name, 'AUC', '', 'sensitivity', 'specificity'],
      [
        [
          'all',
          count(whole.n),
          count(whole.nPositive),
          decimal(whole.auc.value),
          isDefined(whole.auc.value) &&
            forestRow(
              { value: whole.auc.value, interval: isDefined(whole.auc.interval95) ? whole.auc.interval95 : undefined },
              low,
              1,
            ),
          percent(whole.sensitivity.value),
          percent(whole.specificity.value),
        ],
        ...rows.map((row) => cells(row, isDefined(whole.auc.value) ? whole.auc.value : undefined, low)),
      ],
    ),
    html`<p class="note">Intervals of the AUC by DeLong, of the rates by Wilson, both by lesions where images share one. ${
      tooSmall.length > 0 &&
      `Too few images to judge (under ${table.minCases}): ${tooSmall.map(({ attribute, level, n }) => `${attribute} ${level} (${n})`).join(', ')}.`
    }</p>`,
  );
}

function cells(row: Subgroup, whole: number | undefined, low: number): Content[] {
  const { auc, sensitivity, specificity } = row;
  const star = (flagged: boolean): string => (flagged ? ' *' : '');
  return [
    `${row.attribute}: ${row.level}`,
    count(row.n),
    count(row.nPositive),
    html`${decimal(auc.value)}${star(auc.flagged)}${isDefined(auc.interval95) && html` <small>(${decimals(auc.interval95)})</small>`}`,
    isDefined(auc.value) &&
      forestRow({ value: auc.value, interval: isDefined(auc.interval95) ? auc.interval95 : undefined, whole }, low, 1),
    isDefined(sensitivity.value)
      ? html`${percent(sensitivity.value)}${star(sensitivity.flagged)} <small>(${percents(sensitivity.interval95)})</small>`
      : '–',
    isDefined(specificity.value)
      ? html`${percent(specificity.value)}${star(specificity.flagged)} <small>(${percents(specificity.interval95)})</small>`
      : '–',
  ];
}

/** Levels of the attributes that make groups of people, lesions or pictures. */
function attributesOf(facts: RunFacts): Record<string, (string | undefined)[]> {
  const { examples } = judged(facts).predictions;
  const names = [...new Set(examples.flatMap(({ attributes }) => Object.keys(attributes)))];
  const found: Record<string, (string | undefined)[]> = {};
  const label = ascertainmentColumn(new Set(names));
  for (const name of names) {
    const isAge = /^age/i.test(name);
    const values = examples.map(({ attributes }) => {
      const value = attributes[name];
      return isAge ? bandOf(value) : value;
    });
    const levels = new Set(values.filter((value) => value !== undefined && value !== '')).size;
    // How a label was found belongs to the label: malignant ones are proven by histology throughout.
    if (name !== label && name !== 'data_label' && levels > 1 && levels <= MOST_LEVELS) found[name] = values;
  }
  if (examples.some(({ source }) => source !== undefined)) found.source = examples.map(({ source }) => source);
  return found;
}
