import { decideRows } from '../../evaluate/argmax.ts';
import { isDefined } from '../../evaluate/metric.ts';
import { decodeImage } from '../../image/decode.ts';
import type { Tensor } from '../../onnx/model.ts';
import type { EpochReport } from '../events.ts';
import type { PreparedData } from '../prepare.ts';
import { openEventFile } from './event-file.ts';
import { imageGrid } from './grid.ts';

/** Validation pictures shown after every epoch. */
const SHOWN = 12;

/** A run as TensorBoard shows it. The step is the epoch, counted over both phases. */
export interface Board {
  /**
   * @param weights every weight of the network
   * @param validation [validation rows × C], in the order of the data
   */
  epoch(
    step: number,
    report: EpochReport,
    weights: ReadonlyMap<string, Tensor>,
    validation: Float32Array,
  ): Promise<void>;
  close(): void;
}

/**
 * @param priors of the decision that labels the pictures; see `decideRows`
 * @param resumeAfter last epoch of an earlier part of the run, or 0; what was written after it is removed
 */
export function openBoard(
  folder: string,
  data: PreparedData,
  priors: readonly number[] | undefined,
  resumeAfter: number,
): Board {
  const file = openEventFile(folder, { resumeAfter });
  const rows = data.rows.filter((r) => r.split === 'val');
  const classes = data.labels.length;
  // Evenly over the validation set, so that all classes have a chance to be seen.
  const shown = Array.from({ length: Math.min(SHOWN, rows.length) }, (_, i) =>
    Math.floor((i * rows.length) / Math.min(SHOWN, rows.length)),
  );
  return {
    epoch: async (step, report, weights, validation) => {
      file.scalar('loss/train', report.trainLoss, step);
      file.scalar('loss/validation', report.valLoss, step);
      file.scalar('validation/accuracy', report.accuracy, step);
      file.scalar('validation/balanced_accuracy', report.balancedAccuracy, step);
      if (isDefined(report.auc)) file.scalar('validation/auc', report.auc, step);
      file.scalar('learning_rate', report.lr, step);
      for (const [name, tensor] of weights)
        if (tensor.dtype === 'float32') file.histogram(`weights/${name}`, tensor.data, step);
      const images = await Promise.all(shown.map((i) => decodeImage(rows[i]!.example.path)));
      const predicted = decideRows(validation, classes, priors);
      const captions = shown.map((i) => {
        const guess = predicted[i]!;
        const p = validation[i * classes + guess]!;
        return {
          text: `${rows[i]!.example.label} → ${data.labels[guess]} ${p.toFixed(2)}`,
          ok: guess === rows[i]!.target,
        };
      });
      const grid = await imageGrid(images, captions);
      file.image('validation/pictures', grid.png, grid.width, grid.height, step);
      file.flush();
    },
    close: () => file.close(),
  };
}
