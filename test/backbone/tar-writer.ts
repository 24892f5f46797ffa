/** A ustar archive of small files, as package registries serve it. */
export function writeTar(files: Readonly<Record<string, Buffer | string>>): Buffer {
  const blocks: Buffer[] = [];
  for (const [name, content] of Object.entries(files)) {
    const body = Buffer.from(content);
    // A name too long for a header goes before it, in a pax record whose length counts itself.
    if (name.length > 100) {
      const text = ` path=${name}\n`;
      let length = text.length;
      while (`${length}${text}`.length !== length) length = `${length}${text}`.length;
      blocks.push(...entry('pax', Buffer.from(`${length}${text}`), 'x'));
    }
    blocks.push(...entry(name.slice(0, 100), body, '0'));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function entry(name: string, body: Buffer, type: string): Buffer[] {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
}
