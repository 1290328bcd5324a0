// Who a data directory belongs to, and which life this is: `identity.pem`, `node.json` and `generation`. A fresh
// directory gets them in the order key, generation, `node.json`; so once `node.json` is there the others are, or
// somebody took them.

import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { readChecked, writeChecked } from './checked-json.ts'
import { corrupt, foreign } from './disk-error.ts'
import { exists, type FileSystem, readFile, replaceFile } from './file-system.ts'
import type { StorageOptions } from './node-storage.ts'
import { parseGeneration, parseNode } from './shape.ts'

export interface NodeFiles {
  readonly id: string
  readonly privateKeyPem: string
  readonly generation: number
  readonly name: string | undefined
}

/** Files that only a node with a `node.json` has: alone they are what is left of another one. */
const laterFiles = ['cluster.json', 'forming.json', 'store.json', 'raft.log']

/** A fresh Ed25519 key as PKCS8 PEM. */
export function createPrivateKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Reads them, or makes them; the generation is raised, durably, before this resolves. */
export async function openNodeFiles(fs: FileSystem, directory: string, options: StorageOptions): Promise<NodeFiles> {
  const path = join(directory, 'node.json')
  const node = await readChecked(fs, path, parseNode)
  if (node === undefined) return await createNodeFiles(fs, directory, options)
  if (node.cluster !== options.cluster) throw foreign(path, 'cluster', options.cluster, node.cluster)
  const key = await readKey(fs, directory, options)
  if (key?.id !== node.id) throw foreign(directory, 'node', node.id, key?.id ?? 'no key (identity.pem is missing)')
  const generation = await readGeneration(fs, directory)
  if (generation === undefined) throw corrupt(join(directory, 'generation'), 0, 'the file is missing')
  return { ...key, generation: await writeGeneration(fs, directory, generation + 1), name: node.name }
}

async function createNodeFiles(fs: FileSystem, directory: string, options: StorageOptions): Promise<NodeFiles> {
  for (const name of laterFiles) {
    if (!(await exists(fs, join(directory, name)))) continue
    throw corrupt(join(directory, 'node.json'), 0, `the file is missing, and ${name} is there`)
  }
  const key = (await readKey(fs, directory, options)) ?? (await createKey(fs, directory, options))
  const before = (await readGeneration(fs, directory)) ?? 0
  const generation = await writeGeneration(fs, directory, before + 1)
  await writeNode(fs, directory, key.id, options.cluster, undefined)
  return { ...key, generation, name: undefined }
}

export async function writeNode(
  fs: FileSystem,
  directory: string,
  id: string,
  cluster: string,
  name: string | undefined,
): Promise<void> {
  await writeChecked(fs, join(directory, 'node.json'), { id, cluster, name })
}

type Key = Pick<NodeFiles, 'id' | 'privateKeyPem'>

async function readKey(fs: FileSystem, directory: string, { identify }: StorageOptions): Promise<Key | undefined> {
  const path = join(directory, 'identity.pem')
  const privateKeyPem = (await readFile(fs, path))?.toString()
  if (privateKeyPem === undefined) return undefined
  try {
    return { id: identify(privateKeyPem), privateKeyPem }
  } catch {
    throw corrupt(path, 0, 'it is no private key')
  }
}

async function createKey(fs: FileSystem, directory: string, { identify }: StorageOptions): Promise<Key> {
  const privateKeyPem = createPrivateKey()
  await replaceFile(fs, join(directory, 'identity.pem'), Buffer.from(privateKeyPem))
  return { id: identify(privateKeyPem), privateKeyPem }
}

async function readGeneration(fs: FileSystem, directory: string): Promise<number | undefined> {
  return await readChecked(fs, join(directory, 'generation'), parseGeneration)
}

async function writeGeneration(fs: FileSystem, directory: string, generation: number): Promise<number> {
  await writeChecked(fs, join(directory, 'generation'), generation)
  return generation
}
