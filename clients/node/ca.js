/**
 * The one CA that clients with an option for it are told to trust: the PEM file that HANGUP_CA names, read
 * when it is first asked for.
 */

import { readFileSync } from 'node:fs';

let pem;

export function privateCa() {
  try {
    pem ??= readFileSync(process.env.HANGUP_CA);
  } catch (error) {
    throw new Error(`HANGUP_CA=${process.env.HANGUP_CA}: ${error.message}`, { cause: error });
  }
  return pem;
}
