// `trellis backup`, `restore` and `recover`: what the cluster has agreed on, kept in a file, and a new cluster founded
// on it. The last two write the data directory of a node that does not run; whoever runs them decides that the old
// cluster is over.

import { readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { Founded } from '../../recovery/found-anew.ts'
import { askAdminBytes } from '../admin-client.ts'
import { addClientFlags, type ClientFlags, clientOptions } from '../client-flags.ts'
import type { CommandContext, JsonFlag } from '../context.ts'
import { usageError } from '../failure.ts'

interface FoundFlags extends JsonFlag {
  readonly dataDir: string
  readonly from: string
  readonly name: string
  readonly cluster: string
  readonly yes?: boolean
}

const warning = `
The new cluster has an id of its own: members of the old one are refused, and come back only with empty directories. Be sure that the old
cluster is gone for good: two that live side by side both grant locks. Every revision and token of the new one is larger than all of the old one.`

const restoreExamples = `${warning}

Example:
  trellis restore backup.trellis --data-dir ./new/node-1 --name node-1 --yes
  trellis node --data-dir ./new/node-1 --listen 10.0.0.1:7400 …`

const recoverExamples = `${warning}
Of the voters that are left, take the one whose log is longest: 'trellis log inspect' says.

Example:
  trellis recover --from ./old/node-3 --data-dir ./new/node-1 --name node-1 --yes`

export function addBackup(program: Command, context: CommandContext): void {
  addClientFlags(program.command('backup <file>').description('keep what the cluster has agreed on in a file')).action(
    (file: string, flags: ClientFlags) => backup(file, flags, context),
  )
  addFlags(program.command('restore <file>').description('found a new cluster on a backup'))
    .addHelpText('after', restoreExamples)
    .action(async (file: string, flags: FoundFlags) => {
      const { decodeBackup } = await import('../../recovery/backup-file.ts')
      await found(flags, context, async () => decodeBackup(readBytes(file)))
    })
  addFlags(program.command('recover').description('found a new cluster on the log of a voter whose majority is lost'))
    .requiredOption('--from <DIR>', 'data directory of a voter of the old cluster, which must not run')
    .addHelpText('after', recoverExamples)
    .action(async (flags: FoundFlags) => {
      const { readDirectory } = await import('../../recovery/found-anew.ts')
      await found(flags, context, () => readDirectory(flags.from, flags.cluster))
    })
}

function addFlags(command: Command): Command {
  return command
    .requiredOption('--data-dir <DIR>', 'new directory of the first member')
    .requiredOption('--name <NAME>', 'its name')
    .option('--cluster <NAME>', "the cluster's name", 'trellis')
    .option('--yes', 'the old cluster is gone for good')
    .option('--json', 'answer as one line of JSON')
}

async function backup(file: string, flags: ClientFlags, context: CommandContext): Promise<void> {
  const bytes = await askAdminBytes('/v1/backup', clientOptions(flags, context))
  const { decodeBackup } = await import('../../recovery/backup-file.ts')
  // What was not whole would be noticed too late.
  const { clusterId, index, state } = decodeBackup(bytes)
  await keep(file, bytes)
  const told = { clusterId, index, keys: state.config.records.length, bytes: bytes.length }
  context.out(
    flags.json
      ? `${JSON.stringify(told)}\n`
      : `${told.keys} keys at index ${index}, ${bytes.length} bytes in ${file}\n`,
  )
}

/**
 * An earlier backup of that name stays whole until this one is: the disk may be full, and the earlier one the last
 * there is.
 */
async function keep(file: string, bytes: Uint8Array): Promise<void> {
  let temporary: string | undefined
  try {
    const there = statSync(file, { throwIfNoEntry: false })
    // Pipes and devices can only be written to.
    if (there && !there.isFile()) return writeFileSync(file, bytes)
    const path = there ? realpathSync(file) : file
    temporary = `${path}.tmp`
    const { nodeFileSystem, replaceFile } = await import('../../storage/file-system.ts')
    await replaceFile(nodeFileSystem, path, bytes)
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true })
    throw usageError(`${file} cannot be written (${(error as NodeJS.ErrnoException).code})`)
  }
}

async function found(
  flags: FoundFlags,
  context: CommandContext,
  read: () => Promise<Parameters<typeof import('../../recovery/found-anew.ts').foundAnew>[0]>,
): Promise<void> {
  if (!flags.yes)
    throw usageError('this founds a new cluster in the place of the old one; say --yes when that one is gone for good')
  const { foundAnew } = await import('../../recovery/found-anew.ts')
  const founded: Founded = await foundAnew(await read(), flags)
  if (flags.json) return context.out(`${JSON.stringify(founded)}\n`)
  context.err(
    `cluster ${founded.clusterId} takes the place of ${founded.replaces}: its members are refused from now on\n`,
  )
  context.out(`${founded.keys} keys; start it: trellis node --data-dir ${flags.dataDir} …\n`)
}

function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (error) {
    throw usageError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
