import { VERSION } from '../core/version.ts';
import { INTENDED_USE } from '../model/card.ts';
import type { RunFacts } from './facts.ts';
import { html, type Markup } from './markup.ts';
import { calibration } from './sections/calibration.ts';
import { checklists } from './sections/checklists.ts';
import { confusion, perClass } from './sections/classes.ts';
import { configuration } from './sections/configuration.ts';
import { dataCard } from './sections/data-card.ts';
import { decision } from './sections/decision.ts';
import { failures } from './sections/failures.ts';
import { headline, titleOf } from './sections/headline.ts';
import { operatingPoints } from './sections/operating-points.ts';
import { precisionRecall } from './sections/precision-recall.ts';
import { roc } from './sections/roc.ts';
import type { Section } from './sections/section.ts';
import { subgroups } from './sections/subgroups.ts';
import { training } from './sections/training.ts';
import { STYLE } from './style.ts';

/** The whole report as one HTML file that needs nothing else: no network, no script. */
export async function reportPage(facts: RunFacts): Promise<string> {
  const found = [
    operatingPoints(facts),
    roc(facts),
    confusion(facts),
    perClass(facts),
    precisionRecall(facts),
    calibration(facts),
    decision(facts),
    subgroups(facts),
    await failures(facts),
    dataCard(facts),
    training(facts),
    configuration(facts),
  ].flatMap((part) => part ?? []);
  const names = new Set(found.map(({ id }) => id));
  return document(facts, [...found, checklists(facts, names)]).markup;
}

function document(facts: RunFacts, sections: readonly Section[]): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="nevus ${VERSION}">
<title>${titleOf(facts)}: nevus test report</title>
<style>${STYLE}</style>
</head>
<body>
${headline(facts)}
<nav aria-label="Contents"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main>
${sections.map(
  ({ id, title, body }) => html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${body}</section>
`,
)}
</main>
<footer>Made by nevus ${VERSION} from the files of the run, and its data where they could be read. For ${INTENDED_USE}.</footer>
</body>
</html>
`;
}
