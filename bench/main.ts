import { benchNetworks, benchNetworksChild } from './networks.ts';
import { benchStep } from './step.ts';
import { benchTrunk } from './trunk.ts';

const [what, ...rest] = process.argv.slice(2);
if (what === 'trunk' && rest[0] !== undefined) await benchTrunk(rest[0], ...rest.slice(1));
else if (what === 'step') await benchStep(...rest);
else if (what === 'networks') await benchNetworks(...rest);
else if (what === 'networks-child') await benchNetworksChild(rest[0]!, rest[1]!);
else
  console.log(
    [
      'npm run bench -- trunk DATA [backbone] [cut] [images]',
      'npm run bench -- step [backbone] [cut]',
      'npm run bench -- networks [case …]',
    ].join('\n'),
  );
