import { VERSION } from '../../core/version.ts';
import { configText } from '../../train/run-folder.ts';
import type { RunFacts } from '../facts.ts';
import { count } from '../format.ts';
import { html } from '../markup.ts';
import { dataTable } from '../table.ts';
import { type Section, section } from './section.ts';

/** What was built, from what, with which settings and versions. */
export function configuration({ config, model, log }: RunFacts): Section {
  const { card } = model ?? {};
  const p = card?.preprocessing;
  const row = (name: string, value: string | undefined) => [name, value ?? '–'];
  return section(
    'configuration',
    'Model, settings and versions',
    dataTable(
      'Model',
      ['', ''],
      [
        ...(model === undefined
          ? [row('file', 'there is no model.onnx in this run')]
          : [row('file', `model.onnx, ${count(model.bytes)} bytes`), ['SHA-256', html`<code>${model.sha256}</code>`]]),
        row('backbone', card?.backbone.name ?? log.trunk?.backbone),
        row('its licence', card?.backbone.licence),
        row('its origin', card?.backbone.origin),
        ['SHA-256 of its weights', html`<code>${card?.backbone.sha256 ?? log.trunk?.sha256 ?? '–'}</code>`],
        row('cut', `${card?.cut ?? log.trunk?.cut ?? config.cut}: what lies behind it was trained`),
        row(
          'head',
          config.head.kind === 'linear'
            ? 'linear'
            : `dense ${config.head.units}, batch normalisation, leaky ReLU ${config.head.slope}, dropout ${config.head.dropout}`,
        ),
        row(
          'preprocessing (inside the file)',
          p === undefined
            ? undefined
            : `the whole image squashed to ${p.size} × ${p.size} by ${p.interpolation} interpolation, ${p.channels}`,
        ),
        row(
          'decision',
          card?.priors === undefined
            ? 'the most probable class'
            : 'the class most probable relative to how often training met it',
        ),
        row('seed', String(config.seed)),
        row('device', log.trunk?.device),
        row('trained by', card === undefined ? undefined : `nevus ${card.nevusVersion}`),
        row('this page by', `nevus ${VERSION}, Node ${process.versions.node}`),
      ],
    ),
    html`<details><summary>All settings (config.yaml)</summary><pre tabindex="0">${configText(config)}</pre></details>`,
  );
}
