// The command `trellis`: its verbs, and what all of them share: how they are parsed, how they fail, how they end. What
// a verb does is in its own file under `commands/`.

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { closestWord } from '../closest-word.ts'
import { ClusterError } from '../errors.ts'
import { addBackup } from './commands/backup.ts'
import { addBench } from './commands/bench.ts'
import { addChannels } from './commands/channels.ts'
import { addConfig } from './commands/config.ts'
import { addDoctor } from './commands/doctor.ts'
import { addLeader } from './commands/leader.ts'
import { addLocks } from './commands/locks.ts'
import { addLog } from './commands/log.ts'
import { addMembers } from './commands/members.ts'
import { addMerge } from './commands/merge.ts'
import { addNode } from './commands/node.ts'
import { addServices } from './commands/services.ts'
import { addSimulate } from './commands/simulate.ts'
import { addStatus } from './commands/status.ts'
import { addTop } from './commands/top.ts'
import { addTopology } from './commands/topology.ts'
import { addUp } from './commands/up.ts'
import { addWhy } from './commands/why.ts'
import type { CommandContext } from './context.ts'
import { AnsweredNo, describeFailure, exitCodeOf, toFailure, usageError } from './failure.ts'
import { parentVariable, watchParent } from './parent.ts'

const description = 'Processes form a cluster, agree through Raft and find each other by name: no broker, no server.'

const epilogue = `
Exit codes: 0 done, 1 refused, 2 used wrongly, 3 the node asked cannot be reached.
Errors are one line on stderr, 'trellis: ERR_CODE: …', or one JSON object with --json; docs/errors.md explains every code.

Examples:
  trellis up --nodes 5
  trellis status
  trellis node --help`

/** Runs the command line `argv` (without node and script) in this process and resolves to the exit code. */
export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const json = argv.includes('--json')
  const program = createProgram(context)
  try {
    await program.parseAsync(understood(program, argv), { from: 'user' })
    return 0
  } catch (thrown) {
    const error = misspelt(thrown, program) ?? lacking(thrown, program, argv) ?? thrown
    // Help and version that were asked for are thrown, too.
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    if (error instanceof AnsweredNo) return 1
    context.err(describeFailure(error, json))
    if (toFailure(error).code === 'ERR_INTERNAL' && context.env.TRELLIS_LOG === 'debug')
      context.err(`${(error as Error).stack}\n`)
    return exitCodeOf(error)
  }
}

/** `help config get` asks what `config get --help` does; of a command that there is not, there is no help. */
function understood(program: Command, argv: readonly string[]): string[] {
  const isHelp = argv[0] === 'help'
  const words = isHelp ? argv.slice(1) : argv
  let command = program
  for (const [depth, word] of words.entries()) {
    if (word.startsWith('-') || command.commands.length === 0) break
    const next = command.commands.find((each) => each.name() === word)
    if (next === undefined && word === 'help') break
    // Without its flags it is refused for what it is.
    if (next === undefined) return isHelp && depth === 0 ? ['help', word] : words.slice(0, depth + 1)
    command = next
  }
  return isHelp && command !== program ? [...words, '--help'] : [...argv]
}

/** A flag that wants a value takes the one behind it for it: that is more likely one that was left without. */
function refuseSwallowed(_program: Command, command: Command): void {
  const names = command.options.flatMap(({ long, short }) => [long, short]).filter((name) => name !== undefined)
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName())
    if (typeof value !== 'string' || !names.includes(value)) continue
    throw usageError(`option '${option.flags}' argument missing: '${value}' is a flag of its own`)
  }
}

/** What stands where a command of a command should is that, misspelt, and not an argument too many. */
function misspelt(error: unknown, program: Command): unknown {
  if (!(error instanceof CommanderError) || error.code !== 'commander.excessArguments') return undefined
  const command = program.commands.find((each) => error.message.includes(`'${each.name()}'`))
  const [word] = command?.args ?? []
  if (command === undefined || command.commands.length === 0 || word === undefined) return undefined
  const meant = closestWord(
    word,
    command.commands.map((each) => each.name()),
  )
  const hint = meant === undefined ? '' : ` (Did you mean ${meant}?)`
  return usageError(`unknown command '${command.name()} ${word.slice(0, 64)}'${hint}`)
}

