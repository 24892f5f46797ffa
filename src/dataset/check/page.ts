import { SPLITS } from '../types.ts';
import type { DataCheck } from './check.ts';
import type { Tie } from './clashes.ts';
import { splitCounts } from './contents.ts';
import { escaped, figures, htmlTable, PAGE_STYLE, type ShownImage, section } from './html.ts';
import type { Picture } from './pictures.ts';
import type { Suspicion, SuspiciousImage } from './quality.ts';

/** How much of each kind the page shows; `check.json` has all. */
export const SHOWN = { groups: 100, members: 8, suspicious: 48 } as const;

const TIES: Readonly<Record<Tie, string>> = {
  identical: 'identical files',
  'near-duplicate': 'near-duplicates',
  lesion: 'one lesion',
  patient: 'one patient',
};

const SUSPICIONS: Readonly<Record<Suspicion, { title: string; measure: string; digits: number }>> = {
  small: { title: 'Small', measure: 'shorter side', digits: 0 },
  aspect: { title: 'Long', measure: 'longer : shorter side', digits: 1 },
  blank: { title: 'Almost blank', measure: 'contrast', digits: 1 },
  grey: { title: 'Grey', measure: 'colourfulness', digits: 1 },
  blurred: { title: 'Blurred', measure: 'sharpness', digits: 1 },
};

/** Ids of the images that the page shows. */
export function shownIds(check: DataCheck): string[] {
  const groups = [
    ...check.conflicts.slice(0, SHOWN.groups).map(({ examples }) => examples.map(({ id }) => id)),
    ...check.leaks.slice(0, SHOWN.groups).map(({ examples }) => examples.map(({ id }) => id)),
    ...orderedClusters(check).slice(0, SHOWN.groups),
  ];
  return [
    ...new Set([
      ...groups.flatMap((ids) => ids.slice(0, SHOWN.members)),
      ...bySuspicion(check).flatMap(([, images]) => images.slice(0, SHOWN.suspicious).map(({ id }) => id)),
    ]),
  ];
}

/**
 * The findings of a check as one HTML file without scripts or anything to fetch: it opens anywhere, also from a disk.
 *
 * @param labelOf of an example
 */
