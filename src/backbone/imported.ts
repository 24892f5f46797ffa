/** Networks that the user imported: one file each in the cache folder, by name. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError, UsageError } from '../core/errors.ts';
import { cacheFolder, writeFileAtomic } from '../core/files.ts';
import { decodeModel, encodeModel } from '../onnx/protobuf.ts';
import { readRecord, withRecord } from './record.ts';
import type { Backbone } from './types.ts';

/** Names that no path and no address has. */
const NAME = /^[A-Za-z][\w-]{0,63}$/;

/** @throws {UsageError} what cannot be a name */
export function checkName(name: string): void {
  if (NAME.test(name) && name !== 'auto') return;
  throw new UsageError(
    'backbone/name',
    `name: expected a letter, then letters, digits, _ or -, got ${name}`,
    'Say another with --name.',
  );
}

/** Keeps a backbone under its name, in place of one imported before. @returns the file's path */
export function writeImported(backbone: Backbone): string {
  const path = importedPath(backbone.name);
  writeFileAtomic(path, encodeModel(withRecord(backbone)));
  return path;
}

/**
 * The backbone imported under a name, or undefined.
 *
 * @throws {ModelError} its file is damaged
 */
export function readImported(name: string): Backbone | undefined {
  if (!isImported(name)) return undefined;
  const path = importedPath(name);
  const backbone = readRecord(decodeModel(readFileSync(path), path), path);
  if (backbone === undefined)
    throw new ModelError(
      'backbone/imported',
      `${path}: expected an imported backbone, got another file`,
      `Import ${name} again, or delete the file.`,
    );
  return backbone;
}

export function isImported(name: string): boolean {
  return NAME.test(name) && existsSync(importedPath(name));
}

/** Names of all imported backbones, in order. */
export function importedNames(): string[] {
  const folder = join(cacheFolder(), 'backbones', 'imported');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((file) => /^(.+)\.onnx$/.exec(file)?.[1] ?? [])
    .filter((name) => NAME.test(name))
    .sort();
}

function importedPath(name: string): string {
  return join(cacheFolder(), 'backbones', 'imported', `${name}.onnx`);
}
