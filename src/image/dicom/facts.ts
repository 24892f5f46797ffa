/** What a DICOM file says of the person and the place, without saying who it is. */
import { sha256 } from '../../core/hash.ts';
import { ANATOMIC_REGION, type Elements, readDicom, textOf } from './elements.ts';

export interface DicomFacts {
  /** Years, as a number. */
  readonly age?: string;
  /** `female`, `male` or `other`. */
  readonly sex?: string;
  readonly site?: string;
  /** 16 hexadecimal digits of the SHA-256 of the PatientID: the same patient has the same in every file. */
  readonly patient?: string;
}

const SEX: Readonly<Record<string, string>> = { F: 'female', M: 'male', O: 'other' };
const YEARS: Readonly<Record<string, number>> = { Y: 1, M: 1 / 12, W: 7 / 365.25, D: 1 / 365.25 };

/**
 * @param bytes the file, or its beginning up to the pixels
 * @throws {DataError} `image/dicom`
 */
export function dicomFacts(bytes: Uint8Array, name: string): DicomFacts {
  const { elements } = readDicom(bytes, name, true);
  const age = ageOf(textOf(elements, 0x00101010));
  const sexCode = textOf(elements, 0x00100040);
  const sex = Object.hasOwn(SEX, sexCode) ? SEX[sexCode] : undefined;
  const site = siteOf(elements);
  const id = textOf(elements, 0x00100020);
  return {
    ...(age === undefined ? {} : { age }),
    ...(sex === undefined ? {} : { sex }),
    ...(site === '' ? {} : { site }),
    ...(id === '' ? {} : { patient: sha256(`nevus patient ${id}`).slice(0, 16) }),
  };
}

/** `034Y`, `018M`, … in years. */
function ageOf(text: string): string | undefined {
  const [, count, unit] = /^(\d{1,3})([YMWD])$/.exec(text) ?? [];
  const years = Number(count) * (YEARS[unit ?? ''] ?? Number.NaN);
  return Number.isFinite(years) ? String(Math.round(years * 100) / 100) : undefined;
}

/** The meaning of the anatomic region's code; where there is none, the body part. */
function siteOf(elements: Elements): string {
  const region = elements.get(ANATOMIC_REGION)?.items[0];
  const meaning = region === undefined ? '' : textOf(region, 0x00080104);
  return (meaning || textOf(elements, 0x00180015)).toLowerCase();
}
