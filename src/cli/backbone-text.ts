import { importedNames } from '../backbone/imported.ts';
import { type BackboneState, backboneState } from '../backbone/registry.ts';
import { BACKBONES, type BackboneRow } from '../backbone/rows.ts';
import type { Backbone } from '../backbone/types.ts';
import { sizeOf } from '../onnx/model.ts';
import { grouped } from './format.ts';
import { table } from './table.ts';

/** A row of the registry as programs see it. */
export interface ListedBackbone {
  readonly name: string;
  readonly state: BackboneState;
  /** It is one that the user imported, under a name of the registry or a new one. */
  readonly imported: boolean;
  readonly [fact: string]: unknown;
}

/** Every backbone known by name: those of the registry, then those that were imported under other names. */
export function listedBackbones(): ListedBackbone[] {
  const imported = new Set(importedNames());
  const rows: readonly (readonly [string, BackboneRow])[] = Object.entries(BACKBONES);
  const known = rows.map(([name, row]) => ({
    name,
    state: backboneState(name),
    imported: imported.delete(name),
    ...factsOf(row),
  }));
  const own = [...imported].map((name) => ({ name, state: 'ready' as const, imported: true }));
  return [...known, ...own];
}

function factsOf(row: BackboneRow) {
  const { title, millions, size, normalisation, features, dims, cuts, licence, origin } = row;
  const source = { kind: row.kind, ...row.source };
  return { title, source, millions, size, normalisation, features, dims, cuts, licence, origin };
}

export function listText(listed: readonly ListedBackbone[]): string {
  const rows: Readonly<Record<string, BackboneRow>> = BACKBONES;
  const cells = listed.map(({ name, state, imported }) => {
    const row = rows[name];
    const facts = row === undefined ? ['', '', ''] : [row.size, `${row.millions.toFixed(1)} M`, row.dims.join(' × ')];
    return [name, ...facts, stateText(state, imported, row)];
  });
  return [
    ...table(['name', 'pixels', 'parameters', 'features', 'weights'], cells),
    '',
    'nevus backbone info NAME shows cut points, licence and origin.',
    'An ONNX network or weights are a backbone too: give the path of a file, or hub:owner/name/file.onnx@revision.',
    'nevus backbone import NAME FILE keeps one under a name.',
  ].join('\n');
}

function stateText(state: BackboneState, imported: boolean, row: BackboneRow | undefined): string {
  if (state === 'ready') return imported ? 'ready, imported' : 'ready';
  if (row === undefined || row.kind === 'file') return 'need a file: nevus backbone import';
  const from = row.kind === 'npm' ? `npm package ${row.source.name}` : new URL(row.source.url).host;
  return `fetched on first use: ${row.source.megabytes} MB from ${from}`;
}

/** What is known of a row whose weights are not there. */
export function rowText(name: string, row: BackboneRow): string {
  return [
    `${name}: ${row.title}`,
    `weights: ${row.kind === 'file' ? `none shipped. nevus backbone import ${name} FILE, with ${row.source.files}` : stateText('fetch', false, row)}`,
    `licence: ${row.licence}`,
    `input: ${row.size} × ${row.size}`,
    `parameters: ${row.millions.toFixed(1)} M`,
    `features: ${row.features}, ${row.dims.join(' × ')}`,
    `cuts: ${row.cuts.join(', ')}`,
  ].join('\n');
}

/** Numbers in the network up to its features. */
export function parametersOf({ model }: Backbone): number {
  let count = 0;
  for (const { dtype, dims } of model.graph.initializers.values()) if (dtype === 'float32') count += sizeOf(dims);
  return count;
}

export function infoText(backbone: Backbone): string {
  const { name, input, cuts, features, licence, origin } = backbone;
  const rows = cuts.map(({ name: cut, tensor, dims }) => [
    tensor === features ? `${cut} (features)` : cut,
    dims.join(' × '),
    grouped(sizeOf(dims)),
  ]);
  return [
    `${name}: ${origin}`,
    `licence: ${licence}`,
    `input: ${input.size} × ${input.size}, ${input.channels}, ${input.layout}, u8 · [${input.scale.map(short).join(', ')}] + [${input.offset.map(short).join(', ')}]`,
    `parameters: ${grouped(parametersOf(backbone))}`,
    '',
    ...table(['cut', 'shape', 'values'], rows),
  ].join('\n');
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
