import type { Picture } from './pictures.ts';

/** An image of the page, its id and a few words about it. */
export interface ShownImage {
  readonly id: string;
  readonly remark: string;
  readonly picture: Picture | undefined;
}

/** Text that may hold anything, as HTML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A table; columns of numbers stand to the right. */
export function htmlTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const numeric = headers.map((_, c) => rows.every((row) => /^[\d.,]+( %)?$/.test(row[c] ?? '')));
  const cell = (tag: 'th' | 'td', text: string, c: number): string =>
    `<${tag}${tag === 'th' ? ' scope="col"' : ''}${numeric[c] === true ? ' class="number"' : ''}>${escaped(text)}</${tag}>`;
  const line = (tag: 'th' | 'td', texts: readonly string[]): string =>
    `<tr>${texts.map((text, c) => cell(tag, text, c)).join('')}</tr>`;
  return `<div class="scroll"><table><thead>${line('th', headers)}</thead><tbody>${rows.map((row) => line('td', row)).join('')}</tbody></table></div>`;
}

/** Images side by side under a title. */
export function figures(title: string, images: readonly ShownImage[], limit: number): string {
  const shown = images.slice(0, limit).map(({ id, remark, picture }) => {
    const view =
      picture === undefined
        ? '<div class="gone">cannot be read</div>'
        : `<img src="${picture.source}" alt="${escaped(`${id}: ${remark}`)}">`;
    const size = picture === undefined ? '' : ` · ${picture.width} × ${picture.height}`;
    return `<figure>${view}<figcaption><b>${escaped(remark)}</b><br>${escaped(id)}<span class="quiet">${size}</span></figcaption></figure>`;
  });
  const more = images.length > limit ? `<p class="quiet">and ${images.length - limit} more</p>` : '';
  return `<div class="group"><h3>${escaped(title)}</h3><div class="row">${shown.join('')}${more}</div></div>`;
}

/** A part of the page with its count in the heading. */
export function section(title: string, count: number, meaning: string, content: string): string {
  const body = count === 0 ? '<p>None found.</p>' : `<div class="groups">${content}</div>`;
  return `<section><h2>${escaped(title)} <span class="count">${count}</span></h2><p class="quiet">${escaped(meaning)}</p>${body}</section>`;
}

export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1d2327; --quiet: #5b6670; --line: #d9dee2; --paper: #fff; --tint: #f4f6f7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9eb; --quiet: #9aa5ad; --line: #39424a; --paper: #16191c; --tint: #1f2428; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 26px; margin: 0; }
h2 { font-size: 20px; margin: 0 0 2px; }
h3 { font-size: 14px; margin: 0 0 8px; }
section { border-top: 1px solid var(--line); margin-top: 24px; padding-top: 18px; }
p { margin: 0 0 12px; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.count { font-weight: 400; color: var(--quiet); }
.tables { display: flex; flex-wrap: wrap; gap: 20px 40px; margin-top: 12px; }
.tables > div { max-width: 100%; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 14px 3px 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--quiet); }
.number { text-align: right; }
.groups { display: flex; flex-wrap: wrap; gap: 14px; }
.groups > p, .groups > .scroll { flex-basis: 100%; }
.group { padding: 12px; max-width: 100%; background: var(--tint); border-radius: 6px; break-inside: avoid; }
.row { display: flex; flex-wrap: wrap; gap: 12px; align-items: flex-start; }
figure { margin: 0; width: 200px; max-width: 100%; }
figure img, .gone { display: block; max-width: 100%; border-radius: 3px; }
.gone { height: 120px; border: 1px dashed var(--line); padding: 8px; }
figcaption { font-size: 12.5px; line-height: 1.35; margin-top: 4px; overflow-wrap: anywhere; }
@media (max-width: 500px) { figure { width: calc(50% - 6px); } main { padding: 16px 12px; } th, td { padding-right: 9px; font-size: 13.5px; } }
`;
