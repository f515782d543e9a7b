/** Base58 in Bitcoin's alphabet, as Solana writes addresses, signatures and blockhashes. */

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const ZERO = "1";
const ONE = ZERO.charCodeAt(0);

const digits = new Map([...ALPHABET].map((letter, value) => [letter, value]));

/** Five digits of base 58 to a limb: times 2^16 for the next two bytes it is still an exact number. */
const LIMB_DIGITS = 5;
const LIMB = 58 ** LIMB_DIGITS;

/** Some 25 addresses are written for each transaction, hence two bytes at a time: a fifth of the steps of one by one. */
export function encodeBase58(bytes: Uint8Array): string {
  const limbs: number[] = [];
  for (let at = -(bytes.length % 2); at < bytes.length; at += 2) {
    let carry = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    for (let place = 0; place < limbs.length; place++) {
      carry += (limbs[place] ?? 0) * 65_536;
      limbs[place] = carry % LIMB;
      carry = Math.floor(carry / LIMB);
    }
    if (carry > 0) limbs.push(carry);
  }
  const zeros = leading(bytes, 0);
  const letters = Buffer.alloc(zeros + limbs.length * LIMB_DIGITS, ZERO);
  let end = letters.length;
  for (const limb of limbs) {
    let rest = limb;
    for (let digit = 0; digit < LIMB_DIGITS; digit++) {
      letters[--end] = ALPHABET.charCodeAt(rest % 58);
      rest = Math.floor(rest / 58);
    }
  }
  // The highest limb is padded to five digits; of the ones in front only those count that stand for bytes.
  let start = 0;
  while (start < letters.length && letters[start] === ONE) start += 1;
  return letters.toString("latin1", start - zeros);
}

/** @returns null when the text holds a letter that is not in the alphabet. Takes time by the square of the length: bound it. */
export function decodeBase58(text: string): Uint8Array | null {
  const reversed: number[] = [];
  for (const letter of text) {
    const digit = digits.get(letter);
    if (digit === undefined) return null;
    let carry = digit;
    for (let place = 0; place < reversed.length; place++) {
      carry += (reversed[place] ?? 0) * 58;
      reversed[place] = carry & 0xff;
      carry >>= 8;
    }
    while (carry > 0) {
      reversed.push(carry & 0xff);
      carry >>= 8;
    }
  }
  const zeros = leading(text, ZERO);
  const bytes = new Uint8Array(zeros + reversed.length);
  bytes.set(reversed.reverse(), zeros);
  return bytes;
}

function leading<T>(values: Iterable<T>, sought: T): number {
  let count = 0;
  for (const value of values) {
    if (value !== sought) break;
    count += 1;
  }
  return count;
}

/** Characters that 32 bytes take at most. */
const LONGEST_ADDRESS = 44;

/** Whether the text is a Solana address: 32 bytes. A hostile one that is longer is not even read. */
export const isSolanaAddress = (text: string): boolean =>
  text.length <= LONGEST_ADDRESS && decodeBase58(text)?.length === 32;
