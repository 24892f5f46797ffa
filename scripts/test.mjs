/**
 * Every check of the project, in one command: lint, build, types, structure, then all tests. A check that fails does not
 * keep the others from running. The last line says how many passed, failed and were skipped.
 *
 * Arguments go to vitest: `npm test -- test/dataset` runs the checks and these tests only.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['src', 'test', 'scripts', 'examples', 'bench', 'bin'];

const count = { passed: 0, failed: 0, skipped: 0 };

/** Runs a command to its end. With `show`, its output goes to the terminal as it comes, else it is returned. */
function run(command, args, { show = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    const parts = [];
    child.stdout?.on('data', (part) => parts.push(part));
    child.stderr?.on('data', (part) => parts.push(part));
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code, signal) =>
      resolve({
        code: code ?? 1,
        output: Buffer.concat(parts).toString() + (signal === null ? '' : `killed: ${signal}`),
      }),
    );
  });
}

/** Runs a command-line program of an installed package. */
function tool(name, args, options) {
  const [pack, program = pack.split('/').at(-1)] = name.split(':');
  let path;
  try {
    path = programOf(pack, program);
  } catch (error) {
    return Promise.resolve({ code: 1, output: `${pack} is not installed: ${error.message}` });
  }
  return run(process.execPath, [path, ...args], options);
}

function programOf(pack, program) {
  const manifest = join(ROOT, 'node_modules', pack, 'package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(dirname(manifest), typeof bin === 'string' ? bin : bin[program]);
}

function npm(args, env) {
  const path = process.env.npm_execpath;
  return path?.endsWith('.js')
    ? run(process.execPath, [path, ...args], { show: true, env })
    : run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { show: true, env });
}

/** One check: its commands run one after the other, all of them; the output of those that fail is printed. */
async function check(name, commands) {
  const began = performance.now();
  const failures = [];
  for (const command of commands) {
    const { code, output } = await command();
    if (code !== 0) failures.push(output.trim());
  }
  const seconds = `${((performance.now() - began) / 1000).toFixed(1)} s`;
  console.log(`${failures.length === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${seconds}`);
  for (const output of failures) console.log(`\n${output}\n`);
  count[failures.length === 0 ? 'passed' : 'failed'] += 1;
  return failures.length === 0;
}

/** Whether what is installed is not what the lock file says. */
function installIsStale() {
  const installed = join(ROOT, 'node_modules', '.package-lock.json');
  return !existsSync(installed) || statSync(installed).mtimeMs < statSync(join(ROOT, 'package-lock.json')).mtimeMs;
}

async function install() {
  console.log('installing dependencies');
  // The package of onnxruntime holds the CPU library; its install script would fetch others.
  const { code } = await npm(['ci', '--no-audit', '--no-fund'], { ONNXRUNTIME_NODE_INSTALL: 'skip' });
  if (code === 0) return;
  console.log('FAILED  install: npm ci did not succeed');
  count.failed += 1;
}

async function tests() {
  const folder = mkdtempSync(join(tmpdir(), 'nevus-test-'));
  const path = join(folder, 'results.json');
  try {
    const { code, output } = await tool(
      'vitest',
      ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${path}`, ...process.argv.slice(2)],
      { show: true },
    );
    if (output !== '') console.log(output);
    if (!existsSync(path)) {
      console.log('FAILED  tests: vitest ended without a result');
      count.failed += 1;
      return;
    }
    addResults(JSON.parse(readFileSync(path, 'utf8')), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function addResults(results, code) {
  let failed = 0;
  const skipped = [];
  for (const file of results.testResults) {
    const name = relative(ROOT, file.name).split(sep).join('/');
    const failures = file.assertionResults.filter((test) => test.status === 'failed').length;
    // A file that cannot be loaded has no tests to count.
    failed += failures === 0 && file.status === 'failed' ? 1 : failures;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') count.passed += 1;
      else if (test.status !== 'failed') skipped.push({ name, file: file.name, test });
    }
  }
  // An error outside all tests, such as a rejection nobody handled: vitest has printed it.
  if (failed === 0 && code !== 0) failed = 1;
  count.failed += failed;
  count.skipped += skipped.length;
  if (skipped.length > 0) console.log(`skipped (${skipped.length}):`);
  for (const { name, file, test } of skipped) console.log(`  ${name} › ${test.fullName}: ${reasonOf(file, test)}`);
}

/** The condition under which a test is skipped, as its file states it. */
function reasonOf(file, { title, ancestorTitles, status }) {
  if (status === 'todo') return 'still to be written';
  const source = readFileSync(file, 'utf8');
  for (const name of [title, ...ancestorTitles]) {
    const at = source.search(new RegExp(`skipIf\\(.*\\)\\(\\s*[\`'"]${escaped(name)}`));
    if (at < 0) continue;
    const condition = source.slice(at + 'skipIf('.length).split(/\)\(\s*[`'"]/, 1)[0];
    const [constant] = /[A-Za-z_]\w*/.exec(condition.replace(/^!?existsSync\(/, '')) ?? [];
    const definition = new RegExp(`const ${constant}\\b[^=]*=\\s*([^;]+);`).exec(source)?.[1];
    const shared =
      /shared\.ts'/.test(source) && !existsSync(join(ROOT, '..', 'shared')) ? '; there is no ../shared' : '';
    return `skipped if ${condition}${definition === undefined ? '' : ` (${constant} = ${oneLine(definition)})`}${shared}`;
  }
  return 'skipped by its file';
}

const oneLine = (text) => text.replace(/\s+/g, ' ').slice(0, 120);
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const present = SOURCES.filter((folder) => existsSync(join(ROOT, folder)));
if (installIsStale()) await install();
await check('lint', [() => tool('@biomejs/biome', ['check', '--error-on-warnings', '.'])]);
// Examples are checked against what was built.
await check('build', [() => tool('typescript:tsc', ['-p', 'tsconfig.build.json'])]);
await check('types', [() => tool('typescript:tsc', ['-p', 'tsconfig.json', '--noEmit'])]);
await check('structure', [
  () => tool('dependency-cruiser:depcruise', ['--config', '.dependency-cruiser.cjs', ...present]),
  () => tool('knip', ['--no-progress']),
]);
await tests();

console.log('');
const { passed, failed, skipped } = count;
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
process.exitCode = failed === 0 ? 0 : 1;
