/** What a shipped model says of itself, and where in the file it says it. */
import { z } from 'zod';
import type { Backbone, InputSpec } from '../backbone/types.ts';
import { definedOnly } from '../core/defined-only.ts';
import { ModelError, messageOf } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';
import type { Taxonomy } from '../dataset/types.ts';
import type { HeadSpec } from './head.ts';
import { calibrationSchema, oodSchema, operatingPointSchema, qualitySchema, type Settled } from './settled.ts';

export const INTENDED_USE = 'research use only; not a medical device';

/** How the graph turns pixels into the network's input. For readers: the graph does it itself. */
export interface Preprocessing extends Pick<InputSpec, 'size' | 'channels' | 'scale' | 'offset'> {
  /** The whole image is squashed to a square of `size`. */
  readonly resize: 'squash';
  readonly interpolation: 'antialiased linear';
}

/** Facts about a model, kept in its file as metadata. No time of day: the same run gives the same bytes. */
export interface ModelCard extends Settled {
  readonly schemaVersion: 1;
  /** Class names in the order of the probabilities. */
  readonly labels: readonly string[];
  /** How the labels answer a coarser question. Default: none is asked. */
  readonly taxonomy?: Taxonomy | undefined;
  /**
   * [C], above 0: the label that is named is the one most probable relative to these; see `decideRows`. Default: the most
   * probable one.
   */
  readonly priors?: readonly number[] | undefined;
  readonly preprocessing: Preprocessing;
  readonly backbone: Pick<Backbone, 'name' | 'licence' | 'origin' | 'sha256'>;
  readonly head: HeadSpec;
  /** Name of the cut point: what lies behind it was trained. */
  readonly cut: string;
  /** SHA-256 of the data that it was trained on. */
  readonly trainingData: string;
  /** SHA-256 of the division into training, validation and test. */
  readonly splits: string;
  /** SHA-256 of the settings of the training. */
  readonly config: string;
  readonly seed: number;
  readonly nevusVersion: string;
  readonly intendedUse: string;
}

/** What the backbone does not say. */
export type TrainingFacts = Pick<
  ModelCard,
  'labels' | 'taxonomy' | 'priors' | 'head' | 'cut' | 'trainingData' | 'splits' | 'config' | 'seed' | keyof Settled
>;

/** The card of a model made from a backbone. */
export function modelCard(backbone: Backbone, facts: TrainingFacts): ModelCard {
  const { name, licence, origin, sha256 } = backbone;
  const { size, channels, scale, offset } = backbone.input;
  return {
    schemaVersion: 1,
    ...facts,
    preprocessing: { size, resize: 'squash', interpolation: 'antialiased linear', channels, scale, offset },
    backbone: { name, licence, origin, sha256 },
    nevusVersion: VERSION,
    intendedUse: INTENDED_USE,
  };
}

const triple = z.tuple([z.number(), z.number(), z.number()]);
const json = <T>(schema: z.ZodType<T>): z.ZodType<T> =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'expected JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Metadata keys of the fields, and the text of each. */
const metadataSchema = z.object({
  'nevus.schemaVersion': z.literal('1'),
  'nevus.labels': json(z.array(z.string()).min(2)),
  'nevus.taxonomy': json(
    z.object({ positive: z.string(), negative: z.string(), positiveLabels: z.array(z.string()) }),
  ).optional(),
  'nevus.priors': json(z.array(z.number().positive())).optional(),
  'nevus.calibration': json(calibrationSchema).optional(),
  'nevus.operatingPoint': json(operatingPointSchema).optional(),
  'nevus.ood': json(oodSchema).optional(),
  'nevus.quality': json(qualitySchema).optional(),
  'nevus.preprocessing': json(
    z.object({
      size: z.int().min(1),
      resize: z.literal('squash'),
      interpolation: z.literal('antialiased linear'),
      channels: z.enum(['RGB', 'BGR']),
      scale: triple,
      offset: triple,
    }),
  ),
  'nevus.backbone.name': z.string(),
  'nevus.backbone.licence': z.string(),
  'nevus.backbone.origin': z.string(),
  'nevus.backbone.sha256': z.string(),
  'nevus.head': json(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('linear') }),
      z.object({ kind: z.literal('mlp'), units: z.int().min(1), dropout: z.number(), slope: z.number() }),
    ]),
  ),
  'nevus.cut': z.string(),
  'nevus.trainingData.sha256': z.string(),
  'nevus.splits.sha256': z.string(),
  'nevus.config.sha256': z.string(),
  'nevus.seed': json(z.int()),
  'nevus.version': z.string(),
  'nevus.intendedUse': z.string(),
});

