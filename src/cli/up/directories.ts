// The directories of `trellis up`: `DIR/secret`, and per node `DIR/node-i` with the secret and the others' addresses,
// so that `trellis node --data-dir DIR/node-i` needs nothing else. Without `--data-dir` all of it is temporary and goes
// with the cluster.

import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { requireUnlocked } from '../../storage/directory-lock.ts'
import { openingError } from '../../storage/disk-error.ts'
import { nodeFileSystem } from '../../storage/file-system.ts'
import {
  readSecretFile,
  readSeedsFile,
  upFiles,
  writeSecretFile,
  writeSeedsFile,
  writeSettingsFile,
} from '../../storage/up-files.ts'
import type { CommandContext } from '../context.ts'
import { readLines } from '../files.ts'
import type { NodePlan } from './plan.ts'

export interface UpDirectory {
  readonly path: string
  readonly isTemporary: boolean
  /** Removes it if it is temporary. */
  remove(): void
}

const secretBytes = 32

export function openUpDirectory(dataDir: string | undefined): UpDirectory {
  const isTemporary = dataDir === undefined
  const path = isTemporary ? mkdtempSync(join(tmpdir(), 'trellis-')) : resolve(dataDir)
  return { path, isTemporary, remove: () => isTemporary && rmSync(path, { recursive: true, force: true }) }
}

/**
 * Rejects with `ERR_DATA_IN_USE` when a node runs in one of them: what it is to be started with again must not change
 * under it.
 */
export async function requireUnused(plans: readonly NodePlan[]): Promise<void> {
  for (const { dataDir } of plans) {
    if (!existsSync(dataDir)) continue
    await requireUnlocked(nodeFileSystem, dataDir).catch((error: unknown) => {
      throw openingError(dataDir, error)
    })
  }
}

/**
 * Writes what each node needs to find the others. Resolves to how many nodes the voters are made of at least: an
 * earlier `up` in the same directory may have had fewer than this one, whose voters stay; of one that had more not all
 * need have come to vote.
 */
export async function prepareDirectories(
  directory: UpDirectory,
  plans: readonly NodePlan[],
  given: string | undefined,
  { transport }: { readonly transport: string },
): Promise<number> {
  const secret = given ?? (await keptSecret(directory.path))
  const earlier = await readSeedsFile(upFiles(plans[0]!.dataDir).seeds)
  for (const { dataDir, address, admin } of plans) {
    const files = upFiles(dataDir)
    const addresses = plans.map((plan) => plan.address).filter((other) => other !== address)
    await writeSecretFile(files.secret, secret)
    await writeSeedsFile(files.seeds, { addresses, expect: plans.length })
    await writeSettingsFile(files.settings, { listen: address, admin, transport })
  }
  return Math.min(earlier?.expect ?? plans.length, plans.length)
}

/** The secret that was given, by flag or variable; undefined when none was. */
export function givenSecret(file: string | undefined, env: CommandContext['env']): string | undefined {
  if (file !== undefined) return readLines(file, '--secret-file')[0]
  if (env.TRELLIS_SECRET) return env.TRELLIS_SECRET
  return env.TRELLIS_SECRET_FILE ? readLines(env.TRELLIS_SECRET_FILE, 'TRELLIS_SECRET_FILE')[0] : undefined
}

/** The one that an earlier `up` made, or a new one. */
async function keptSecret(root: string): Promise<string> {
  const { secret: path } = upFiles(root)
  const kept = await readSecretFile(path)
  if (kept !== undefined) return kept
  const made = randomBytes(secretBytes).toString('base64url')
  await writeSecretFile(path, made)
  return made
}
