// Hosts of their own for the members of a story: network namespaces, joined by a bridge whose frames nftables drops, or
// by a switch in user space that can also delay them. All of it lives in a network and a mount namespace of this
// process, so nothing of the machine is touched and all is gone when the process ends. Whoever watches sits beside the
// members, and no weather touches what it says.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ClusterProcess } from '../../../src/testing/process-member.ts'
import type { ProcessHost } from '../../../src/testing/processes.ts'
import type { Hardship, Network, Weather } from './network.ts'

const prefix = 'story'
const network = '198.18.0'
const ownHost = 254
const inside = 'TRELLIS_STORY_NAMESPACE'
/** Names of namespaces are files there; a file system of its own keeps them from the machine. */
const enter = 'mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip link set lo up && exec "$@"'

/** Why there can be no network namespaces here; undefined when there can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const missing = ['unshare', 'ip', 'nft'].find((tool) => spawnSync('which', [tool]).status !== 0)
  if (missing) return `network namespaces need the command ${missing}`
  const tried = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', enter, 'sh', 'true'], { encoding: 'utf8' })
  return tried.status === 0 ? undefined : `network namespaces are refused here: ${tried.stderr.trim()}`
}

/**
 * Runs this program again, with the same arguments, where it may make namespaces; undefined when it is there already.
 */
export function enterNamespaces(): ChildProcess | undefined {
  if (process.env[inside] === '1') return undefined
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const env = { ...process.env, [inside]: '1' }
  return spawn('unshare', ['--net', '--mount', 'sh', '-c', enter, 'sh', ...again], { stdio: 'inherit', env })
}

/** A network of `count` hosts that knows the hardship; only within {@link enterNamespaces}. */
export function namespaces(count: number, needs: Hardship): Promise<Network> {
  return needs === 'delay' ? switched(count) : bridged(count)
}

/** Why there can be no delay; undefined when there can. */
export function whyNoSwitch(): string | undefined {
  return spawnSync('python3', ['--version']).status === 0
    ? undefined
    : 'delay needs python3, for a switch in user space'
}

async function bridged(count: number): Promise<Network> {
  const hosts = hostsOf(count)
  const lines = ['link add br0 type bridge', 'link set br0 up', `addr add ${network}.${ownHost}/24 dev br0`]
  run('ip', ['-batch', '-'], lines)
  for (const host of hosts.keys()) {
    const [name, port] = [`${prefix}${host + 1}`, `v${host + 1}`]
    run('ip', ['netns', 'add', name])
    run('ip', ['link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name])
    run('ip', ['-batch', '-'], [`link set ${port} master br0`, `link set ${port} up`])
    const own = ['link set lo up', `addr add ${network}.${host + 1}/24 dev eth0`, 'link set eth0 up']
    run('ip', ['-n', name, '-batch', '-'], own)
  }
  run(
    'nft',
    ['-f', '-'],
    ['table bridge story { chain weather { type filter hook forward priority 0; policy accept; }; }'],
  )
  return {
    name: 'namespaces',
    hosts,
    cannot: (hardship) => (hardship === 'delay' ? 'delay needs the switch in user space' : undefined),
    set: async (_, weather) => run('nft', ['-f', '-'], ['flush chain bridge story weather', ...rulesOf(weather)]),
    [Symbol.asyncDispose]: async () => {
      run('nft', ['delete', 'table', 'bridge', 'story'])
      for (const host of hosts.keys()) {
        // A namespace takes its devices with it only some time later.
        run('ip', ['link', 'del', `v${host + 1}`])
        run('ip', ['netns', 'del', `${prefix}${host + 1}`])
      }
      run('ip', ['link', 'del', 'br0'])
    },
  }
}

function rulesOf({ cuts = [], loss }: Weather): string[] {
  const add = 'add rule bridge story weather'
  const cut = cuts.map(({ from, to }) => `${add} iifname v${numberOf(from)} oifname v${numberOf(to)} drop`)
  if (!loss) return cut
  const drop = `numgen random mod 100 < ${loss.percent} drop`
  return [...cut, ...['iifname', 'oifname'].map((side) => `${add} ${side} v${numberOf(loss.node)} ${drop}`)]
}

async function switched(count: number): Promise<Network> {
  const program = fileURLToPath(new URL('switch.py', import.meta.url))
  const child = spawn('python3', [program, String(count), prefix, network], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async (expected: string): Promise<void> => {
    const { value } = await answers.next()
    if (value !== expected) throw new Error(`the switch says ${value}`)
  }
  await answer('ready')
  return {
    name: 'namespaces',
    hosts: hostsOf(count),
    cannot: () => undefined,
    set: async (_, { cuts = [], loss, delay }) => {
      const weather = {
        cuts: cuts.map(({ from, to }) => [numberOf(from), numberOf(to)]),
        loss: loss && { host: numberOf(loss.node), percent: loss.percent },
        delay: delay && { host: numberOf(delay.node), ms: delay.ms },
      }
      child.stdin.write(`${JSON.stringify(weather)}\n`)
      await answer('ok')
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await ended
      for (let host = 1; host <= count; host++) run('ip', ['netns', 'del', `${prefix}${host}`])
    },
  }
}

function hostsOf(count: number): ProcessHost[] {
  return Array.from({ length: count }, (_, i) => ({
    ip: `${network}.${i + 1}`,
    prefix: ['ip', 'netns', 'exec', `${prefix}${i + 1}`],
  }))
}

/** `node-3` lives on host 3. */
function numberOf({ name }: ClusterProcess): number {
  return Number(name.slice('node-'.length))
}

function run(command: string, words: readonly string[], input: readonly string[] = []): void {
  const { status, stderr } = spawnSync(command, words, { input: `${input.join('\n')}\n`, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr.trim()}`)
}
