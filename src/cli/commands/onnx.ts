import { extname } from 'node:path';
import type { Command } from 'commander';
import { ADAM, ADAMW, differentiate, type OptimizerSpec, SGD, trainingStep } from '../../autodiff/index.ts';
import { definedOnly } from '../../core/defined-only.ts';
import { UsageError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import type { Model, ValueInfo } from '../../onnx/model.ts';
import { encodeModel, readModel } from '../../onnx/protobuf.ts';
import { choice } from '../choice.ts';
import { displayFor } from '../display.ts';
import { grouped } from '../format.ts';
import { decimal, integer } from '../numbers.ts';
import { table } from '../table.ts';

interface ShapeFlags {
  readonly batch?: number;
  readonly shape?: Readonly<Record<string, readonly number[]>>;
  readonly out: string;
  readonly json?: boolean;
}

interface GradFlags extends ShapeFlags {
  readonly loss: string;
  readonly wrt: readonly string[];
  readonly keep?: readonly string[];
}

interface StepFlags extends ShapeFlags {
  readonly loss: string;
  readonly train?: readonly string[];
  readonly optimizer: OptimizerSpec['kind'];
  readonly momentum?: number;
  readonly nesterov?: true;
  readonly weightDecay?: number;
  readonly clip?: number;
  readonly accumulate?: number;
  readonly ema?: number;
}

export function addOnnxCommand(program: Command): void {
  const onnx = program.command('onnx').description('gradients and training steps of any ONNX network');
  const shared = (command: Command): Command =>
    command
      .argument('<model>', 'an ONNX file, operator set 13 or newer')
      .requiredOption('--loss <output>', 'output of one element')
      .requiredOption('-o, --out <file>', 'file to write')
      .option('--batch <n>', 'first size of inputs that leave it free (default: it stays free)', integer)
      .option('--shape <input=AxBxC>', 'whole shape of an input; may be repeated', shapes)
      .option('--json', 'one JSON object a line');
  shared(onnx.command('grad'))
    .description('a network that computes gradients too: an output grad:NAME for every NAME asked')
    .requiredOption('--wrt <names>', 'weights and inputs, with commas between them; all-weights; all-inputs', names)
    .option('--keep <names>', "outputs to keep (default: all; '' for none)", names)
    .action(gradients);
  shared(onnx.command('step'))
    .description('a network that makes a training step: weights and states go in and come out')
    .option('--train <names>', 'weights that move, with commas between them (default: all)', names)
    .addOption(
      choice('--optimizer <kind>', 'how they move', [
        'sgd',
        'adam',
        'adamw',
      ] satisfies OptimizerSpec['kind'][]).makeOptionMandatory(),
    )
    .option('--momentum <x>', 'of sgd (default: 0.9)', decimal)
    .option('--nesterov', "Nesterov's momentum")
    .option('--weight-decay <x>', 'default: 0, of adamw 0.01', decimal)
    .option('--clip <norm>', 'upper bound of the norm of all gradients', decimal)
    .option('--accumulate <n>', 'micro-steps of an update: writes a second network, for all but the last', integer)
    .option('--ema <decay>', 'of a moving average of the weights', decimal)
    .action(step);
}

function gradients(path: string, flags: GradFlags): void {
  const { loss, keep, batch, shape: inputShapes, out } = flags;
  const [wrt] = flags.wrt;
  const all = flags.wrt.length === 1 && (wrt === 'all-weights' || wrt === 'all-inputs') ? wrt : undefined;
  const model = differentiate(readModel(path), {
    loss,
    wrt: all ?? flags.wrt,
    ...definedOnly({ keep, batch, inputShapes }),
  });
  write(model, out, flags, {});
}

function step(path: string, flags: StepFlags): void {
  const { loss, batch, shape: inputShapes, out, accumulate, ema, clip: clipNorm } = flags;
  const made = trainingStep(readModel(path), {
    loss,
    optimizer: optimizerOf(flags),
    trainable: flags.train ?? 'all-weights',
    ...definedOnly({ batch, inputShapes, accumulate, ema, clipNorm }),
  });
  const { model, accumulateModel, start: _, ...description } = made;
  const beside = (suffix: string): string => out.slice(0, out.length - extname(out).length) + suffix;
  const accumulatePath = accumulateModel === undefined ? undefined : beside('-accumulate.onnx');
  if (accumulateModel !== undefined && accumulatePath !== undefined)
    writeFileAtomic(accumulatePath, encodeModel(accumulateModel));
  writeFileAtomic(beside('.json'), `${JSON.stringify(description, null, 2)}\n`);
  write(model, out, flags, definedOnly({ description: beside('.json'), accumulate: accumulatePath }));
}

function optimizerOf({ optimizer, momentum, nesterov, weightDecay }: StepFlags): OptimizerSpec {
  if (optimizer !== 'sgd' && (momentum !== undefined || nesterov === true))
    throw new UsageError('cli/optimizer', `--momentum, --nesterov: expected with --optimizer sgd, got ${optimizer}`);
  const decay = weightDecay === undefined ? {} : { weightDecay };
  if (optimizer !== 'sgd') return { ...(optimizer === 'adam' ? ADAM : ADAMW), ...decay };
  return {
    kind: 'sgd',
    momentum: momentum ?? 0.9,
    nesterov: nesterov === true,
    weightDecay: weightDecay ?? SGD.weightDecay,
  };
}

function write(model: Model, out: string, { json }: ShapeFlags, others: Readonly<Record<string, string>>): void {
  const bytes = encodeModel(model);
  writeFileAtomic(out, bytes);
  const { inputs, outputs, nodes } = model.graph;
  const rows = (kind: string, values: readonly ValueInfo[]): string[][] =>
    values.map(({ name, dtype, dims }) => [kind, name, dtype, `[${dims.join(', ')}]`]);
  displayFor({ mode: json === true ? 'json' : 'normal', stream: process.stdout }).result(
    'onnx',
    { model: out, ...others, bytes: bytes.byteLength, opset: model.opset, nodes: nodes.length, inputs, outputs },
    [
      ...table(['', 'name', 'type', 'shape'], [...rows('in', inputs), ...rows('out', outputs)]),
      '',
      [out, ...Object.values(others)].join(', '),
      `operator set ${model.opset}, ${grouped(nodes.length)} nodes, ${grouped(bytes.byteLength)} bytes`,
    ].join('\n'),
  );
}

/** Names with commas between them; repeated options add up. */
function names(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').filter((name) => name !== '')];
}

/** `input=1x3x224x224`. */
function shapes(
  text: string,
  before: Readonly<Record<string, readonly number[]>> = {},
): Readonly<Record<string, readonly number[]>> {
  const [, name, sizes] = /^(.+)=(\d+(?:x\d+)*)$/.exec(text) ?? [];
  if (name === undefined || sizes === undefined)
    throw new UsageError('cli/shape', `--shape: expected an input and its sizes, such as x=1x3x224x224, got ${text}`);
  return { ...before, [name]: sizes.split('x').map(Number) };
}
