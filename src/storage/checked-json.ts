// A small file that holds one value as readable JSON, with a checksum: a flipped bit in a promise that was made durable
// must not become another promise. The frame (`format`, `checksum`, `value`) is the same in all formats.
// Replaced as a whole, so that it is never torn.

import { crc32 } from 'node:zlib'
import { corrupt, newerVersion } from './disk-error.ts'
import { type FileSystem, readFile, replaceFile } from './file-system.ts'
import { recordOf } from './shape.ts'

/** Format of this release, for all files of a data directory but the log. */
const format = 1

/** Makes `path` hold `value` (plain JSON), durably. */
export async function writeChecked(fs: FileSystem, path: string, value: unknown): Promise<void> {
  const text = JSON.stringify({ format, checksum: checksum(format, value), value })
  await replaceFile(fs, path, Buffer.from(`${text}\n`))
}

/**
 * The value in `path` as `parse` accepts it; undefined when there is no such file. Anything else throws
 * `ERR_LOG_CORRUPT`.
 */
export async function readChecked<Value>(
  fs: FileSystem,
  path: string,
  parse: (value: unknown) => Value | undefined,
): Promise<Value | undefined> {
  const bytes = await readFile(fs, path)
  if (bytes === undefined) return undefined
  const stored = recordOf(parseJson(bytes.toString(), path)) ?? {}
  if (typeof stored.format !== 'number' || stored.checksum !== checksum(stored.format, stored.value)) {
    throw corrupt(path, 0, 'its content does not fit its checksum')
  }
  if (stored.format > format) throw newerVersion(path, stored.format, format)
  const value = parse(stored.value)
  if (value === undefined) throw corrupt(path, 0, 'its content makes no sense')
  return value
}

/** JSON, or the one error that names the file. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw corrupt(path, 0, 'it is not JSON')
  }
}

/** Over the text that writing the value anew gives; it is the same for a value that was read, as key order is kept. */
function checksum(ofFormat: number, value: unknown): string {
  return crc32(JSON.stringify([ofFormat, value]))
    .toString(16)
    .padStart(8, '0')
}
