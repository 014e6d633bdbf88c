/**
 * The one CA that clients with an option for it are told to trust: the PEM file that HANGUP_CA names, read
 * when it is first asked for.
 */

import { readFileSync } from 'node:fs';

let pem;

export function privateCa() {
  pem ??= readFileSync(process.env.HANGUP_CA);
  return pem;
}
