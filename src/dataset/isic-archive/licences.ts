/** The licences under which images of the ISIC Archive come. */

interface Licence {
  readonly title: string;
  readonly url: string;
  /** What it asks of who uses the image, in a sentence; the text at the URL is what counts. */
  readonly asks: string;
}

const LICENCES: Readonly<Record<string, Licence>> = {
  'CC-0': {
    title: 'CC0 1.0 Universal',
    url: 'https://creativecommons.org/publicdomain/zero/1.0/',
    asks: 'Nothing is asked. To name where the images come from is good practice all the same.',
  },
  'CC-BY': {
    title: 'Creative Commons Attribution 4.0 International',
    url: 'https://creativecommons.org/licenses/by/4.0/',
    asks: 'Name the authors as attribution.csv does, name the licence, and say whether the images were changed.',
  },
  'CC-BY-NC': {
    title: 'Creative Commons Attribution-NonCommercial 4.0 International',
    url: 'https://creativecommons.org/licenses/by-nc/4.0/',
    asks: 'Name the authors as attribution.csv does, name the licence, say whether the images were changed, and do not use them commercially.',
  },
};

/** Whether a licence forbids commercial use. */
export function isNonCommercial(licence: string): boolean {
  return /(^|[^a-z])nc([^a-z]|$)/i.test(licence);
}

/** Address of a licence's text; empty where it is none of the archive's usual ones. */
export function licenceUrl(licence: string): string {
  return licenceOf(licence)?.url ?? '';
}

/** A page for people about a licence and how many images come under it. */
export function licenceText(licence: string, images: number): string {
  const known = licenceOf(licence);
  const count = `${images} ${images === 1 ? 'image' : 'images'} of this folder; attribution.csv says which.`;
  if (known === undefined)
    return `${licence}\n\n${count}\n\nThis is none of the archive's usual licences. Ask the archive what it allows before you use them.\n`;
  return `${known.title} (${licence})\n${known.url}\n\n${count}\n\n${known.asks}\n`;
}

function licenceOf(licence: string): Licence | undefined {
  return Object.hasOwn(LICENCES, licence) ? LICENCES[licence] : undefined;
}
