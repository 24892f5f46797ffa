import { judged, type Measured, type RunFacts } from '../facts.ts';
import { count, decimal, percent } from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { dataTable } from '../table.ts';
import { type Section, section } from './section.ts';

/** Who is taken for whom. */
export function confusion({ test, validation }: RunFacts): Section {
  return section(
    'confusion',
    'Confusion matrices',
    html`<p>Rows are what the label says, columns what the model says; shading is the share of the row, so each row adds up to 100 %.</p>`,
    test !== undefined && matrixTable(test, `Test, ${count(test.metrics.n)} images`),
    test !== undefined && twoByTwo(test),
    validation !== undefined &&
      html`<details><summary>The same of the validation images</summary>${matrixTable(validation, `Validation, ${count(validation.metrics.n)} images`)}${twoByTwo(validation)}</details>`,
  );
}

/** A matrix of counts with its cells shaded by row. */
function matrixTable({ metrics: { labels, confusionMatrix } }: Measured, title: string): Markup {
  return html`<div class="scroll" tabindex="0" role="group"><table class="matrix"><caption><span>${title}</span></caption>
<thead><tr><th scope="col">label \\ model</th>${labels.map((label) => html`<th scope="col">${label}</th>`)}<th scope="col">all</th></tr></thead>
<tbody>${confusionMatrix.map((row, r) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return html`<tr><th scope="row">${labels[r]}</th>${row.map((n, c) => {
      const share = sum === 0 ? 0 : n / sum;
      return html`<td class="${r === c ? 'right' : 'wrong'}" style="--share:${(100 * share).toFixed(0)}%">${count(n)}<small>${n === 0 ? '' : percent(share, 0)}</small></td>`;
    })}<td class="sum">${count(sum)}</td></tr>`;
  })}</tbody></table></div>`;
}

function twoByTwo({ metrics: { malignant: m }, question }: Measured): Markup | undefined {
  if (m === undefined || question === undefined) return undefined;
  return dataTable(
    `${m.name} or ${question.negative}, at a threshold of ${decimal(m.threshold)}`,
    ['label', `called ${m.name}`, `called ${question.negative}`, 'all'],
    [
      [m.name, count(m.truePositives), count(m.falseNegatives), count(m.nPositive)],
      [question.negative, count(m.falsePositives), count(m.trueNegatives), count(m.n - m.nPositive)],
    ],
  );
}

/** Each class against all others. */
export function perClass(facts: RunFacts): Section {
  const { metrics } = judged(facts);
  return section(
    'classes',
    'Class by class',
    dataTable(
      `Each class against all others, ${count(metrics.n)} images`,
      ['class', 'images', 'sensitivity', 'specificity', 'precision', 'AUC'],
      metrics.perClass.map((c) => [
        c.label,
        count(c.n),
        percent(c.sensitivity),
        percent(c.specificity),
        percent(c.precision),
        decimal(c.auc),
      ]),
    ),
    html`<p class="note">Accuracy ${percent(metrics.accuracy)}, mean AUC over the classes ${decimal(metrics.macroAuc)}, log loss ${decimal(metrics.logLoss)} nats. A dash: the data cannot give the figure.</p>`,
  );
}
