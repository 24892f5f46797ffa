import type { Command } from 'commander';
import { NORMALISATIONS, type Normalisation } from '../../backbone/normalisation.ts';
import { loadBackbone } from '../../backbone/registry.ts';
import { BACKBONES } from '../../backbone/rows.ts';
import type { Backbone } from '../../backbone/types.ts';
import { definedOnly } from '../../core/defined-only.ts';
import { sizeOf } from '../../onnx/model.ts';
import { choice } from '../choice.ts';
import { displayFor } from '../display.ts';
import { grouped } from '../format.ts';
import { integer } from '../numbers.ts';
import { table } from '../table.ts';

interface InfoFlags {
  readonly features?: string;
  readonly normalisation?: Normalisation;
  readonly size?: number;
  readonly json?: boolean;
}

export function addBackboneCommand(program: Command): void {
  const backbone = program.command('backbone').description('what a model can be built on');
  backbone
    .command('list')
    .description('the backbones known by name')
    .option('--json', 'one JSON object a line')
    .action(({ json }: { readonly json?: boolean }) => {
      const rows = Object.entries(BACKBONES).map(([name, { size, licence, origin }]) => ({
        name,
        size,
        licence,
        origin,
      }));
      const text = rows.map(
        ({ name, size, licence, origin }) => `${name}  ${size} × ${size}\n  ${origin}\n  ${licence}`,
      );
      displayFor({ mode: json === true ? 'json' : 'normal', stream: process.stdout }).result(
        'backbones',
        { backbones: rows },
        [...text, 'Any ONNX network of images is one too: give the path of its file.'].join('\n'),
      );
    });
  backbone
    .command('info')
    .description('input, cut points, size, licence and origin of a backbone; fetches its weights on first use')
    .argument('<name>', 'a name, or an ONNX file')
    .option('--features <tensor>', 'tensor that the head is attached to')
    .addOption(
      choice('--normalisation <kind>', 'how pixels become numbers, for files that do not say it', NORMALISATIONS),
    )
    .option('--size <pixels>', 'height and width, for files that leave them free', integer)
    .option('--json', 'one JSON object a line')
    .action(async (name: string, { json, ...options }: InfoFlags) => {
      const display = displayFor({ mode: json === true ? 'json' : 'normal', stream: process.stdout });
      const loaded = await loadBackbone(name, { ...definedOnly(options), onProgress: display.progress });
      display.end();
      const { model, ...facts } = loaded;
      const parameters = parametersOf(loaded);
      display.result('backbone', { ...facts, parameters }, infoText(loaded, parameters));
    });
}

function parametersOf({ model }: Backbone): number {
  let count = 0;
  for (const { dtype, dims } of model.graph.initializers.values()) if (dtype === 'float32') count += sizeOf(dims);
  return count;
}

function infoText({ name, input, cuts, features, licence, origin }: Backbone, parameters: number): string {
  const rows = cuts.map(({ name: cut, tensor, dims }) => [
    tensor === features ? `${cut} (features)` : cut,
    dims.join(' × '),
    grouped(sizeOf(dims)),
  ]);
  return [
    `${name}: ${origin}`,
    `licence: ${licence}`,
    `input: ${input.size} × ${input.size}, ${input.channels}, ${input.layout}, u8 · [${input.scale.map(short).join(', ')}] + [${input.offset.map(short).join(', ')}]`,
    `parameters: ${grouped(parameters)}`,
    '',
    ...table(['cut', 'shape', 'values'], rows),
  ].join('\n');
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
