// Checks docker-compose.cluster.yml with real containers: up, one more member, a member cut off and back, paused,
// killed, all down. Without docker, compose or the base image it says so and checks nothing; under
// TRELLIS_REQUIRE_ALL=1 that is a failure. `scripts/containers/prepare.sh` brings them to a bare Debian machine.
//
//   node scripts/check-compose.ts

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../src/free-ports.ts'

const root = resolve(import.meta.dirname, '..')
const project = `trellis-check-${process.pid}`
const baseImage = 'node:24-bookworm-slim'
const buildTimeoutMs = 420_000
const conditionTimeoutMs = 90_000

interface Member {
  readonly name: string
  readonly state: string
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const options = { cwd: root, encoding: 'utf8', timeout: buildTimeoutMs, env: { ...process.env, ...env } } as const
  const { status, stdout, stderr, error } = spawnSync(command, args, options)
  return { isDone: status === 0, text: `${stdout ?? ''}${error?.message ?? stderr ?? ''}`, stdout: stdout ?? '' }
}

function missing(): string | undefined {
  if (!run('docker', ['info']).isDone) return 'there is no docker daemon'
  if (!run('docker', ['compose', 'version']).isDone) return 'there is no docker compose 2'
  if (!run('docker', ['image', 'inspect', baseImage]).isDone) return `there is no image ${baseImage}`
  return undefined
}

class Containers {
  readonly #port: number
  readonly #token = readFileSync(join(root, 'deploy/compose/admin-token'), 'utf8').trim()

  constructor(port: number) {
    this.#port = port
  }

  /** Runs `docker compose …` and answers what it printed; throws what went wrong. */
  compose(...args: string[]): string {
    const all = ['compose', '-p', project, '-f', 'docker-compose.cluster.yml', ...args]
    return this.#must(run('docker', all, { TRELLIS_PAGE_PORT: String(this.#port) }), all)
  }

  docker(...args: string[]): string {
    return this.#must(run('docker', args), args)
  }

  /** The daemon cannot freeze a container at the moment at which a process of it begins, as each health check does. */
  async pause(container: string): Promise<void> {
    const args = ['pause', container]
    let last = run('docker', args)
    for (let left = 20; left > 0 && last.text.includes('unable to freeze'); left--) {
      await sleep(500)
      last = run('docker', args)
    }
    this.#must(last, args)
  }

  /** The container of a service. */
  of(service: string): string {
    return this.compose('ps', '-aq', service).trim()
  }

  /** As node-1 tells whoever asks it from outside with the token. */
  async members(): Promise<readonly Member[]> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#port}/v1/members`, {
        headers: { authorization: `Bearer ${this.#token}` },
        signal: AbortSignal.timeout(2_000),
      })
      return ((await response.json()) as { members: Member[] }).members ?? []
    } catch {
      // Not up yet, or just going; whoever waits has a deadline.
      return []
    }
  }

  async until(what: string, condition: (members: readonly Member[]) => boolean): Promise<void> {
    const begun = performance.now()
    for (;;) {
      const members = await this.members()
      if (condition(members)) break
      if (performance.now() - begun > conditionTimeoutMs)
        throw new Error(
          `still not: ${what}; members: ${JSON.stringify(members)}\n${this.compose('logs', '--tail', '5')}`,
        )
      await sleep(100)
    }
    console.log(`${what}: ${((performance.now() - begun) / 1_000).toFixed(1)} s`)
  }

  #must({ isDone, text, stdout }: ReturnType<typeof run>, args: readonly string[]): string {
    if (!isDone) throw new Error(`docker ${args.join(' ')}: ${text}`)
    return stdout
  }
}

const alive = (count: number) => (members: readonly Member[]) =>
  members.length === count && members.every(({ state }) => state === 'alive')
const state = (name: string, wanted: string) => (members: readonly Member[]) =>
  members.some((member) => member.name === name && member.state === wanted)

async function tell(containers: Containers): Promise<void> {
  containers.compose('up', '-d', '--build')
  await containers.until('five members see each other', alive(5))
  const id = containers.docker('exec', containers.of('node-2'), 'id', '-un').trim()
  if (id !== 'node') throw new Error(`a member runs as ${id}`)
  const seen = JSON.parse(containers.docker('exec', containers.of('node-2'), 'trellis', 'status', '--json'))
  if (seen.cluster.alive !== 5) throw new Error(`the command in a container sees ${JSON.stringify(seen.cluster)}`)

  containers.compose('up', '-d', '--no-recreate', '--scale', 'member=1')
  await containers.until('one more member has joined', alive(6))

  const four = containers.of('node-4')
  const network = `${project}_cluster`
  containers.docker('network', 'disconnect', network, four)
  await containers.until('a member that is cut off is down', state('node-4', 'down'))
  containers.docker('network', 'connect', '--alias', 'node-4', '--alias', 'members', network, four)
  await containers.until('and back when its network is', alive(6))

  await containers.pause(containers.of('node-3'))
  await containers.until('a member that is paused is down', state('node-3', 'down'))
  containers.docker('unpause', containers.of('node-3'))
  await containers.until('and back when it runs again', alive(6))

  containers.docker('kill', containers.of('node-5'))
  await containers.until('a member that is killed is down', state('node-5', 'down'))
  containers.docker('start', containers.of('node-5'))
  await containers.until('and back when it is started', alive(6))

  containers.compose('stop', 'node-2')
  await containers.until('a member that is stopped has left', state('node-2', 'left'))
  const code = containers.docker('inspect', '-f', '{{.State.ExitCode}}', containers.of('node-2')).trim()
  if (code !== '0') throw new Error(`a stopped member ended with ${code}`)
}

const reason = missing()
if (reason !== undefined) {
  console.log(`not run: the cluster in containers: ${reason}`)
  process.exit(process.env.TRELLIS_REQUIRE_ALL === '1' ? 1 : 0)
}
const containers = new Containers(await freePort())
try {
  await tell(containers)
} finally {
  containers.compose('down', '-v', '-t', '10')
}