export function checkPage(
  check: DataCheck,
  pictures: ReadonlyMap<string, Picture>,
  labelOf: (id: string) => string,
): string {
  const image = (id: string, remark: string): ShownImage => ({ id, remark, picture: pictures.get(id) });
  const shownOf = (count: number, limit: number): string =>
    count > limit ? `<p class="quiet">The first ${limit} of ${count}; check.json has all.</p>` : '';
  const groupsOf = <T>(groups: readonly T[], show: (group: T) => string): string =>
    groups.slice(0, SHOWN.groups).map(show).join('') + shownOf(groups.length, SHOWN.groups);

  const conflicts = groupsOf(check.conflicts, ({ tie, key, examples }) =>
    figures(
      `${TIES[tie]} with ${new Set(examples.map(({ label }) => label)).size} labels${tie === 'lesion' ? `: ${key}` : ''}`,
      examples.map(({ id, label }) => image(id, label)),
      SHOWN.members,
    ),
  );
  const leaks = groupsOf(check.leaks, ({ tie, key, examples }) =>
    figures(
      `${TIES[tie]} in ${[...new Set(examples.map(({ split }) => split))].join(' and ')}${tie === 'lesion' || tie === 'patient' ? `: ${key}` : ''}`,
      examples.map(({ id, split }) => image(id, split)),
      SHOWN.members,
    ),
  );
  const clusters = groupsOf(orderedClusters(check), (ids) =>
    figures(
      clusterTitle(check, ids),
      ids.map((id) => image(id, labelOf(id))),
      SHOWN.members,
    ),
  );
  const suspicious = bySuspicion(check)
    .map(([kind, images]) => {
      const { title, measure, digits } = SUSPICIONS[kind];
      const sign = kind === 'aspect' ? 'more' : 'less';
      return (
        figures(
          `${title}: ${images.length}, with a ${measure} of ${sign} than ${images[0]!.limit.toFixed(digits)}`,
          images.map(({ id, value }) => image(id, `${labelOf(id)} · ${value.toFixed(digits)}`)),
          SHOWN.suspicious,
        ) + shownOf(images.length, SHOWN.suspicious)
      );
    })
    .join('');

  const { pairs, clusters: all } = check.duplicates;
  const body = [
    `<h1>Data check</h1><p class="quiet">${escaped(check.data.root)} (${check.data.format})</p>`,
    summary(check),
    section('Conflicts', check.conflicts.length, 'One thing with two labels: one of them is wrong.', conflicts),
    section(
      'Leaks',
      check.leaks.length,
      check.splits === 'none'
        ? 'The data prescribes no splits; nevus makes them so that nothing is on two sides.'
        : 'One thing on two sides of the split: the test is no test for it.',
      leaks,
    ),
    section(
      'Copies',
      all.length,
      `${pairs.filter(({ identical }) => identical).length} pairs of identical files and ${pairs.filter(({ identical }) => !identical).length} pairs of near-duplicates, in groups. Those of different lesions or patients come first.`,
      clusters,
    ),
    section(
      'Unusual images',
      check.suspicious.length,
      'Measured against the rest of the data; they are used.',
      suspicious,
    ),
    section(
      'Left out',
      check.problems.length,
      'Rows and files that cannot be used.',
      check.problems.length === 0
        ? ''
        : htmlTable(
            ['kind', 'where', 'why'],
            check.problems.slice(0, 500).map(({ kind, where, detail }) => [kind, where, detail]),
          ) + shownOf(check.problems.length, 500),
    ),
  ].join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data check: ${escaped(check.data.root)}</title><style>${PAGE_STYLE}</style></head>
<body><main>
${body}
</main></body></html>
`;
}

function summary(check: DataCheck): string {
  const named = { lesions: check.lesions > 0, patients: check.patients > 0, splits: check.splits !== 'none' };
  const counts = splitCounts(check.classes);
  const numbers = (lesions: number, patients: number, splits: Readonly<Record<string, number>>): string[] => [
    ...(named.lesions ? [String(lesions)] : []),
    ...(named.patients ? [String(patients)] : []),
    ...(named.splits ? SPLITS.map((split) => String(splits[split])) : []),
  ];
  const classes = htmlTable(
    [
      'class',
      'images',
      ...(named.lesions ? ['lesions'] : []),
      ...(named.patients ? ['patients'] : []),
      ...(named.splits ? SPLITS : []),
    ],
    [
      ...check.classes.map((c) => [c.label, String(c.images), ...numbers(c.lesions, c.patients, c.splits)]),
      ['all', String(check.images), ...numbers(check.lesions, check.patients, counts)],
    ],
  );
  const { labelSources } = check;
  const sources =
    labelSources === undefined
      ? '<p>The data does not say how labels were established.</p>'
      : `<h3>How labels were established (${escaped(labelSources.column)})</h3>${htmlTable(
          ['class', ...sourceNames(check)],
          check.classes.map(({ label }) => [
            label,
            ...sourceNames(check).map((source) => {
              const found = labelSources.counts.find((c) => c.label === label && (c.source || 'not said') === source);
              return String(found?.images ?? 0);
            }),
          ]),
        )}`;
  const missing =
    check.missing.length === 0
      ? '<p>No values are missing.</p>'
      : `<h3>Missing values</h3>${htmlTable(
          ['column', 'images', 'share'],
          check.missing.map(({ column, images, share }) => [column, String(images), `${(100 * share).toFixed(1)} %`]),
        )}`;
  return `<section><h2>Contents</h2><div class="tables">${[classes, sources, missing].map((html) => `<div>${html}</div>`).join('')}</div></section>`;
}

/** The ways in which labels were established, the most frequent first. */
export function sourceNames(check: DataCheck): string[] {
  const totals = new Map<string, number>();
  for (const { source, images } of check.labelSources?.counts ?? []) {
    const name = source || 'not said';
    totals.set(name, (totals.get(name) ?? 0) + images);
  }
  return [...totals].sort(([, n], [, m]) => m - n).map(([name]) => name);
}

/** Copies of different lesions or patients first: those the data's own ids would not keep together. */
function orderedClusters(check: DataCheck): readonly (readonly string[])[] {
  const foreign = new Set(check.duplicates.pairs.flatMap(({ ids, related }) => (related === 'no' ? ids : [])));
  const rank = (ids: readonly string[]): number => (ids.some((id) => foreign.has(id)) ? 0 : 1);
  return [...check.duplicates.clusters].sort((a, b) => rank(a) - rank(b));
}

function clusterTitle(check: DataCheck, ids: readonly string[]): string {
  const inside = new Set(ids);
  const pairs = check.duplicates.pairs.filter((pair) => inside.has(pair.ids[0]));
  const identical = pairs.every((pair) => pair.identical);
  const least = Math.min(...pairs.map(({ detail }) => detail));
  const strange = pairs.some(({ related }) => related === 'no') ? ', different lesions or patients' : '';
  return `${identical ? 'identical files' : `near-duplicates, details alike to ${(100 * least).toFixed(0)} %`}${strange}`;
}

function bySuspicion({ suspicious }: DataCheck): [Suspicion, SuspiciousImage[]][] {
  const kinds = [...new Set(suspicious.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const own = suspicious.filter((one) => one.kind === kind);
    // The worst first.
    return [kind, own.sort((a, b) => (kind === 'aspect' ? b.value - a.value : a.value - b.value))];
  });
}
