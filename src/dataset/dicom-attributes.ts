import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DataError } from '../core/errors.ts';
import { type DicomFacts, dicomFacts } from '../image/dicom/facts.ts';
import { isDicomName } from './files.ts';
import type { Example } from './types.ts';

/** What lies before the pixels is rarely longer. */
const BEGINNING = 1 << 18;

/**
 * Examples with what their DICOM files say of the patient: `age`, `sex`, `localization`, and the hashed PatientID. What the
 * table says is taken before it. Other examples stay as they are, and so do files that cannot be read: inspection names them.
 */
export function withDicomAttributes(examples: readonly Example[]): readonly Example[] {
  return examples.map((example) => {
    const facts = isDicomName(example.path) ? factsOf(example.path) : undefined;
    if (facts === undefined) return example;
    const { age, sex, site, patient } = facts;
    const said = Object.entries({ age, sex, localization: site }).filter(([, value]) => value !== undefined);
    return {
      ...example,
      ...(patient === undefined || example.patientId !== undefined ? {} : { patientId: patient }),
      attributes: { ...Object.fromEntries(said.map(([name, value]) => [name, value ?? ''])), ...example.attributes },
    };
  });
}

function factsOf(path: string): DicomFacts | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(file);
    for (const length of [Math.min(BEGINNING, size), size]) {
      const bytes = Buffer.alloc(length);
      readSync(file, bytes, 0, length, 0);
      try {
        return dicomFacts(bytes, path);
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
      }
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}
