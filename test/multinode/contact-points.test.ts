import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort, freePorts } from '../../src/free-ports.ts'
import { waitUntil } from '../../src/testing/compliance/wait-until.ts'
import { NameServer } from '../src/discovery/name-server.ts'
import { RecordedConsul } from '../src/discovery/recorded-consul.ts'
import { RecordedKubernetes } from '../src/discovery/recorded-kubernetes.ts'

const program = fileURLToPath(new URL('fixtures/contact.ts', import.meta.url))
const count = 5
const rounds = Number(process.env.TRELLIS_ROUNDS ?? 1)

/** Starts them all at once, and gives the clusters that they came to be in. */
async function clustersOf(
  addresses: readonly string[],
  provider: Readonly<Record<string, string>>,
): Promise<Set<string>> {
  const started: ChildProcess[] = addresses.map((address, at) =>
    fork(program, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...process.env,
        ...provider,
        CONTACT_NAME: `c${at}`,
        CONTACT_LISTEN: address,
        CONTACT_EXPECT: String(count),
      },
    }),
  )
  try {
    const ids = started.map(async (member) => {
      const ended = once(member, 'exit').then(() => assert.fail('a member has ended'))
      const [id] = (await Promise.race([once(member, 'message'), ended])) as [string]
      return id
    })
    return new Set(await Promise.all(ids))
  } finally {
    await Promise.all(
      started.map(async (member) => {
        const ended = once(member, 'exit')
        member.disconnect()
        await ended
      }),
    )
  }
}

const at = (port: number): string => `127.0.0.1:${port}`

describe(`${count} processes that are started at once and know each other from a provider alone`, () => {
  it('form one cluster: a list', async () => {
    for (let round = 0; round < rounds; round++) {
      const addresses = (await freePorts(count)).map(at)
      const clusters = await clustersOf(addresses, { CONTACT_JOIN: addresses.join() })
      assert.equal(clusters.size, 1)
    }
  })

  it('form one cluster: DNS', async () => {
    const server = await NameServer.open()
    server.hosts.set('127.0.0.1', ['127.0.0.1'])
    for (let round = 0; round < rounds; round++) {
      const ports = await freePorts(count)
      const records = ports.map((port) => ({ target: '127.0.0.1', port }))
      server.services.set('_trellis._tcp.test', records)
      const clusters = await clustersOf(ports.map(at), {
        CONTACT_JOIN: `dns+srv://_trellis._tcp.test?resolver=${server.address}`,
      })
      assert.equal(clusters.size, 1)
    }
    await server.close()
  })

  it('form one cluster: Consul, where they announce themselves', async () => {
    for (let round = 0; round < rounds; round++) {
      const consul = await RecordedConsul.open()
      const clusters = await clustersOf((await freePorts(count)).map(at), { CONTACT_CONSUL: consul.url })
      assert.equal(clusters.size, 1)
      await consul.close()
    }
  })

  it('form one cluster: Kubernetes, whose endpoints come one after the other', async () => {
    for (let round = 0; round < rounds; round++) {
      const kubernetes = await RecordedKubernetes.open()
      const folder = await mkdtemp(join(tmpdir(), 'trellis-contact-'))
      const config = join(folder, 'config')
      await writeFile(config, kubernetes.config.exportConfig())
      // All endpoints of a slice have one port, so each member has an address of its own.
      const hosts = Array.from({ length: count }, (_, member) => `127.0.0.${member + 1}`)
      const port = await freePort()
      const environment = { CONTACT_KUBERNETES: 'cluster', CONTACT_PORT: String(port), KUBECONFIG: config }
      const forming = clustersOf(
        hosts.map((host) => `${host}:${port}`),
        environment,
      )
      for (const [member] of hosts.entries()) {
        kubernetes.name(hosts.slice(0, member + 1))
        await waitUntil(() => kubernetes.watching > member, 30_000)
      }
      assert.equal((await forming).size, 1)
      await kubernetes.close()
      await rm(folder, { recursive: true })
    }
  })
})