/** The card as ONNX metadata, in a fixed order. */
export function cardToMetadata(card: ModelCard): Readonly<Record<string, string>> {
  const { taxonomy, preprocessing: p, backbone, head } = card;
  return {
    'nevus.schemaVersion': '1',
    'nevus.labels': JSON.stringify(card.labels),
    ...(taxonomy === undefined
      ? {}
      : {
          'nevus.taxonomy': JSON.stringify({
            positive: taxonomy.positive,
            negative: taxonomy.negative,
            positiveLabels: taxonomy.positiveLabels,
          }),
        }),
    ...(card.priors === undefined ? {} : { 'nevus.priors': JSON.stringify(card.priors) }),
    ...(card.calibration === undefined ? {} : { 'nevus.calibration': JSON.stringify(card.calibration) }),
    ...(card.operatingPoint === undefined ? {} : { 'nevus.operatingPoint': JSON.stringify(card.operatingPoint) }),
    ...(card.ood === undefined ? {} : { 'nevus.ood': JSON.stringify(card.ood) }),
    ...(card.quality === undefined ? {} : { 'nevus.quality': JSON.stringify(card.quality) }),
    'nevus.preprocessing': JSON.stringify({
      size: p.size,
      resize: p.resize,
      interpolation: p.interpolation,
      channels: p.channels,
      scale: p.scale,
      offset: p.offset,
    }),
    'nevus.backbone.name': backbone.name,
    'nevus.backbone.licence': backbone.licence,
    'nevus.backbone.origin': backbone.origin,
    'nevus.backbone.sha256': backbone.sha256,
    'nevus.head': JSON.stringify(
      head.kind === 'linear'
        ? { kind: head.kind }
        : { kind: head.kind, units: head.units, dropout: head.dropout, slope: head.slope },
    ),
    'nevus.cut': card.cut,
    'nevus.trainingData.sha256': card.trainingData,
    'nevus.splits.sha256': card.splits,
    'nevus.config.sha256': card.config,
    'nevus.seed': String(card.seed),
    'nevus.version': card.nevusVersion,
    'nevus.intendedUse': card.intendedUse,
  };
}

/**
 * The card in a model's metadata.
 *
 * @param where how messages name the model
 * @throws {ModelError} if it is not there, or damaged
 */
export function cardFromMetadata(metadata: Readonly<Record<string, string>>, where: string): ModelCard {
  const result = metadataSchema.safeParse(metadata);
  if (!result.success) {
    const version = metadata['nevus.schemaVersion'];
    throw new ModelError(
      'model/card',
      version === undefined || version === '1'
        ? `${where}: expected the metadata of a model made by nevus, got ${issuesOf(result.error)}`
        : `${where}: expected a model card of version 1, got version ${version}`,
      version === undefined || version === '1'
        ? undefined
        : 'Use the version of nevus that made the model, or a newer one.',
    );
  }
  const m = result.data;
  return {
    schemaVersion: 1,
    labels: m['nevus.labels'],
    ...(m['nevus.taxonomy'] === undefined ? {} : { taxonomy: m['nevus.taxonomy'] }),
    ...definedOnly({
      priors: m['nevus.priors'],
      calibration: m['nevus.calibration'],
      operatingPoint: m['nevus.operatingPoint'],
      ood: m['nevus.ood'],
      quality: m['nevus.quality'],
    }),
    preprocessing: m['nevus.preprocessing'],
    backbone: {
      name: m['nevus.backbone.name'],
      licence: m['nevus.backbone.licence'],
      origin: m['nevus.backbone.origin'],
      sha256: m['nevus.backbone.sha256'],
    },
    head: m['nevus.head'],
    cut: m['nevus.cut'],
    trainingData: m['nevus.trainingData.sha256'],
    splits: m['nevus.splits.sha256'],
    config: m['nevus.config.sha256'],
    seed: m['nevus.seed'],
    nevusVersion: m['nevus.version'],
    intendedUse: m['nevus.intendedUse'],
  };
}

function issuesOf(error: z.ZodError): string {
  const [first] = error.issues;
  return first === undefined ? messageOf(error) : `${first.path.join('.')}: ${first.message}`;
}
