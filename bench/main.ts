import { benchNetworks, benchNetworksChild } from './networks.ts';
import { benchOod } from './ood.ts';
import { benchStep } from './step.ts';
import { benchTrunk } from './trunk.ts';

const [what, ...rest] = process.argv.slice(2);
if (what === 'trunk' && rest[0] !== undefined) await benchTrunk(rest[0], ...rest.slice(1));
else if (what === 'ood' && rest[0] !== undefined && rest[1] !== undefined)
  await benchOod(rest[0], rest[1], rest[2], rest[3]);
else if (what === 'step') await benchStep(...rest);
else if (what === 'networks') await benchNetworks(...rest);
else if (what === 'networks-child') await benchNetworksChild(rest[0]!, rest[1]!);
else
  console.log(
    [
      'npm run bench -- trunk DATA [backbone] [cut] [images]',
      'npm run bench -- step [backbone] [cut]',
      'npm run bench -- ood RUN DATA [images] [other objects]',
      'npm run bench -- networks [case …]',
    ].join('\n'),
  );
