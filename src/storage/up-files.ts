// What `trellis up` leaves in a node's data directory, so that `trellis node --data-dir DIR/node-i` needs nothing else
// (design rule 22): the cluster secret and where the others are. Plain files, which a person may write, too; read by
// whoever opens the directory, written before any node runs in it.

import { dirname, join } from 'node:path'
import { parseJson } from './checked-json.ts'
import { corrupt, openingError } from './disk-error.ts'
import { type FileSystem, nodeFileSystem, readFile, replaceFile } from './file-system.ts'
import type { StoredSeeds } from './node-storage.ts'
import { parseSeeds } from './shape.ts'

/** The secret in `path` without the white space around it; undefined when there is no such file. */
export async function readSecretFile(path: string, fs: FileSystem = nodeFileSystem): Promise<string | undefined> {
  const secret = (await readIn(fs, path))?.toString().trim()
  if (secret === '') throw corrupt(path, 0, 'the secret is empty')
  return secret
}

/** Keeps a secret, readable by its owner only; makes the folder if there is none. */
export async function writeSecretFile(path: string, secret: string, fs: FileSystem = nodeFileSystem): Promise<void> {
  await writeIn(fs, path, `${secret}\n`)
}

export async function readSeedsFile(path: string, fs: FileSystem = nodeFileSystem): Promise<StoredSeeds | undefined> {
  const bytes = await readIn(fs, path)
  if (bytes === undefined) return undefined
  const seeds = parseSeeds(parseJson(bytes.toString(), path))
  if (seeds === undefined)
    throw corrupt(path, 0, 'it needs "addresses", a list of texts, and "expect", a positive number, or none')
  return seeds
}

export async function writeSeedsFile(path: string, seeds: StoredSeeds, fs: FileSystem = nodeFileSystem): Promise<void> {
  await writeIn(fs, path, `${JSON.stringify(seeds)}\n`)
}

/**
 * Keeps where a node listens and by which transport, so that `trellis node --data-dir DIR` alone brings it back there.
 * The format is that of `--config`.
 */
export async function writeSettingsFile(
  path: string,
  settings: { readonly listen: string; readonly admin: string; readonly transport: string },
  fs: FileSystem = nodeFileSystem,
): Promise<void> {
  await writeIn(fs, path, `${JSON.stringify(settings)}\n`)
}

/** Where they are in a data directory. */
export function upFiles(directory: string): { secret: string; seeds: string; settings: string } {
  return {
    secret: join(directory, 'secret'),
    seeds: join(directory, 'seeds.json'),
    settings: join(directory, 'settings.json'),
  }
}

async function readIn(fs: FileSystem, path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(fs, path)
  } catch (error) {
    throw openingError(path, error)
  }
}

async function writeIn(fs: FileSystem, path: string, text: string): Promise<void> {
  try {
    await fs.makeDirectory(dirname(path))
    await replaceFile(fs, path, Buffer.from(text))
  } catch (error) {
    throw openingError(path, error)
  }
}
