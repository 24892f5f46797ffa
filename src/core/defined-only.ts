/** An object's type without undefined: its optional keys may still be missing. */
export type DefinedOnly<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/**
 * Whether no key of an object is set to undefined. Options that were left out of a file or a command line come as
 * undefined; under `exactOptionalPropertyTypes` an option is either set or missing.
 */
function isDefinedOnly<T extends object>(value: object): value is DefinedOnly<T> {
  return Object.values(value).every((v) => v !== undefined);
}

/** The keys of an object that are set. */
export function definedOnly<T extends object>(options: T): DefinedOnly<T> {
  const kept: object = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  if (!isDefinedOnly<T>(kept)) throw new TypeError('definedOnly: a key is undefined');
  return kept;
}
