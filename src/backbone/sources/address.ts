/** Where a file of weights can be: in a repository of the Hugging Face hub, at a URL, on this disk. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../core/errors.ts';
import { isLoopback } from '../../core/http/loopback.ts';

/** `hub:owner/name/path/file.onnx@revision` */
export interface HubAddress {
  readonly kind: 'hub';
  /** `owner/name` */
  readonly repository: string;
  readonly path: string;
  /** A commit, tag or branch. */
  readonly revision: string;
  /** Hexadecimal, where the user pinned it. */
  readonly sha256: string | undefined;
}

/** `https://…`, or `http://…` on this machine. */
export interface UrlAddress {
  readonly kind: 'url';
  /** Without a fragment. */
  readonly url: URL;
  readonly sha256: string | undefined;
}

/** `file:path` */
export interface FileAddress {
  readonly kind: 'file';
  readonly path: string;
  readonly sha256: string | undefined;
}

export type Address = HubAddress | UrlAddress | FileAddress;

/** Whether a text starts like an address; other texts are names and paths. */
export function isAddress(text: string): boolean {
  return /^(hub|https?|file):/i.test(text);
}

/**
 * @param text `hub:owner/name/path[@revision]`, `https://…`, `http://localhost…` or `file:path`, each with or without
 *   `#sha256=` and 64 hexadecimal digits
 * @throws {UsageError} anything else
 */
export function parseAddress(text: string): Address {
  const hash = text.indexOf('#');
  const body = hash === -1 ? text : text.slice(0, hash);
  const sha256 = hash === -1 ? undefined : pinIn(text.slice(hash + 1), text);
  const scheme = body.slice(0, body.indexOf(':')).toLowerCase();
  const rest = body.slice(scheme.length + 1);
  switch (scheme) {
    case 'hub':
      return { ...hubAddress(rest, text), sha256 };
    case 'http':
    case 'https':
      return { kind: 'url', url: webAddress(body), sha256 };
    case 'file':
      return { kind: 'file', path: rest.startsWith('//') ? localPath(body) : resolve(rest), sha256 };
    default:
      throw new UsageError('address/scheme', `${text}: expected hub:, https: or file:, got another address`);
  }
}

/** The address in the user's words, for messages: without fragment, query and credentials, which may be secrets. */
export function addressText(address: Address): string {
  switch (address.kind) {
    case 'hub':
      return `hub:${address.repository}/${address.path}@${address.revision}`;
    case 'url':
      return `${address.url.origin}${address.url.pathname}`;
    case 'file':
      return address.path;
  }
}

/** Last part of the path: the name of the file. */
export function fileNameOf(address: Address): string {
  const path = address.kind === 'url' ? decodeURIComponentOr(address.url.pathname) : address.path;
  return path.split(/[/\\]/).findLast((part) => part !== '') ?? 'file';
}

function pinIn(fragment: string, text: string): string {
  const pin = /^sha256=([0-9a-f]{64})$/i.exec(fragment)?.[1];
  if (pin === undefined)
    throw new UsageError('address/pin', `${text}: expected #sha256= and 64 hexadecimal digits, got #${fragment}`);
  return pin.toLowerCase();
}

function hubAddress(rest: string, text: string): Omit<HubAddress, 'sha256'> {
  const at = rest.lastIndexOf('@');
  const revision = at === -1 ? 'main' : rest.slice(at + 1);
  const [owner, name, ...path] = (at === -1 ? rest : rest.slice(0, at)).split('/');
  const plain = (part: string | undefined): part is string => part !== undefined && /^(?!\.{1,2}$)[\w.-]+$/.test(part);
  const inside = path.every((part) => part !== '' && part !== '.' && part !== '..');
  if (!plain(owner) || !plain(name) || path.length === 0 || !inside || !/^(?!.*\.\.)[\w./-]+$/.test(revision))
    throw new UsageError(
      'address/hub',
      `${text}: expected hub:owner/name/path/file.onnx@revision, got another form`,
      'The page of the file in its repository shows all four. The revision is a commit, a tag or a branch; default main.',
    );
  return { kind: 'hub', repository: `${owner}/${name}`, path: path.join('/'), revision };
}

function webAddress(text: string): URL {
  if (!URL.canParse(text)) throw new UsageError('address/url', `${text}: expected a URL, got another form`);
  const url = new URL(text);
  if (url.protocol === 'http:' && !isLoopback(url))
    throw new UsageError(
      'address/plain',
      `${url.origin}: expected https:, got http: to another machine`,
      'Anyone on the way can change what comes over http.',
    );
  return url;
}

function localPath(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (error) {
    throw new UsageError('address/file', `${text}: expected file: and a path, got another form`, undefined, {
      cause: error,
    });
  }
}

function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
