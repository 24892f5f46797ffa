import { type Content, html, type Markup } from './markup.ts';

/**
 * A table whose first column names the rows. Columns of figures are set right.
 *
 * @param caption read out before the table, and shown above it
 */
export function dataTable(
  caption: Content,
  headers: readonly Content[],
  rows: readonly (readonly Content[])[],
): Markup {
  const right = headers.map((_, c) => c > 0 && rows.every((row) => isFigure(row[c])));
  const side = (c: number): Content => right[c] === true && html` class="num"`;
  return html`<div class="scroll" tabindex="0" role="group"><table><caption><span>${caption}</span></caption>
<thead><tr>${headers.map((text, c) => html`<th scope="col"${side(c)}>${text}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr>${row.map((cell, c) =>
        c === 0 ? html`<th scope="row">${cell}</th>` : html`<td${side(c)}>${cell}</td>`,
      )}</tr>
`,
  )}</tbody></table></div>`;
}

function isFigure(cell: Content): boolean {
  return typeof cell === 'number' || (typeof cell === 'string' && /^([-–−+<]?[\d.,]|$|–$)/.test(cell));
}

/** A chart with its title, what to read in it, and the figures that it is drawn from. */
export function figure(chart: Markup, caption: Content, data: Markup): Markup {
  return html`<figure>${chart}<figcaption>${caption}</figcaption>
<details><summary>The figures behind this chart</summary>${data}</details></figure>`;
}
