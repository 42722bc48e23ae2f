// JSON that does not change numbers. JSON.parse would read 9007199254740993 as 9007199254740992, and shows
// the text of a number only on Node 21 and newer. lossless-json shows it on all versions.

import { LosslessNumber, parse as parseLossless, stringify as stringifyLossless } from 'lossless-json';

/**
 * Returns a number if JavaScript writes that number with the same text. Otherwise, returns a bigint if the
 * text is an integer, and a LosslessNumber if it is not, such as 1.0 or 1e400.
 */
function parseNumber(text: string) {
  if (String(Number(text)) === text) {
    return Number(text);
  }
  return /^-?[1-9]\d*$/.test(text) ? BigInt(text) : new LosslessNumber(text);
}

/** If an object has the same key twice, the last value counts, as with JSON.parse. */
export function parse(text: string): any {
  return parseLossless(text, null, { parseNumber, onDuplicateKey: ({ newValue }) => newValue });
}

export function stringify(value: unknown): string {
  return stringifyLossless(value)!;
}
