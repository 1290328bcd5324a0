// `trellis log`: the log in a data directory, for people. It only reads, so it may be used while the node runs, and on
// a log that is damaged.

import type { Command } from 'commander'
import { type InspectedSegment, inspectLog, type LogInspection } from '../../storage/log-inspection.ts'
import type { StoredEntry } from '../../storage/log-store.ts'
import type { CommandContext, JsonFlag } from '../context.ts'
import { AnsweredNo, usageError } from '../failure.ts'
import { printable, table } from '../output.ts'

interface LogFlags extends JsonFlag {
  readonly dataDir: string
  readonly entries: string
}

const inspectExamples = `
Of a damaged log it shows what can be read, and fails with the first thing that is damaged: exit code 1, as of 'verify'.
With --json: {"directory":…,"header":…,"segments":[…],"snapshots":[…],"hardState":…,"base":…,"last":…,"problems":[],"entries":[{"index":7,"term":1,"bytes":20}]}.

Examples:
  trellis log inspect --data-dir ./data/node-1
  trellis log inspect --data-dir ./data/node-1 --entries 100`

const verifyExamples = `
Exit code 1 when a node would refuse to start with this log. A write that a crash cut short at the end is no damage: it was never
acknowledged, and the next start cuts it off. With --json: {"ok":true,"problems":[],"unfinished":0}.

Examples:
  trellis log verify --data-dir ./data/node-1`

export function addLog(program: Command, context: CommandContext): void {
  const log = program.command('log').description('look at the log in a data directory; changes nothing')
  withDirectory(log.command('inspect').description('say what the log holds'))
    .option('--entries <n>', 'show the last n entries', '10')
    .addHelpText('after', inspectExamples)
    .action((flags: LogFlags) => inspect(flags, context))
  withDirectory(log.command('verify').description('say whether a node can start with it, and if not, why'))
    .addHelpText('after', verifyExamples)
    .action((flags: LogFlags) => verify(flags, context))
}

function withDirectory(command: Command): Command {
  return command
    .requiredOption('--data-dir <dir>', 'the data directory of a node')
    .option('--json', 'answer as one line of JSON')
}

async function inspect(flags: LogFlags, { out }: CommandContext): Promise<void> {
  const wanted = Number(flags.entries)
  if (!Number.isSafeInteger(wanted) || wanted < 0) throw usageError(`--entries ${flags.entries} is no whole number`)
  const inspection = await inspectLog(flags.dataDir)
  const entries = wanted === 0 ? [] : inspection.entries.slice(-wanted)
  const { problems } = inspection
  const told = { ...inspection, entries: entries.map(brief), problems: texts(problems) }
  if (flags.json) out(`${JSON.stringify(told)}\n`)
  else out(describe(inspection, entries))
  const [damage] = problems
  if (damage !== undefined) throw damage
}

async function verify({ dataDir, json }: LogFlags, { out }: CommandContext): Promise<void> {
  const { header, segments, ...inspection } = await inspectLog(dataDir)
  const problems = texts(inspection.problems)
  const unfinished = segments.reduce((sum, segment) => sum + segment.unfinished, 0)
  const ok = problems.length === 0
  if (json) out(`${JSON.stringify({ ok, problems, unfinished })}\n`)
  else if (!ok) out(problems.map((problem) => `${printable(problem)}\n`).join(''))
  else if (header === undefined) out('sound: there is no log, this node has never voted\n')
  else out(`sound${unfinished > 0 ? `; ${unfinishedText(unfinished)}` : ''}\n`)
  if (!ok) throw new AnsweredNo()
}

function texts(problems: LogInspection['problems']): readonly string[] {
  return problems.map(({ message }) => message)
}

function brief({ index, term, command }: StoredEntry) {
  return { index, term, bytes: command?.length }
}

function describe(inspection: LogInspection, entries: readonly StoredEntry[]): string {
  const { header, format, segments, snapshots, hardState, last, problems } = inspection
  if (header === undefined && problems.length === 0) return 'there is no log: this node has never voted\n'
  const asFar = problems.length === 0 ? '' : ', as far as it can be read'
  const lines = [
    `cluster   ${header?.clusterId ?? '?'}`,
    `node      ${header?.nodeId ?? '?'}`,
    `log       ${header?.storeId ?? '?'}, format ${format ?? '?'}`,
    hardState ? `term      ${hardState.term}, voted for ${hardState.votedFor ?? 'nobody'}${asFar}` : 'term      ?',
    last ? `ends at   entry ${last.index} of term ${last.term}${asFar}` : 'ends at   ?',
    ...snapshots.map(({ index, size, configuration }) => {
      const voters = configuration.voters.map(({ id }) => id).join(' ')
      return `snapshot  behind entry ${index}, ${size} bytes, voters ${voters}`
    }),
    ...problems.map((problem) => `damage    ${problem.message}`),
  ]
  const rows = segments.map((segment) => [
    segment.file,
    String(segment.bytes),
    segment.records === undefined ? '?' : String(segment.records),
    placeOf(segment),
  ])
  const tail = entries.map((entry) => [String(entry.index), String(entry.term), contentOf(entry)])
  const parts = [
    `${lines.map(printable).join('\n')}\n`,
    table(['SEGMENT', 'BYTES', 'RECORDS', 'ENTRIES'], rows),
    ...(tail.length > 0 ? [table(['ENTRY', 'TERM', 'CONTENT'], tail)] : []),
  ]
  return parts.join('\n')
}

function placeOf({ after, last, unfinished, isLeftover, isDamaged }: InspectedSegment): string {
  if (isDamaged) return `damaged; up to it the log reaches ${last?.index ?? '?'}`
  if (isLeftover) return 'left over'
  const place = `behind ${after?.index ?? '?'}, up to ${last?.index ?? '?'}`
  return unfinished > 0 ? `${place}; ${unfinishedText(unfinished)}` : place
}

function unfinishedText(bytes: number): string {
  return `${bytes} bytes at the end are an unfinished write`
}

function contentOf({ command }: StoredEntry): string {
  return command === undefined ? 'the beginning of a term' : `${command.length} bytes`
}
