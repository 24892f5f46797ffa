/** A backbone as one ONNX file: what the graph does not say itself is in its metadata. */
import { z } from 'zod';
import { ModelError, messageOf } from '../core/errors.ts';
import type { Model } from '../onnx/model.ts';
import type { Backbone } from './types.ts';

const Triple = z.tuple([z.number(), z.number(), z.number()]);

const Input = z.object({
  name: z.string(),
  size: z.int().min(1),
  layout: z.enum(['NCHW', 'NHWC']),
  channels: z.enum(['RGB', 'BGR']),
  scale: Triple,
  offset: Triple,
});

const Record = z.object({
  schema: z.literal(1),
  name: z.string(),
  features: z.string(),
  cuts: z.array(z.object({ name: z.string(), tensor: z.string(), dims: z.array(z.int()) })),
  licence: z.string(),
  origin: z.string(),
  sha256: z.string(),
});

/** Metadata key of the preprocessing: the JSON of an `InputSpec`. */
export const INPUT_KEY = 'nevus.input';
/** Metadata key of the rest. */
export const BACKBONE_KEY = 'nevus.backbone';

/** The model with the backbone's description in its metadata. */
export function withRecord({ model, input, ...rest }: Backbone): Model {
  const metadata = {
    ...model.metadata,
    [INPUT_KEY]: JSON.stringify(input),
    [BACKBONE_KEY]: JSON.stringify({ schema: 1, ...rest }),
  };
  return { ...model, metadata };
}

/** The backbone that a model's metadata describe, or undefined where they are not there. @throws {ModelError} damaged ones */
export function readRecord(model: Model, where: string): Backbone | undefined {
  const record = parse(model, BACKBONE_KEY, Record, where);
  const input = inputRecord(model, where);
  if (record === undefined || input === undefined) return undefined;
  const { schema: _, ...rest } = record;
  return { ...rest, model, input };
}

/** The preprocessing that a model's metadata describe, or undefined. @throws {ModelError} damaged metadata */
export function inputRecord(model: Model, where: string): Backbone['input'] | undefined {
  return parse(model, INPUT_KEY, Input, where);
}

function parse<T extends z.ZodType>(model: Model, key: string, schema: T, where: string): z.output<T> | undefined {
  const text = model.metadata[key];
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new ModelError('backbone/metadata', `${where}: metadata ${key}: ${messageOf(error)}`, undefined, {
      cause: error,
    });
  }
}
