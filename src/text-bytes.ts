// How long texts are as they travel, in UTF-8. For browsers, too.

const encoder = new TextEncoder()

export function utf8Bytes(text: string): number {
  return encoder.encode(text).length
}

/** Whether it has so many bytes at most. Of most texts that is seen without a count. */
export function fitsIn(text: string, bytes: number): boolean {
  return text.length * 3 <= bytes || utf8Bytes(text) <= bytes
}
