import type { FeatureStore } from '../features/store.ts';
import { tensorOver } from '../onnx/data-types.ts';
import type { Tensor } from '../onnx/model.ts';

/** Where the stored features of some rows and views are, and how they are laid out. */
export interface StoredRows {
  readonly store: FeatureStore;
  readonly dtype: 'float16' | 'float32';
  /** Shape of one record. */
  readonly dims: readonly number[];
  /** Place in the store per row and view: `places[row][view]`. */
  readonly places: readonly (readonly number[])[];
}

/** A view of a row. */
export interface RowView {
  readonly row: number;
  readonly view: number;
}

/** Reads the features of a batch, [B, …dims]. */
export function readBatch({ store, dtype, dims, places }: StoredRows, batch: readonly RowView[]): Tensor {
  const bytes = new Uint8Array(batch.length * store.recordBytes);
  batch.forEach(({ row, view }, i) => {
    store.read(places[row]![view]!, bytes.subarray(i * store.recordBytes, (i + 1) * store.recordBytes));
  });
  return tensorOver(dtype, bytes.buffer, [batch.length, ...dims]);
}

/** A batch of stored features, and which of its rows count. */
export interface StoredBatch {
  /** [B, …dims] */
  readonly features: Tensor;
  /** Place of its first view among all. */
  readonly start: number;
  /** Views in it; the rows after them only fill it up. */
  readonly count: number;
}

/** Views in batches of one size, for graphs that have their batch built in: a short last one repeats its first view. */
export function* fullBatches(stored: StoredRows, views: readonly RowView[], batch: number): Generator<StoredBatch> {
  for (let start = 0; start < views.length; start += batch) {
    const part = views.slice(start, start + batch);
    const filling = Array.from({ length: batch - part.length }, () => part[0]!);
    yield { features: readBatch(stored, [...part, ...filling]), start, count: part.length };
  }
}
