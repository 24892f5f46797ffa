import { resolve } from 'node:path';
import type { PredictedExample } from '../../evaluate/predictions.ts';
import { judged, type RunFacts } from '../facts.ts';
import { counted, percent } from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { thumbnail } from '../thumbnail.ts';
import { type Section, section } from './section.ts';

/** Pictures of each kind of error. */
const SHOWN = 12;

interface Failure {
  readonly example: PredictedExample;
  /** What the model said, and how sure it was. */
  readonly said: string;
  readonly probability: number;
}

/** The most confident errors, with their pictures. */
export async function failures(facts: RunFacts): Promise<Section | undefined> {
  const kinds = kindsOf(facts).filter(({ list }) => list.length > 0);
  if (kinds.length === 0) return undefined;
  const galleries: Markup[] = [];
  for (const { title, list } of kinds) galleries.push(await gallery(facts, title, list));
  return section(
    'failures',
    'The worst errors',
    html`<p>Of each kind the errors that the model was surest of, at most one picture of a lesion. Look for what they have in common: hair, rulers, ink, dark corners, a diagnosis that is hard for anybody, a label that may be wrong. The pictures are of the data’s publishers, under the data’s licence.</p>`,
    galleries,
  );
}

function kindsOf(facts: RunFacts): { readonly title: string; readonly list: readonly Failure[] }[] {
  const { question, metrics, predictions } = judged(facts);
  const { examples, predicted, labels, probabilities } = predictions;
  const threshold = metrics.malignant?.threshold ?? 0.5;
  const binary = (wanted: boolean): Failure[] =>
    question === undefined
      ? []
      : examples.flatMap((example, i) => {
          const score = question.scores[i]!;
          const wrong = question.positives[i] === wanted && score >= threshold !== wanted;
          return wrong ? [{ example, said: question.name, probability: score }] : [];
        });
  const named = examples.flatMap((example, i): Failure[] => {
    const said = predicted[i]!;
    const inside = question !== undefined && question.positives[i] !== question.positiveLabels.includes(said);
    if (said === example.label || inside) return [];
    return [{ example, said, probability: probabilities[i * labels.length + labels.indexOf(said)]! }];
  });
  const up = (a: Failure, b: Failure): number => a.probability - b.probability;
  const down = (a: Failure, b: Failure): number => b.probability - a.probability;
  if (question === undefined) return [{ title: 'Named wrongly', list: named.sort(down) }];
  return [
    { title: `Missed: ${question.name}, called ${question.negative}`, list: binary(true).sort(up) },
    { title: `False alarms: ${question.negative}, called ${question.name}`, list: binary(false).sort(down) },
    ...(labels.length === 2
      ? []
      : [{ title: `Right about ${question.name} or not, wrong about the diagnosis`, list: named.sort(down) }]),
  ];
}

async function gallery(facts: RunFacts, title: string, list: readonly Failure[]): Promise<Markup> {
  const shown = onePerLesion(list).slice(0, SHOWN);
  const pictures = await Promise.all(shown.map(({ example }) => thumbnail(resolve(facts.config.data, example.path))));
  const found = pictures.filter((picture) => picture !== undefined).length;
  return html`<h3>${title}: ${counted(list.length, 'image')}</h3>
${found === 0 && html`<p class="note">The pictures cannot be read where this page was made.</p>`}
<ul class="gallery">${shown.map(({ example, said, probability }, i) => {
    const picture = pictures[i];
    const text = `label ${example.label ?? '?'}; P(${said}) ${percent(probability)}`;
    const about = ['dx_type', 'age', 'sex', 'localization', 'anatom_site_general']
      .flatMap((name) => example.attributes[name] ?? [])
      .join(', ');
    return html`<li>${picture !== undefined && html`<img src="${picture}" alt="${example.id}, label ${example.label}" width="160" height="160" loading="lazy">`}
<b>${text}</b><span>${example.id}</span><small>${about}</small></li>`;
  })}</ul>`;
}

function onePerLesion(list: readonly Failure[]): Failure[] {
  const seen = new Set<string>();
  return list.filter(({ example }) => {
    const lesion = example.lesionId ?? example.id;
    if (seen.has(lesion)) return false;
    seen.add(lesion);
    return true;
  });
}
