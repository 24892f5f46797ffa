/**
 * The whole of nevus in a few minutes: installs and builds what is missing, draws a data set of phantoms, trains a model
 * on it through both phases, tests it, and asks it about two pictures.
 *
 *     npm run demo                 on phantoms, in demo/phantoms
 *     npm run demo -- DATA         on your own images
 *
 * Every run has a folder of its own, demo/run-1, demo/run-2, …; what is installed, built, drawn and computed is kept.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NEVUS = join(ROOT, 'bin', 'nevus.js');
const BUILT = join(ROOT, 'dist', 'index.js');
// npm starts scripts in the project's folder; a path is meant from where the user is.
const FROM = process.env.INIT_CWD ?? process.cwd();

const began = performance.now();

/** Ends the demo as the command ended, which has said why. */
function run(command, args, { show = `${command} ${args.join(' ')}`, shell = false } = {}) {
  console.log(`\n$ ${show}`);
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', shell, env });
  if (error !== undefined) console.error(`error: ${command} cannot be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function nevus(...args) {
  run(process.execPath, [NEVUS, ...args], { show: `npx nevus ${args.join(' ')}` });
}

function npm(...args) {
  const path = process.env.npm_execpath;
  if (path?.endsWith('.js')) run(process.execPath, [path, ...args], { show: `npm ${args.join(' ')}` });
  else run('npm', args, { shell: process.platform === 'win32' });
}

function installed() {
  const lock = statSync(join(ROOT, 'node_modules', '.package-lock.json'), { throwIfNoEntry: false });
  return lock !== undefined && lock.mtimeMs >= statSync(join(ROOT, 'package-lock.json')).mtimeMs;
}

function isBuilt() {
  const built = statSync(BUILT, { throwIfNoEntry: false });
  if (built === undefined) return false;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return sources.every((name) => statSync(join(ROOT, 'src', name)).mtimeMs < built.mtimeMs);
}

/** The first of demo/run-1, demo/run-2, … that is free. */
function freshRun() {
  for (let n = 1; ; n++) {
    const folder = join('demo', `run-${n}`);
    if (!existsSync(join(ROOT, folder))) return folder;
    if (!existsSync(join(ROOT, folder, 'model.onnx'))) {
      console.log(`\n${folder} was not finished. To go on with it: npx nevus train --resume ${folder}`);
    }
  }
}

/** Two pictures of the test split, which the model has not been trained on. */
function testImages(runFolder, data) {
  const lines = readFileSync(join(ROOT, runFolder, 'splits.csv'), 'utf8')
    .trim()
    .split(/\r?\n/);
  const root = statSync(resolve(ROOT, data)).isDirectory() ? data : join(data, '..');
  // Names with quotes or commas are left to the readers of CSV.
  const rows = lines.slice(1).filter((line) => line.endsWith(',test') && !line.includes('"'));
  return rows.slice(0, 2).map((line) => join(root, line.split(',')[1]));
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`error: nevus needs Node 20 or newer, this is ${process.version}`);
  process.exit(1);
}
const [given, ...rest] = process.argv.slice(2);
if (rest.length > 0 || given?.startsWith('-')) {
  console.error('usage: npm run demo [-- DATA]');
  process.exit(2);
}
if (!installed()) npm('ci');
if (!isBuilt()) npm('run', 'build');

let data;
if (given === undefined) {
  data = join('demo', 'phantoms');
  nevus('phantom', data, '--count', '400', '--seed', '1');
} else {
  const path = resolve(FROM, given);
  data = relative(ROOT, path).startsWith('..') ? path : relative(ROOT, path);
}
const out = freshRun();
nevus('train', data, '--out', out, '--preset', 'quick', '--seed', '1');
const hasTest = existsSync(join(ROOT, out, 'test'));
if (hasTest) {
  nevus('evaluate', out, data, '--split', 'test');
  const images = testImages(out, data);
  if (images.length > 0) nevus('predict', out, ...images);
}

const seconds = Math.round((performance.now() - began) / 1000);
console.log(`
Done in ${Math.floor(seconds / 60)} min ${seconds % 60} s.

  model      ${join(out, 'model.onnx')}
  results    ${join(out, hasTest ? 'test' : 'validation')}: predictions.csv, metrics.json
  the data   ${data}

Try next:
  npx nevus predict ${out} IMAGE…
  npx nevus train ${data} --preset standard      (a larger network, and longer)${
    given === undefined
      ? '\n  npm run demo -- FOLDER                         (your own images, a folder for each class)'
      : ''
  }`);
