// Client ids: UUIDv7 as 26 lower-case Crockford base-32 characters, the form the server uses. Randomness
// is `getRandomValues` because `randomUUID` exists only on HTTPS.

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** `random` are 10 bytes; the time goes in front so that ids sort by age. */
export function makeId(nowMs: number, random: Uint8Array): string {
  const bytes = new Uint8Array(16);
  let ms = Math.max(0, Math.floor(nowMs));
  for (let i = 5; i >= 0; i -= 1) {
    bytes[i] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return encode(bytes);
}

export function newId(): string {
  return makeId(Date.now(), crypto.getRandomValues(new Uint8Array(10)));
}

/** A fair number in [0, 1) from the system's generator, for spreading reconnects. */
export function randomUnit(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
}

function encode(bytes: Uint8Array): string {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  let out = '';
  for (let i = 0; i < 26; i += 1) {
    out = (ALPHABET[Number(value & 31n)] ?? '0') + out;
    value >>= 5n;
  }
  return out;
}
