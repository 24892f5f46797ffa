import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { NORMALISATIONS, type Normalisation } from '../../backbone/normalisation.ts';
import { type BackboneOptions, backboneState, importBackbone, loadBackbone } from '../../backbone/registry.ts';
import { isBackboneName, rowOf } from '../../backbone/rows.ts';
import { type Address, addressText, isAddress, parseAddress } from '../../backbone/sources/address.ts';
import { type Fetched, fetchFile } from '../../backbone/sources/fetch.ts';
import type { Backbone } from '../../backbone/types.ts';
import { definedOnly } from '../../core/defined-only.ts';
import { InterruptedError } from '../../core/errors.ts';
import { infoText, listedBackbones, listText, parametersOf, rowText } from '../backbone-text.ts';
import { choice } from '../choice.ts';
import { type Display, displayFor } from '../display.ts';
import { grouped } from '../format.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { integer } from '../numbers.ts';

interface Flags {
  readonly features?: string;
  readonly normalisation?: Extract<Normalisation, string>;
  readonly size?: number;
  readonly json?: boolean;
}

interface ImportFlags extends Flags {
  readonly architecture?: string;
  readonly licence?: string;
  readonly name?: string;
}

const JSON_OPTION = ['--json', 'one JSON object a line'] as const;
const KINDS = 'a name, a file, hub:owner/name/file.onnx@revision or https://…';

export function addBackboneCommand(program: Command): void {
  const backbone = program.command('backbone').description('what a model can be built on');
  backbone
    .command('list')
    .description('the backbones known by name, and what it takes to use each')
    .option(...JSON_OPTION)
    .action((flags: Flags) => {
      const listed = listedBackbones();
      displayOf(flags).result('backbones', { backbones: listed }, listText(listed));
    });
  describing(backbone.command('info'))
    .description('input, cut points, size, licence and origin of a backbone; fetches its weights on first use')
    .argument('<backbone>', KINDS)
    .action((name: string, flags: Flags) => run(flags, (display, options) => info(name, display, options)));
  backbone
    .command('fetch')
    .description('fetches weights now, so that later no network is needed')
    .argument('<backbone>', 'a name, hub:owner/name/file.onnx@revision or https://…, each perhaps with #sha256=…')
    .option(...JSON_OPTION)
    .action((name: string, flags: Flags) => run(flags, (display, options) => fetchNow(name, display, options)));
  describing(backbone.command('import'))
    .description('converts a network or weights, and keeps them under a name')
    .argument('<name>', 'of the list, a new one, or auto: what the file shows')
    .argument('<file>', '.onnx, .pth, .pt, .safetensors, .h5, model.json, or an address')
    .option('--architecture <name>', 'what the weights are of, where they do not show it')
    .option('--licence <text>', 'licence of the weights, for the card of every model made from them')
    .option('--name <name>', 'the name to keep it under, with auto')
    .action((name: string, file: string, flags: ImportFlags) =>
      run(flags, async (display, options) => {
        const { architecture, licence, name: given } = flags;
        const more = definedOnly({ architecture, licence, name: given });
        const { backbone: imported, path } = await importBackbone(name, file, { ...options, ...more });
        display.end();
        const text = [infoText(imported), '', `kept at ${path}`, `next: nevus train DATA --backbone ${imported.name}`];
        display.result('imported', { ...factsOf(imported), path }, text.join('\n'));
      }),
    );
}

/** Options about files that do not say everything. */
function describing(command: Command): Command {
  return command
    .option('--features <tensor>', 'tensor that the head is attached to; name:class or name:mean for one of tokens')
    .addOption(
      choice('--normalisation <kind>', 'how pixels become numbers, for files that do not say it', NORMALISATIONS),
    )
    .option('--size <pixels>', 'height and width, for files that leave them free', integer)
    .option(...JSON_OPTION);
}

/** Runs a command that may fetch something, which Ctrl-C ends; what was fetched so far is kept. */
async function run(
  { json, features, normalisation, size }: Flags,
  command: (display: Display, options: BackboneOptions) => Promise<void>,
): Promise<void> {
  const display = displayOf(definedOnly({ json }));
  const interrupt = listenForInterrupt(() => display.end());
  const options = definedOnly({ features, normalisation, size });
  try {
    await command(display, { ...options, onProgress: display.progress, signal: interrupt.signal });
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    throw new InterruptedError(
      'cli/stopped',
      'backbone: stopped',
      'Run it again: a download goes on where it stopped.',
      {
        cause: error,
      },
    );
  } finally {
    interrupt.release();
    display.end();
  }
}

async function info(name: string, display: Display, options: BackboneOptions): Promise<void> {
  if (isBackboneName(name) && backboneState(name) === 'file') {
    const row = rowOf(name);
    const { title, millions, size, features, dims, cuts, licence } = row;
    const facts = { name, state: 'file', title, millions, size, features, dims, cuts, licence };
    display.result('backbone', facts, rowText(name, row));
    return;
  }
  const loaded = await loadBackbone(name, options);
  display.end();
  display.result('backbone', factsOf(loaded), infoText(loaded));
}

async function fetchNow(name: string, display: Display, options: BackboneOptions): Promise<void> {
  if (!isAddress(name)) {
    const loaded = await loadBackbone(name, options);
    display.end();
    display.result('fetched', { backbone: loaded.name, sha256: loaded.sha256 }, `${loaded.name} is ready.`);
    return;
  }
  const address = parseAddress(name);
  const fetched = await fetchFile(address, options);
  display.end();
  const bytes = statSync(fetched.path).size;
  const pinned = address.sha256 !== undefined;
  display.result(
    'fetched',
    { address: addressText(address), ...fetched, bytes, pinned, pin: pinOf(address, fetched) },
    [
      `${addressText(address)}: ${grouped(bytes)} bytes, ${fetched.fresh ? 'fetched' : 'already here'}`,
      `SHA-256 ${fetched.sha256}, ${pinned ? 'as pinned' : fetched.known ? 'as the first time' : 'remembered from now on'}`,
      `kept at ${fetched.path}`,
      ...(pinned ? [] : [`to pin it: ${pinOf(address, fetched)}`]),
    ].join('\n'),
  );
}

/** The address by which this very file is meant, and no other. */
function pinOf(address: Address, { sha256, commit }: Fetched): string {
  const hash = `#sha256=${sha256}`;
  if (address.kind === 'hub')
    return `${addressText(commit === undefined ? address : { ...address, revision: commit })}${hash}`;
  return address.kind === 'file' ? `file:${address.path}${hash}` : `${addressText(address)}${hash}`;
}

function factsOf(backbone: Backbone) {
  const { model: _, ...facts } = backbone;
  return { ...facts, parameters: parametersOf(backbone) };
}

function displayOf({ json }: Pick<Flags, 'json'>): Display {
  return displayFor({ mode: json === true ? 'json' : 'normal', stream: process.stdout });
}
