/** The proxy that the environment asks for: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in capitals or not. */
import { BlockList, isIP } from 'node:net';
import { EnvironmentError } from '../errors.ts';
import { isLoopback } from './loopback.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param url what is to be fetched
 * @returns the proxy's URL, or undefined to connect directly
 * @throws {EnvironmentError} a proxy of a kind that nevus does not speak
 */
export function proxyFor(url: URL, environment: Environment = process.env): URL | undefined {
  const read = (name: string): string | undefined => environment[name.toLowerCase()] || environment[name] || undefined;
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = read(name) ?? read('ALL_PROXY');
  if (text === undefined || isExempt(url, read('NO_PROXY') ?? '')) return undefined;
  const full = text.includes('://') ? text : `http://${text}`;
  const proxy = URL.canParse(full) ? new URL(full) : undefined;
  if (proxy === undefined || !['http:', 'https:'].includes(proxy.protocol))
    throw new EnvironmentError(
      'proxy/kind',
      `${name}: expected http://host:port, got ${proxy?.protocol ?? 'no URL'}`,
      `Set ${name} to an HTTP proxy, or NO_PROXY=${url.hostname} to go without.`,
    );
  // Unencrypted, so it may not leave the machine; and the proxy's localhost is another.
  if (url.protocol === 'http:' && isLoopback(url) && !isLoopback(proxy)) return undefined;
  return proxy;
}

/**
 * Whether `NO_PROXY` names the host: hosts and domains with all below them, with or without a leading dot and a port;
 * addresses; ranges such as `10.0.0.0/8`; `*` for all.
 */
function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '') return false;
    if (entry === '*') return true;
    if (entry.includes('/')) return isInRange(host, entry);
    const [, name = '', ofPort] = /^(\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (ofPort !== undefined && ofPort !== port) return false;
    const bare = name.replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
    return host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`));
  });
}

function isInRange(host: string, range: string): boolean {
  const [network = '', bits = ''] = range.split('/');
  const family = isIP(network);
  const length = Number(bits);
  if (family === 0 || isIP(host) !== family || !Number.isInteger(length) || length < 0) return false;
  if (length > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(network, length, type);
  return block.check(host, type);
}
