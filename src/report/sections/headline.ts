import { INTENDED_USE } from '../../model/card.ts';
import { judged, type RunFacts } from '../facts.ts';
import { count, counted, decimal, decimals, percent, percents } from '../format.ts';
import { type Content, html, type Markup } from '../markup.ts';
import { warningsOf } from '../warnings.ts';

/** The first screen: what the model is for, how good it is, and what to beware of. */
export function headline(facts: RunFacts): Markup {
  const { metrics, question } = judged(facts);
  const { card } = facts.model ?? {};
  const classes = metrics.labels.join(', ');
  return html`<header>
<p class="kicker">nevus test report</p>
<h1>${titleOf(facts)}</h1>
<p class="never"><strong>${capital(INTENDED_USE)}.</strong> No answer of this model may be used to diagnose or to reassure anybody.</p>
<p>A classifier of photographs of skin lesions${card === undefined ? '' : html`, made from <b>${card.backbone.name}</b> by transfer learning`}. For an image it gives a probability for each of ${metrics.labels.length} classes (${classes})${
    question === undefined
      ? ''
      : html` and, by adding up ${question.positiveLabels.join(', ')}, the probability of <b>${question.name}</b>`
  }. It is for research on image classifiers and for teaching; on images unlike those described below its answers mean nothing.</p>
${headlineFigures(facts)}
${warnings(facts)}
</header>`;
}

/** What the page is called. */
export function titleOf({ config, log }: RunFacts): string {
  const data =
    log.data?.format === 'ham10000'
      ? 'HAM10000'
      : (config.data.split(/[\\/]/).findLast((part) => part !== '') ?? 'data');
  return `${
    config.backbone.name
      .split(/[\\/]/)
      .at(-1)
      ?.replace(/\.onnx$/, '') ?? 'model'
  } on ${data}`;
}

function headlineFigures(facts: RunFacts): Markup {
  const { metrics } = judged(facts);
  const { malignant: m } = metrics;
  const on =
    facts.test === undefined
      ? 'validation images, which chose the model: these figures flatter'
      : 'test images that training never saw';
  const groups = metrics.nGroups === metrics.n ? '' : ` of ${counted(metrics.nGroups, 'lesion')} or patients`;
  const tile = (name: Content, value: string, interval: string, note: Content): Markup =>
    html`<div class="tile"><dt>${name}</dt><dd><b>${value}</b><span>${interval}</span><small>${note}</small></dd></div>`;
  return html`<p class="on">Measured on <b>${counted(metrics.n, 'image')}</b>${groups}: ${on}. Ranges are 95 % intervals.</p>
<dl class="tiles">
${
  m !== undefined && [
    tile(
      `AUC, ${m.name} or not`,
      decimal(m.auc),
      decimals(m.auc95Grouped ?? m.auc95),
      m.auc95Grouped === undefined ? 'DeLong' : 'bootstrap over lesions or patients',
    ),
    tile(
      'Sensitivity',
      percent(m.sensitivity),
      percents(m.sensitivity95),
      html`${count(m.truePositives)} of ${count(m.nPositive)} ${m.name} found, at a threshold of ${decimal(m.threshold)}${m.chosen && ', chosen on validation'}`,
    ),
    tile(
      'Specificity',
      percent(m.specificity),
      percents(m.specificity95),
      html`${count(m.trueNegatives)} of ${count(m.n - m.nPositive)} others let go, at the same threshold`,
    ),
  ]
}
${tile(`Balanced accuracy, ${metrics.labels.length} classes`, percent(metrics.balancedAccuracy), percents(metrics.balancedAccuracy95), 'mean share found over the classes')}
</dl>`;
}

function warnings(facts: RunFacts): Markup {
  return html`<section class="warnings" aria-labelledby="beware"><h2 id="beware">Before you trust it</h2>
<ul>${warningsOf(facts).map(({ title, text }) => html`<li><b>${title}</b> ${text}</li>`)}</ul></section>`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
