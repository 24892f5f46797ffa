import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { messageOf, UsageError } from '../core/errors.ts';
import { diskError, makeFolder, writeFileAtomic } from '../core/files.ts';
import { type Config, parseConfig } from './config.ts';

/** Where everything of a run lies. */
export interface RunFolder {
  readonly root: string;
  readonly config: string;
  readonly splits: string;
  readonly log: string;
  readonly tensorboard: string;
  readonly checkpoint: string;
  readonly model: string;
  readonly validation: string;
  readonly test: string;
}

export function runFolder(root: string): RunFolder {
  const at = (name: string): string => join(root, name);
  return {
    root,
    config: at('config.yaml'),
    splits: at('splits.csv'),
    log: at('log.jsonl'),
    tensorboard: at('tensorboard'),
    checkpoint: at('checkpoint'),
    model: at('model.onnx'),
    validation: at('validation'),
    test: at('test'),
  };
}

/**
 * Starts a run folder with its complete configuration.
 *
 * @throws {UsageError} the folder exists and is not empty
 * @throws {EnvironmentError} it cannot be written
 */
export function startRun(root: string, config: Config): RunFolder {
  const folder = runFolder(root);
  try {
    if (existsSync(root) && readdirSync(root).length > 0) {
      throw new UsageError(
        'run/exists',
        `${root}: expected a new or empty folder, got one that holds ${existsSync(folder.config) ? 'a run' : 'files'}`,
        existsSync(folder.config)
          ? `Go on with it: nevus train --resume ${root}. Or choose another --out.`
          : 'Choose another --out.',
      );
    }
    makeFolder(root);
  } catch (error) {
    throw diskError(root, error);
  }
  writeFileAtomic(folder.config, configText(config));
  return folder;
}

/** Takes away what a run wrote before its first epoch, and the folder if nothing else is in it. */
export function abandonRun({ root, config, splits, log, tensorboard, checkpoint }: RunFolder): void {
  for (const path of [config, splits, log, tensorboard, checkpoint]) rmSync(path, { recursive: true, force: true });
  if (readdirSync(root).length === 0) rmdirSync(root);
}

/**
 * Opens the folder of a run that was started before.
 *
 * @throws {UsageError} no run there, or its configuration was damaged
 */
export function openRun(root: string): { readonly folder: RunFolder; readonly config: Config } {
  const folder = runFolder(root);
  if (!existsSync(folder.config)) {
    throw new UsageError(
      'run/missing',
      `${root}: expected a run to resume, got no config.yaml`,
      'Start one: nevus train DATA --out RUN.',
    );
  }
  return { folder, config: readConfig(folder.config) };
}

/** Reads a complete configuration. @throws {UsageError} unreadable, or settings that do not fit */
export function readConfig(path: string): Config {
  return parseConfig(readYaml(path), path);
}

/** Reads any YAML file. @throws {UsageError} unreadable or not YAML */
export function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError('config/read', `${path}: cannot be read: ${messageOf(error)}`);
  }
}

/** A configuration as it stands in `config.yaml`. */
export function configText(config: Config): string {
  return `# Everything that decides what this run does. Run it again: nevus train --config THIS --out NEW\n${stringify(config)}`;
}
