import { CLAIM } from '../checklists/claim.ts';
import { answersOf, type Checklist } from '../checklists/item.ts';
import { STARD_AI } from '../checklists/stard-ai.ts';
import { TRIPOD_AI } from '../checklists/tripod-ai.ts';
import type { RunFacts } from '../facts.ts';
import { type Content, html } from '../markup.ts';
import { dataTable } from '../table.ts';
import { type Section, section } from './section.ts';

/**
 * Reporting checklists, answered from the run where it can.
 *
 * @param sections names of the page's sections: an answer whose section is missing is none
 */
export function checklists(facts: RunFacts, sections: ReadonlySet<string>): Section {
  const answers = answersOf(facts);
  const answered = ({ answer }: Checklist['items'][number]): Content | undefined => {
    const found = answer?.(answers);
    if (found === undefined || (found.see !== undefined && !sections.has(found.see))) return undefined;
    return html`${found.text}${found.see !== undefined && html` (<a href="#${found.see}">see</a>)`}`;
  };
  return section(
    'checklists',
    'Reporting checklists',
    html`<p>Topics in our own short words: the published lists are what counts. What a run cannot know is left to the authors.</p>`,
    [CLAIM, TRIPOD_AI, STARD_AI].map((list) => {
      const rows = list.items.map((item) => [item.item, item.topic, answered(item)] as const);
      const done = rows.filter(([, , text]) => text !== undefined).length;
      return html`<details class="checklist"><summary>${list.name}: ${done} of ${rows.length} rows answered from the run</summary>${dataTable(
        html`<a href="${list.link}">${list.source}</a>`,
        ['item', 'topic', 'this run'],
        rows.map(([item, topic, text]) => [
          item,
          topic,
          text ?? html`<span class="open">to be completed by the authors</span>`,
        ]),
      )}</details>`;
    }),
  );
}
