import { existsSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Normalisation } from '../backbone/normalisation.ts';
import { isBackboneName } from '../backbone/rows.ts';
import { isAddress } from '../backbone/sources/address.ts';
import { UsageError } from '../core/errors.ts';
import { LINEAR, MLP } from '../model/head.ts';
import type { DeviceChoice } from '../onnx/device.ts';
import {
  type Config,
  overlay,
  type PartialConfig,
  type PresetName,
  parseConfig,
  presetConfig,
} from '../train/config.ts';
import { readYaml } from '../train/run-folder.ts';

/** Options of `nevus train` that decide what is trained. */
export interface TrainFlags {
  readonly backbone?: string;
  readonly features?: string;
  readonly normalisation?: Extract<Normalisation, string>;
  readonly size?: number;
  readonly cut?: string;
  readonly preset?: PresetName;
  readonly label?: string;
  readonly group?: string;
  readonly image?: string;
  readonly validationSource?: string;
  readonly seed?: number;
  readonly views?: number;
  readonly epochs?: number;
  readonly head?: Config['head']['kind'];
  readonly unfreeze?: Config['fineTune']['unfreeze'];
  readonly schedule?: Config['fineTune']['schedule'];
  readonly best?: Config['best'];
  readonly accumulate?: number;
  readonly ema?: number;
  readonly tta?: true;
  readonly threads?: number;
  readonly device?: DeviceChoice;
  readonly cacheLimit?: number;
  readonly allowBad?: true;
  readonly config?: string;
}

/**
 * The complete settings of a run: those of the preset (default `standard`), under those of the file, under those of the
 * command line. Paths become absolute, so that the run can be resumed and repeated from anywhere; in the file they are
 * relative to the file.
 *
 * @param data from the command line; default what the file says
 * @throws {UsageError} settings that do not fit, or no data
 */
export function settingsOf(data: string | undefined, flags: TrainFlags): Config {
  const preset = presetConfig(flags.preset ?? 'standard', NO_DATA);
  const base = flags.config === undefined ? preset : withFile(preset, flags.config);
  const named = data === undefined ? base.data : resolve(data);
  if (named === NO_DATA) {
    throw new UsageError(
      'cli/data',
      'train: expected a data set, got none',
      'nevus train DATA --out RUN, or data: in the file of --config. `nevus phantom OUT` draws one to try.',
    );
  }
  // With another backbone, what the file says of its own is no longer meant.
  const backbone = flags.backbone === undefined ? base.backbone : { name: absoluteBackbone(flags.backbone, '.') };
  return parseConfig(overlay({ ...base, data: named, backbone }, partialOf(base, flags)), 'command line');
}

/** Stands for the data where they are still to be named. */
const NO_DATA = '(no data)';

function withFile(preset: Config, path: string): Config {
  const config = parseConfig(overlay(preset, readYaml(path) ?? {}), path);
  const folder = dirname(path);
  return {
    ...config,
    data: config.data === NO_DATA ? NO_DATA : resolve(folder, config.data),
    backbone: { ...config.backbone, name: absoluteBackbone(config.backbone.name, folder) },
  };
}

function partialOf(base: Config, flags: TrainFlags): PartialConfig {
  const { features, normalisation, size, head } = flags;
  return {
    backbone: { features, normalisation, size },
    cut: flags.cut,
    columns: { label: flags.label, group: flags.group, image: flags.image },
    split: { validationSource: flags.validationSource },
    seed: flags.seed,
    views: flags.views,
    head: head === undefined || head === base.head.kind ? undefined : head === 'mlp' ? MLP : LINEAR,
    fineTune: {
      epochs: flags.epochs,
      unfreeze: flags.unfreeze,
      schedule: flags.schedule,
      accumulate: flags.accumulate,
      ema: flags.ema,
    },
    best: flags.best,
    tta: flags.tta,
    threads: flags.threads,
    device: flags.device,
    cacheLimit: flags.cacheLimit,
    allowBad: flags.allowBad,
  };
}

/** A name stays a name, an address an address; the path of a file becomes absolute. */
function absoluteBackbone(name: string, folder: string): string {
  if (isAddress(name)) return name.toLowerCase().startsWith('file:') ? fileIn(folder, name) : name;
  return isBackboneName(name) || !/[./\\]/.test(name) ? name : resolve(folder, name);
}

/** `file:` and a path in a folder, with the hash behind it. */
function fileIn(folder: string, address: string): string {
  const [, path = '', hash = ''] = /^file:([^#]*)(#.*)?$/i.exec(address) ?? [];
  return path.startsWith('//') ? address : `file:${resolve(folder, path)}${hash}`;
}

/** A fresh folder for a run on a data set: `runs/<name of the data>-<n>` with the first n that is free. */
export function freshRunFolder(data: string): string {
  const name = basename(data, extname(data));
  for (let n = 1; ; n++) {
    const folder = join('runs', `${name}-${n}`);
    if (!existsSync(folder)) return folder;
  }
}
