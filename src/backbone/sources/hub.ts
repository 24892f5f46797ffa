/** Files in repositories of the Hugging Face hub, or of a mirror that `HF_ENDPOINT` names. */
import { UsageError } from '../../core/errors.ts';
import { isLoopback } from '../../core/http/loopback.ts';
import type { Advice } from '../../core/http/refusal.ts';
import type { HubAddress } from './address.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const PUBLIC_ENDPOINT = 'https://huggingface.co';

/** @throws {UsageError} an `HF_ENDPOINT` that is no URL */
export function hubUrl({ repository, revision, path }: HubAddress, environment: Environment = process.env): URL {
  const endpoint = environment.HF_ENDPOINT || PUBLIC_ENDPOINT;
  if (!/^https?:/i.test(endpoint) || !URL.canParse(endpoint))
    throw new UsageError('hub/endpoint', `HF_ENDPOINT: expected https://host, got ${endpoint}`);
  const inside = path.split('/').map(encodeURIComponent).join('/');
  return new URL(`${endpoint.replace(/\/+$/, '')}/${repository}/resolve/${encodeURIComponent(revision)}/${inside}`);
}

/** The user's token as a header; none over a connection that others can read. */
export function hubAuthorization(url: URL, environment: Environment = process.env): string | undefined {
  const token = environment.HF_TOKEN?.trim();
  if (token === undefined || token === '') return undefined;
  return url.protocol === 'https:' || isLoopback(url) ? `Bearer ${token}` : undefined;
}

/** What to do about a refusal. The hub says in a header what it missed; to strangers, what is missing looks like what is private. */
export function hubAdvice({ repository, revision, path }: HubAddress, hasToken: boolean): Advice {
  const token = hasToken
    ? `The token in HF_TOKEN was sent; check that it may read ${repository}, and that you accepted its conditions on its page.`
    : `If ${repository} is private or asks you to accept conditions, accept them on its page and set HF_TOKEN to a token that may read it.`;
  return (status, headers) => {
    switch (headers['x-error-code']) {
      case 'RevisionNotFound':
        return `${repository} has no revision ${revision}: give a commit, tag or branch behind the @.`;
      case 'EntryNotFound':
        return `${repository} has no file ${path} at ${revision}: check its name on the page of the repository.`;
      case 'GatedRepo':
        return token;
    }
    if (status === 401 || status === 403) return `${token} Check the name as well: hub:owner/name/path@revision.`;
    if (status === 404)
      return `Check the name of the repository (${repository}), the file (${path}) and the revision (${revision}).`;
    return undefined;
  };
}
