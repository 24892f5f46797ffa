import { type Content, html, type Markup } from '../markup.ts';

/** A part of the page, with the name that links lead to. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
}

export function section(id: string, title: string, ...body: readonly Content[]): Section {
  return { id, title, body: html`${body}` };
}
