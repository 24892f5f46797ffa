/**
 * What may import what. The table is read from the bottom up: a folder may import only the folders in its row, and itself.
 * A new folder of src needs a row; an import that needs a longer row needs a reason in docs/architecture.md.
 */
const MAY_IMPORT = {
  core: [],
  image: ['core'],
  onnx: ['core'],
  dataset: ['image', 'core'],
  autodiff: ['optim', 'onnx', 'core'],
  optim: ['onnx', 'core'],
  backbone: ['onnx', 'core'],
  evaluate: ['dataset', 'core'],
  features: ['backbone', 'image', 'onnx', 'core'],
  model: ['features', 'evaluate', 'backbone', 'dataset', 'image', 'onnx', 'core'],
  train: ['model', 'features', 'evaluate', 'optim', 'autodiff', 'backbone', 'dataset', 'image', 'onnx', 'core'],
  report: ['train', 'model', 'evaluate', 'onnx', 'dataset', 'image', 'core'],
  cli: ['report', 'train', 'model', 'features', 'evaluate', 'autodiff', 'backbone', 'dataset', 'image', 'onnx', 'core'],
};

/** Packages that one place wraps, so that they can be replaced there. */
const WRAPPED = {
  'onnxruntime-node': '^src/onnx/runtime[.]ts$',
  'onnx-buf': '^src/onnx/(protobuf|data-types)[.]ts$',
  '@bufbuild/protobuf': '^src/onnx/protobuf[.]ts$',
  // The grid of captioned pictures draws text, which only sharp can.
  sharp: '^src/(image/|train/tensorboard/grid[.]ts$)',
  'csv-parse': '^src/(dataset/csv-text|evaluate/predictions)[.]ts$',
  h5wasm: '^src/backbone/importers/hdf5/',
  'pure-rand': '^src/core/rng[.]ts$',
  commander: '^src/cli/',
  picocolors: '^src/cli/',
};

const escaped = (text) => text.replace(/[/.@-]/g, (c) => (c === '-' ? c : `[${c}]`));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-missing-modules', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'every-folder-has-a-row',
      comment: 'Add the folder to MAY_IMPORT.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: `^src/(${Object.keys(MAY_IMPORT).join('|')})/` },
      to: {},
    },
    ...Object.entries(MAY_IMPORT).map(([folder, others]) => ({
      name: `${folder}-imports-downwards`,
      comment: `src/${folder} may import ${others.join(', ') || 'nothing else of src'}.`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: `^src/(${[folder, ...others].join('|')})/` },
    })),
    ...Object.entries(WRAPPED).map(([name, path]) => ({
      name: `${name.replace(/[@/]/g, '')}-is-wrapped`,
      comment: `Only ${path} imports ${name}.`,
      severity: 'error',
      from: { path: '^src/', pathNot: path },
      to: { path: `(^|/)node_modules/${escaped(name)}/` },
    })),
    {
      name: 'source-stands-alone',
      comment: 'What is shipped imports no tests, scripts or development dependencies.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|scripts|bench|examples)/' },
    },
    {
      name: 'no-development-dependencies',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    // Examples import the package as its users do, built.
    doNotFollow: { path: ['node_modules', '^dist/'] },
    // Imports of types count: a cycle of types is a cycle of ideas.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