/** What a command lacks, with where its own help is. */
function lacking(error: unknown, program: Command, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError) || error.exitCode === 0) return undefined
  const { name, command } = commandOf(program, argv)
  const words = command.commands.map((each) => each.name()).join(', ')
  switch (error.code) {
    case 'commander.help':
      if (argv[0] === 'help') return usageError(`unknown command '${argv.slice(1).join(' ').slice(0, 64)}'`)
      if (command === program) return undefined
      return usageError(`a command of '${name}' is missing: ${words}; '${name} --help' says what each does`)
    case 'commander.missingArgument':
    case 'commander.missingMandatoryOptionValue':
      return usageError(`${error.message.replace(/^error: /, '')}; '${name} --help' says how it is used`)
    default:
      return undefined
  }
}

/** The command that `argv` names, however deep. */
function commandOf(program: Command, argv: readonly string[]): { readonly name: string; readonly command: Command } {
  let [name, command] = [program.name(), program]
  for (const word of argv) {
    const next = command.commands.find((each) => each.name() === word)
    if (next === undefined) continue
    name += ` ${word}`
    command = next
  }
  return { name, command }
}

/** The process's own command line, to its end. Never resolves: the process ends with the exit code. */
export async function main(): Promise<never> {
  let code: number
  const output = watchOutput()
  try {
    const parentGone = watchParent(process.env)
    // For this process alone; what it starts is given its own.
    delete process.env[parentVariable]
    code = await run(process.argv.slice(2), {
      env: process.env,
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
      isTerminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
      parentGone,
      outputGone: output.gone,
    })
  } catch (error) {
    process.stderr.write(describeFailure(error, process.argv.includes('--json')))
    code = exitCodeOf(error)
  }
  await flushed(process.stdout)
  if (output.isLost()) code ||= 1
  await flushed(process.stderr)
  process.exit(code)
}

/**
 * What cannot be written to stdout, on a disk that is full say, is told once. A reader that went away is no failure.
 */
function watchOutput(): { readonly gone: AbortSignal; isLost(): boolean } {
  const gone = new AbortController()
  let isLost = false
  process.stderr.on('error', () => {})
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    gone.abort()
    if (isLost || code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return
    isLost = true
    const problem = `the answer cannot be written to the standard output (${code ?? message})`
    const error = new ClusterError('ERR_DISK', problem, { path: 'stdout' }, { mayHaveHappened: true })
    process.stderr.write(describeFailure(error, process.argv.includes('--json')))
  })
  return { gone: gone.signal, isLost: () => isLost }
}

function createProgram(context: CommandContext): Command {
  const program = new Command('trellis')
    .description(description)
    .version(version(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this, or the help of a command')
    .addHelpText('after', epilogue)
    .exitOverride()
    .hook('preAction', refuseSwallowed)
    // What follows a command is the command's own.
    .enablePositionalOptions()
    // Help goes to where the answer goes; errors are thrown and shown once, above.
    .configureOutput({ writeOut: context.out, writeErr: () => {}, outputError: () => {} })
  for (const add of [
    addUp,
    addNode,
    addStatus,
    addMembers,
    addTopology,
    addWhy,
    addLeader,
    addMerge,
    addConfig,
    addBackup,
    addChannels,
    addLocks,
    addLog,
    addSimulate,
    addBench,
    addDoctor,
    addServices,
    addTop,
  ])
    add(program, context)
  return program
}

/** From the package's own description: two folders above the sources, three above what is built of them. */
function version(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
      if (name === '@viable-systems/trellis') return version
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return 'unknown'
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    // What went wrong with the last write is told a turn later.
    if (stream.destroyed || !stream.writable || stream.writableLength === 0) setImmediate(resolve)
    else stream.write('', () => setImmediate(resolve))
  })
}
