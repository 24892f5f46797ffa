import fc from 'fast-check';
import { expect, test } from 'vitest';
import { html, trusted } from '../../src/report/markup.ts';

test('text cannot become markup', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { markup } = html`<p title="${text}">${text}</p>`;
      const inside = markup.slice('<p title="'.length, -'</p>'.length);
      expect(inside.replace('">', '')).not.toMatch(/[<>"']/);
      const back = (t: string) =>
        t
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&quot;', '"')
          .replaceAll('&#39;', "'")
          .replaceAll('&amp;', '&');
      expect(back(inside)).toBe(`${text}">${text}`);
    }),
  );
});

test('markup, lists and nothing', () => {
  expect(html`<b>${[html`<i>${1}</i>`, '&', undefined, false]}</b>${trusted('<hr>')}`.markup).toBe(
    '<b><i>1</i>&amp;</b><hr>',
  );
});
