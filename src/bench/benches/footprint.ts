// What an idle member costs: its memory over that of a bare Node process, and its share of a core. Members are as
// `trellis up` starts them, three in a cluster with nothing to do; beside them three of a bare `trellis node`, with as
// many heaps of glibc as there are by default. Read once they have been idle for two minutes, for which V8 still
// compiles what an idle member does; its share of a core right after the start is told beside it. Read from /proc, so
// on Linux only.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { sparing } from '../../cli/up/node-process.ts'
import { systemClock } from '../../runtime/clock.ts'
import { startProcesses } from '../../testing/processes.ts'
import { pause } from '../../wait.ts'
import { patience } from '../cluster.ts'
import { type Bench, repeat } from '../figure.ts'
import { residentMb } from '../process-memory.ts'

const nodes = 3
/** Long enough for many probes and heartbeats. */
const windowMs = 5_000
/** A member compiles and collects for a while after it has formed its cluster. */
const settleMs = 120_000
/** Clock ticks of /proc a second: fixed by Linux's interface, whatever the kernel ticks at. */
const ticksPerSecond = 100

export const footprint: Bench = {
  name: 'footprint',
  description: 'memory and CPU of an idle member of three',
  async run(context) {
    if (process.platform !== 'linux')
      throw new Error('memory and CPU of other processes are read from /proc: Linux only')
    const over: number[] = []
    const whole: number[] = []
    const bare: number[] = []
    const young: number[] = []
    const cpu: number[] = []
    const plain: number[] = []
    await using cluster = await startProcesses(nodes, { allowFaults: false, env: sparing })
    await cluster.ready(patience)
    await using others = await startProcesses(nodes, { allowFaults: false })
    await others.ready(patience)
    const nothing = spawn(process.execPath, ['-e', 'process.send(0);setInterval(()=>{},1e6)'], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    try {
      await once(nothing, 'message')
      const pids = cluster.nodes.map(({ pid }) => pid)
      young.push(...(await shares(pids, windowMs, context.signal)))
      await pause(systemClock, settleMs, context.signal)
      await repeat(context, 'seconds of rest', async () => {
        cpu.push(...(await shares(pids, windowMs, context.signal)))
        const own = await residentMb(nothing.pid!)
        bare.push(own)
        for (const [index, pid] of pids.entries()) {
          const resident = await residentMb(pid)
          whole.push(resident)
          over.push(resident - own)
          plain.push((await residentMb(others.nodes[index]!.pid)) - own)
        }
      })
    } finally {
      nothing.kill('SIGKILL')
    }
    const baseline = 'resident memory of a bare Node process'
    return [
      { name: 'resident memory over a bare Node process', unit: 'MB', samples: over, goal: '<= 45' },
      { name: 'resident memory of a member', unit: 'MB', samples: whole, baseline },
      { name: baseline, unit: 'MB', samples: bare },
      { name: 'the same over a bare process, of a node that `up` did not start', unit: 'MB', samples: plain },
      { name: 'CPU of a core, idle', unit: '%', samples: cpu, goal: '<= 1' },
      { name: 'the same in the first seconds after the start', unit: '%', samples: young },
    ]
  },
}

/** What each process takes of a core, in percent, over some milliseconds. */
async function shares(pids: readonly number[], ms: number, signal: AbortSignal): Promise<readonly number[]> {
  const before = await Promise.all(pids.map(cpuTicks))
  const from = performance.now()
  await pause(systemClock, ms, signal)
  const seconds = (performance.now() - from) / 1_000
  const after = await Promise.all(pids.map(cpuTicks))
  return after.map((ticks, index) => ((ticks - before[index]!) / ticksPerSecond / seconds) * 100)
}

/** User and system time. The program's name, which may hold anything, is in brackets before them. */
async function cpuTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
