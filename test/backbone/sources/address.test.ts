import { resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressText, fileNameOf, isAddress, parseAddress } from '../../../src/backbone/sources/address.ts';
import { hubUrl } from '../../../src/backbone/sources/hub.ts';
import { UsageError } from '../../../src/core/errors.ts';

const pin = 'A'.repeat(64);

describe('parseAddress', () => {
  it('reads the hub, the web and the disk', () => {
    expect(parseAddress(`hub:owner/net.v1/a/b c.onnx@refs/pr/1#sha256=${pin}`)).toEqual({
      kind: 'hub',
      repository: 'owner/net.v1',
      path: 'a/b c.onnx',
      revision: 'refs/pr/1',
      sha256: pin.toLowerCase(),
    });
    expect(parseAddress('hub:o/n/f.onnx')).toMatchObject({ revision: 'main', sha256: undefined });
    const web = parseAddress('https://host.test/a/net%20work.onnx?x=1');
    expect(web).toMatchObject({ kind: 'url', sha256: undefined });
    expect(addressText(web)).toBe('https://host.test/a/net%20work.onnx');
    expect(fileNameOf(web)).toBe('net work.onnx');
    expect(parseAddress('http://localhost:80/x').kind).toBe('url');
    expect(parseAddress('file:a.onnx')).toMatchObject({ kind: 'file', path: resolve('a.onnx') });
  });

  it('makes the URL of a file, every part of it escaped', () => {
    const address = parseAddress('hub:o/n/a b/ü?.onnx@refs/pr/1');
    if (address.kind !== 'hub') throw new Error('not of the hub');
    expect(hubUrl(address, {}).pathname).toBe('/o/n/resolve/refs%2Fpr%2F1/a%20b/%C3%BC%3F.onnx');
    expect(hubUrl(address, { HF_ENDPOINT: 'https://mirror.test/hub/' }).href).toMatch(
      /^https:\/\/mirror\.test\/hub\/o\/n\/resolve\//,
    );
  });

  it.each([
    'hub:net.onnx',
    'hub:o/n',
    'hub:o/n/',
    'hub:../n/f',
    'hub:o/n/../f',
    'hub:o/n/f@',
    'hub:o/n/f@../x',
    'http://example.com/f',
    'https://',
    'https://h/f#sha256=12',
    'https://h/f#md5=1',
    'ftp://h/f',
    'file://other-host-/%',
  ])('refuses %s', (text) => {
    expect(() => parseAddress(text)).toThrow(UsageError);
  });

  it('answers any text with an address or a UsageError', () => {
    fc.assert(
      fc.property(fc.constantFrom('hub:', 'https:', 'http:', 'file:', ''), fc.string(), (scheme, rest) => {
        try {
          const address = parseAddress(scheme + rest);
          expect(fileNameOf(address)).not.toMatch(/[/\\]/);
          if (address.kind === 'hub')
            expect(parseAddress(addressText(address))).toEqual({ ...address, sha256: undefined });
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('takes names and paths for none', () => {
    for (const text of ['resnet50', 'a/b.onnx', './hub.onnx', 'C:\\a.onnx', '/x:y'])
      expect(isAddress(text)).toBe(false);
  });
});
