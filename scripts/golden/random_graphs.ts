/** Prints random graphs as JSON, for random_graphs.py: the seeds 0 to COUNT − 1. */
import { randomGraph } from '../../test/autodiff/random-graphs/generate.ts';

const count = Number(process.argv[2] ?? 100);
process.stdout.write(JSON.stringify(Array.from({ length: count }, (_, seed) => randomGraph(seed))));
