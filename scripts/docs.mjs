/**
 * Writes the parts of the documentation that the code itself knows: the supported operators and the licences of what is
 * installed with nevus.
 *
 *     node scripts/docs.mjs            writes them
 *     node scripts/docs.mjs --check    says which are out of date, and ends with 1 if any is
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('..', import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), 'utf8');

const RULES = 'src/autodiff/rules/';

/** Operators of the rule table, each with the comment of its rule. */
function gradientRules() {
  const table = read(`${RULES}table.ts`);
  const [, body] = /export const RULES = \{([^}]*)\}/.exec(table);
  return [...body.matchAll(/\w+/g)].map(([name]) => ({ name, ...commentOf(name, fileOf(table, name)) }));
}

function fileOf(table, name) {
  return new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from '\\./(.*)'`).exec(table)[1];
}

function commentOf(name, file) {
  const source = read(RULES + file);
  const [, original, from] = new RegExp(`export \\{ (\\w+) as ${name} \\} from '\\./(.*)'`).exec(source) ?? [];
  if (original !== undefined) return { ...commentOf(original, from), as: original };
  const before = source.slice(0, source.search(new RegExp(`^export const ${name}: Rule`, 'm')));
  // Of a file with several rules, the first has the comment.
  const comment = before.slice(before.lastIndexOf('/**'), before.lastIndexOf('*/'));
  if (comment === '') throw new Error(`${file}: expected a comment that says what the gradient of ${name} is`);
  return { file, text: formula(comment) };
}

/** The formula: paragraphs as far as the one that gives a gradient, without tags. */
function formula(comment) {
  const lines = comment.split('\n').map((line) => line.replace(/^\s*(\/\*\*|\*)\s?/, '').trim());
  const paragraphs = lines.join('\n').trim().split(/\n@/)[0].split(/\n\n/);
  const last = paragraphs.findIndex((text) => /\bd[A-ZXγ]|gradient/.test(text));
  return paragraphs
    .slice(0, last + 1)
    .join(' ')
    .replaceAll('\n', ' ')
    .trim();
}

function kerasLayers() {
  const [, body] = /Object\.entries\(\{([^}]*)\}\)/.exec(read('src/backbone/importers/keras/layers.ts'));
  return [...body.matchAll(/(\w+):/g)].map(([, name]) => name);
}

function supportedOperators() {
  const rules = gradientRules();
  const cell = (text) => text.replaceAll('|', '\\|');
  const row = ({ name, file, text, as }) =>
    `| \`${name}\` | ${as === undefined ? '' : `as \`${as}\`: `}${cell(text)} | [${file}](../${RULES}${file}) |`;
  return `# Supported operators

Made by \`node scripts/docs.mjs\` from the tables in the source; do not edit it by hand.

## Gradients

What may stand behind the cut, where weights are trained: ${rules.length} operators of \`ai.onnx\`, in float32. \`dX\` is
∂loss/∂X. An operator without a rule is an error that names it and its node. Every rule is checked
against finite differences, and a rule without such a check fails the tests.

Before the cut, nothing is differentiated: there, any operator of \`ai.onnx\` that onnxruntime runs may stand. Files need operator
set 13 or newer.

| operator | gradient | source |
| --- | --- | --- |
${rules.map(row).join('\n')}

\`Conv\` has no fixed form: its two gradients are lowered to the form that is fast for the shape and the machine, see
[architecture.md](architecture.md#how-a-step-graph-is-made).

## Layers of Keras

Networks saved as TensorFlow.js layers models are converted to ONNX. Layers that can be converted:

${kerasLayers()
  .map((name) => `\`${name}\``)
  .join(', ')}.
`;
}

const TABLE = ['<!-- table made by scripts/docs.mjs -->', '<!-- end of table -->'];

/** The notices with a new table of packages. */
function notices() {
  const text = read('THIRD_PARTY_NOTICES.md');
  const [from, to] = [text.indexOf(TABLE[0]) + TABLE[0].length, text.indexOf(TABLE[1])];
  return `${text.slice(0, from)}\n\n${packages()}\n\n${text.slice(to)}`;
}

/** Licences of packages that only point to a file. */
const LICENCES = { h5wasm: 'NIST software notice; its HDF5 library: BSD-3-Clause' };

/** Packages that are installed with nevus, on any platform, as the lock file has them. */
function packages() {
  const { packages } = JSON.parse(read('package-lock.json'));
  const direct = new Set(Object.keys(packages[''].dependencies));
  const rows = new Map();
  for (const [path, { version, license: said, dev, optional }] of Object.entries(packages)) {
    if (path === '' || dev === true) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const license = LICENCES[name] ?? said;
    // One build of the image library for each platform: a row for all that share a licence.
    const family = /^@img\/sharp-(libvips-)?/.exec(name);
    const shown = family === null ? name : `${family[0]}*`;
    const use = direct.has(name) ? 'direct' : optional === true ? 'by platform' : 'indirect';
    rows.set(`${shown} ${license}`, `| ${shown} | ${version} | ${license} | ${use} |`);
  }
  return ['| package | version | licence | use |', '| --- | --- | --- | --- |', ...rows.values()].join('\n');
}

const FILES = { 'docs/supported-operators.md': supportedOperators, 'THIRD_PARTY_NOTICES.md': notices };
const check = process.argv.includes('--check');
for (const [path, make] of Object.entries(FILES)) {
  const text = make();
  const file = fileURLToPath(new URL(path, ROOT));
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  if (check) {
    console.error(`${path} is out of date. Run: node scripts/docs.mjs`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
    console.log(`wrote ${path}`);
  }
}
