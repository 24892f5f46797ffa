/** HTML and SVG as values: what is put into a template is escaped unless it is markup itself. */
export interface Markup {
  readonly markup: string;
}

/** What a template may hold. Undefined and false leave nothing. */
export type Content = string | number | false | undefined | Markup | readonly Content[];

/** A piece of a page: html`<p>${text}</p>`. Text and attribute values are escaped; attribute values need double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return { markup: strings.map((text, i) => text + (i < values.length ? written(values[i]) : '')).join('') };
}

/** Text that is markup already, such as a style sheet of our own. */
export function trusted(markup: string): Markup {
  return { markup };
}

function written(value: Content): string {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string' || typeof value === 'number') return escaped(String(value));
  return 'markup' in value ? value.markup : value.map(written).join('');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
