import { judged, type RunFacts } from '../facts.ts';
import { count, decimal, percent } from '../format.ts';

/** One item of a reporting checklist, in few words; the published text is what counts. */
export interface ChecklistItem {
  readonly item: string;
  readonly topic: string;
  /** What the run says to it; undefined: only the authors can. */
  readonly answer?: ((answers: Answers) => Answer | undefined) | undefined;
}

export interface Answer {
  readonly text: string;
  /** Section of the page that has the whole of it, if it is there. */
  readonly see?: string | undefined;
}

export interface Checklist {
  readonly name: string;
  readonly source: string;
  readonly link: string;
  readonly items: readonly ChecklistItem[];
}

/** What the run can answer, once for all lists. */
export type Answers = ReturnType<typeof answersOf>;

export function answersOf(facts: RunFacts) {
  const { config, log, model, splits, test } = facts;
  const { metrics, question } = judged(facts);
  const { malignant: m } = metrics;
  const partition = test === undefined ? 'validation' : 'test';
  const n = (split: string): string => count(splits.filter((row) => row.split === split).length);
  const say = (text: string, see?: string): Answer => ({ text, see });
  return {
    data: say(`${log.data?.format ?? 'the data'}: ${count(splits.length)} images, identified by hash`, 'data'),
    excluded: say(`${count(log.data?.problems ?? 0)} rows or files left out`, 'data'),
    flow: say('inclusion flow from the data as received; what happened before is for their publishers', 'data'),
    labels: say('by class, as far as the data say it', 'data'),
    demographics: say('age, sex and site by partition, as far as the data say it', 'data'),
    sizes: say(`training ${n('train')}, validation ${n('val')}, test ${n('test')} images`, 'data'),
    partition: say(`stable hashing, stratified by class, seed ${config.seed}`, 'data'),
    disjoint: say('looked at again for this page', 'data'),
    preprocessing:
      model === undefined
        ? undefined
        : say(
            `inside the model file: squashed to ${model.card.preprocessing.size} pixels, scaled by channel`,
            'configuration',
          ),
    missing: say(
      'images without label or without readable file are left out; attributes are not imputed, for none is used',
      'data',
    ),
    model: say(
      `${config.backbone.name.split(/[\\/]/).at(-1) ?? ''}, ${config.head.kind} head, output ${metrics.labels.length} probabilities`,
      'configuration',
    ),
    initial:
      model === undefined
        ? undefined
        : say(`weights of ${model.card.backbone.origin}; new head random, seed ${config.seed}`, 'configuration'),
    software: model === undefined ? undefined : say(`nevus ${model.card.nevusVersion}`, 'configuration'),
    training: say('optimizer, rates, epochs, augmentation, class weights: all settings listed', 'configuration'),
    selection: say(config.best === 'last' ? 'last epoch' : `epoch with the best validation ${config.best}`, 'training'),
    imbalance: say(`class weights: ${String(config.classWeights)}; figures by class`, 'classes'),
    metrics: say('AUC, sensitivity, specificity, precision, balanced accuracy, calibration', 'classes'),
    intervals: say(
      '95 %, by lesion or patient where images share one: Wilson for proportions, DeLong or bootstrap for the AUC',
    ),
    performance: say(
      `${partition}: balanced accuracy ${percent(metrics.balancedAccuracy)}${m === undefined ? '' : `, AUC ${decimal(m.auc)}`}`,
      'roc',
    ),
    crossTable: say('2 × 2 table and matrix of all classes', 'confusion'),
    threshold: m === undefined ? undefined : say(`${decimal(m.threshold)}`, 'operating-points'),
    failures: say('most confident errors with pictures', 'failures'),
    limits: say('warnings at the head of this page; the authors’ own to be added'),
    use: say('research use only; not a medical device'),
    output: say(
      question === undefined
        ? 'a probability for each class'
        : `a probability for each class, and of ${question.name} as their sum`,
      'configuration',
    ),
    external: undefined,
    fairness: say('figures by subgroup where the data name attributes', 'subgroups'),
    weights:
      model === undefined ? undefined : say(`model.onnx, SHA-256 ${model.sha256.slice(0, 12)}…`, 'configuration'),
    calibration: say('observed against predicted', 'calibration'),
    utility: say('net benefit against threshold', 'decision-curve'),
  };
}
