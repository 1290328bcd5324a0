// `trellis doctor`: would the node that these flags start run well here, and find its cluster? One line for each thing
// looked at: what was found and, if it is not good, what to do. The checks are in `doctor/`.

import type { Command } from 'commander'
import type { NodeStatus } from '../../node-interface.ts'
import { askFor } from '../admin-client.ts'
import { adminToken, type ClientFlags, clientOptions, defaultAdminUrl } from '../client-flags.ts'
import type { CommandContext, JsonFlag } from '../context.ts'
import type { Finding } from '../doctor/finding.ts'
import { examine, examineIfAny } from '../doctor/running-node.ts'
import { AnsweredNo } from '../failure.ts'
import { printable } from '../output.ts'
import { addNodeFlags, readNodeSettings } from '../settings.ts'

const statusFields = ['node', 'cluster', 'consensus', 's5'] as const
/** A node on this machine answers sooner. */
const lookTimeoutMs = 1_000

const examples = `
Takes the flags, variables and file of 'trellis node', and starts nothing. Each address of --join is knocked at and shaken hands
with, and hears from there whether a member can dial back, and what its clock says; the link is closed at once, and nothing is joined. A clock
that is more than 1 s off is a warning: times in logs go by it, decisions do not.

Of --data-dir it says whether a node runs in it, and whether the log there is sound; what is there is only read.

Without any flag it also says how the node stands that answers at ${defaultAdminUrl}, if one does. With a URL as --admin, such as http://127.0.0.1:7501, it examines the node that runs there instead; exit code 3 when that cannot be reached.

Exit code 1 when there is a problem; warnings alone are 0. With --json: {"ok":true,"findings":[{"check":"node","level":"ok",…}]}.

Examples:
  trellis doctor
  trellis doctor --join 10.0.0.1:7400,10.0.0.2:7400 --listen 10.0.0.3:7400 --data-dir ./data --secret-file secret`

export function addDoctor(program: Command, context: CommandContext): void {
  addNodeFlags(program.command('doctor').description('find what would keep a node from running well here'))
    .option('--json', 'answer as one line of JSON')
    .addHelpText('after', examples)
    .action((flags: JsonFlag & Readonly<Record<string, unknown>>) => doctor(flags, context))
}

async function doctor(flags: JsonFlag & Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const { diagnose } = await import('../doctor/diagnose.ts')
  const findings: Finding[] = []
  const say = (finding: Finding): void => {
    findings.push(finding)
    if (!flags.json) context.out(describe(finding))
  }
  if (isUrl(flags.admin)) for (const finding of await running(flags, context)) say(finding)
  else {
    for await (const finding of diagnose(readNodeSettings(flags, context).options)) say(finding)
    // Nothing was said of a node that is to start: then the one is meant, too, that runs where every command looks.
    const isPlain = Object.keys(flags).every((flag) => flag === 'json')
    const there = { url: defaultAdminUrl, token: adminToken(undefined, context.env), timeoutMs: lookTimeoutMs }
    if (isPlain) for (const finding of await examineIfAny(there)) say(finding)
  }
  const ok = findings.every(({ level }) => level !== 'problem')
  if (flags.json) context.out(`${JSON.stringify({ ok, findings })}\n`)
  if (!ok) throw new AnsweredNo()
}

/** A URL is where a node answers already; `HOST:PORT` is where one is to listen. */
function isUrl(admin: unknown): admin is string {
  return typeof admin === 'string' && /^https?:\/\//.test(admin)
}

async function running(
  flags: JsonFlag & Readonly<Record<string, unknown>>,
  context: CommandContext,
): Promise<readonly Finding[]> {
  const options = clientOptions(flags as unknown as ClientFlags, context)
  return examine(await askFor<NodeStatus>(statusFields, '/v1/status', options))
}

function describe({ check, level, text, advice, code }: Finding): string {
  const what = code === undefined ? text : `${text} (${code})`
  const line = advice === undefined ? what : `${what}: ${advice}`
  return `${level.padEnd(7)}  ${check.padEnd(7)}  ${printable(line)}\n`
}
