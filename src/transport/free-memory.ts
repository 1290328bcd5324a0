// Memory that is nobody's any more, given back at once. Left to the collector it is what bulk has most of, outside of
// the heap, where V8 counts it and marks the whole heap again and again to find it: 25 times a second at 300 MB/s, each
// of which everybody waits for.

/**
 * Gives back the memory that `bytes` lie in, when they fill it but for at most `before` bytes in front. Who reads it
 * later finds nothing. Idempotent.
 */
export function freeMemory({ buffer, byteOffset, byteLength }: Uint8Array, before = 0): void {
  const isFilled = byteLength > 0 && byteOffset <= before && byteOffset + byteLength === buffer.byteLength
  if (isFilled && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
