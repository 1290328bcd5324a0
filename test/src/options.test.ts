import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { raftPresets } from '../../consensus/index.ts'
import { nodeSettings } from '../../src/cli/settings.ts'
import { staticDiscovery } from '../../src/discovery/static.ts'
import { ClusterError, type ErrorCode } from '../../src/errors.ts'
import { optionNames } from '../../src/option-checks.ts'
import { defaultName, type NodeOptions, resolveOptions } from '../../src/options.ts'
import { tcpProvider } from '../../src/transport/provider.ts'
import { fullMesh, swimPresets } from '../../topology/index.ts'

const secret = 'sixteen-bytes-at-least'

function refusal(raw: object, code: ErrorCode = 'ERR_BAD_OPTIONS'): string {
  try {
    resolveOptions(raw as NodeOptions)
  } catch (error) {
    assert.ok(error instanceof ClusterError)
    assert.equal(error.code, code)
    return error.message
  }
  return assert.fail('the options were accepted')
}

describe('resolveOptions', () => {
  it('fills in the defaults of the contract', () => {
    const { logger, warnings, ...options } = resolveOptions({})
    assert.deepEqual(
      { ...options, secrets: options.secrets.length },
      {
        name: undefined,
        cluster: 'trellis',
        listen: '127.0.0.1:7400',
        transports: ['tcp'],
        advertise: undefined,
        join: [],
        providers: [],
        clientOrigins: [],
        dns: undefined,
        federation: undefined,
        expect: undefined,
        secrets: 1,
        developmentSecret: true,
        dataDir: undefined,
        admin: undefined,
        adminTokens: undefined,
        topology: 'full-mesh',
        topologyAuto: undefined,
        overlays: [],
        overlayOptions: {},
        roles: [],
        zone: '',
        profile: 'lan',
        keepStalledMs: 30_000,
        handlerConcurrency: 64,
        voters: 5,
        replaceVoterAfterMs: 30_000,
        snapshotEntries: 10_000,
        coordination: undefined,
        allowFaults: false,
        signal: undefined,
        timeoutMs: 60_000,
      },
    )
    assert.equal(warnings.length, 2, 'the development secret and the missing data directory are said')
    assert.equal(typeof logger.info, 'function')
  })

  it('freezes the result, its lists too', () => {
    const options = resolveOptions({ roles: ['a'], join: ['b:1'], adminToken: { read: secret } })
    for (const part of [options, options.roles, options.join, options.secrets, options.adminTokens, options.warnings])
      assert.ok(Object.isFrozen(part))
  })

  it('takes join as a list or as text with commas', () => {
    assert.deepEqual(resolveOptions({ join: 'a:1, b:2,' }).join, ['a:1', 'b:2'])
    assert.deepEqual(resolveOptions({ join: ['a:1', '[::1]:2'] }).join, ['a:1', '[::1]:2'])
  })

  it('takes names in DNS and providers beside addresses', () => {
    const mine = staticDiscovery(['c:3'])
    const { join, providers } = resolveOptions({ join: ['a:1', 'dns://peers:2', mine] })
    assert.deepEqual([join, providers.map(({ name }) => name)], [['a:1'], ['dns://peers:2', '1 addresses']])
    assert.deepEqual(resolveOptions({ join: mine }).providers, [mine])
    assert.equal(resolveOptions({ join: 'a:1, dns+srv://_t._tcp.peers' }).providers.length, 1)
  })

  it('takes a keyring in its order', () => {
    assert.deepEqual(resolveOptions({ secret: [secret, `${secret} old`] }).secrets, [secret, `${secret} old`])
  })

  it('uses what the data directory holds where the options are silent', () => {
    const stored = { secret, join: ['a:1'], expect: 3 }
    const options = resolveOptions({ dataDir: 'd' }, stored)
    assert.deepEqual([options.secrets, options.join, options.expect], [[secret], ['a:1'], 3])
    assert.deepEqual(options.warnings, [])
    const overruled = resolveOptions({ dataDir: 'd', join: ['b:1'], expect: 5, secret: `new ${secret}` }, stored)
    assert.deepEqual([overruled.secrets, overruled.join, overruled.expect], [[`new ${secret}`], ['b:1'], 5])
    assert.equal(resolveOptions({ listen: '10.0.0.1:1' }, stored).developmentSecret, false)
  })

  it('checks what the data directory holds', () => {
    assert.throws(() => resolveOptions({}, { secret: 'short' }), /in the data directory: secret has 5 bytes/)
  })

  it('wants a secret when a transport listens beyond loopback, also behind a relay', () => {
    const { claims, wordsFor, create } = tcpProvider
    const listening = (listen: string) => ({ transport: { name: 'own', listen: [listen], claims, wordsFor, create } })
    resolveOptions(listening('/ip4/127.0.0.1/tcp/0'))
    for (const listen of ['/ip4/10.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/4001/p2p/x/p2p-circuit'])
      assert.match(refusal(listening(listen), 'ERR_SECRET_REQUIRED'), /a secret is required/)
  })

  it('reports every problem at once, with the values', () => {
    const message = refusal({ listne: 'x', name: 's5', expect: 0, profile: 'moon', listen: 'nowhere' })
    for (const part of [
      /unknown option 'listne', did you mean 'listen'\?/,
      /name \('s5'\) is reserved/,
      /expect \(0\) must be a whole number from 1 to 1000/,
      /profile \('moon'\) must be 'local', 'lan', 'wan'/,
      /listen \('nowhere'\) must be HOST:PORT/,
    ])
      assert.match(message, part)
  })

  it('keeps the problems apart in the details', () => {
    assert.throws(
      () => resolveOptions({ name: '', zone: '!' }),
      (error: ClusterError<'ERR_BAD_OPTIONS'>) => error.details.problems.length === 2,
    )
  })

  const refused: readonly [title: string, raw: object, message: RegExp][] = [
    ['a name with a space', { name: 'a b' }, /name \('a b'\) must be 1 to 63 letters/],
    ['a name that looks like an id', { name: '12D3KooWabc' }, /looks like a member id/],
    ['a port above 65535', { listen: '127.0.0.1:70000' }, /has a port above 65535/],
    ['an address with half an IPv4 number', { listen: '127.0.0:1' }, /must be HOST:PORT/],
    ['IPv6 without brackets', { listen: '::1:7400' }, /in \[brackets\]/],
    ['a wildcard without advertise', { listen: '0.0.0.0:7400', secret }, /advertise must say what can/],
    ['a wildcard as advertise', { advertise: '[::]:7400' }, /cannot be dialed by others/],
    [
      'an unknown transport',
      { transport: 'udp' },
      /transport \('udp'\) must be 'tcp', 'libp2p' or what libp2p\(\) gives/,
    ],
    ['the same transport twice', { transport: ['tcp', 'tcp'] }, /has a second 'tcp'/],
    ['what is no origin', { clientOrigins: ['https://a/b'] }, /has 'https:\/\/a\/b', which is no origin/],
    ['no transport', { transport: [] }, /must be 1 to 4 transports/],
    ['what is no transport', { transport: {} }, /what libp2p\(\) gives/],
    ['a multiaddr of every interface', { listen: '/ip4/0.0.0.0/tcp/1', secret }, /advertise must say what can/],
    ['port 0 in join', { join: ['a:0'] }, /cannot have port 0/],
    ['one bad address among many', { join: ['a:1', 'b'] }, /join .* has 'b', which must be HOST:PORT/],
    [
      'bad addresses among many, all of them',
      { join: ['a:1', 'b', 'c:0', 'dns://d', 5] },
      /has 'b', which must be HOST:PORT, 'c:0', which cannot have port 0, 'dns:\/\/d', which must be dns:\/\/NAME:PORT, 5, which must be HOST:PORT or a provider/,
    ],
    [
      'a provider that cannot announce',
      { join: [{ name: 'mine', watch() {}, announce: 1 }] },
      /has an announce that is no function/,
    ],
    ['a list of parameters of the adviser', { topologyAuto: [] }, /must be true, false, or parameters/],
    ['a wrong name in DNS', { join: 'dns://x' }, /must be dns:\/\/NAME:PORT/],
    ['what is no provider', { join: [{ watch() {} }] }, /a provider with a name and watch\(\)/],
    ['a short secret', { secret: 'too short' }, /secret has 9 bytes, at least 16 are needed/],
    ['an empty keyring', { secret: [] }, /empty keyring/],
    ['a short admin token', { adminToken: 'abc' }, /adminToken has 3 bytes/],
    ['a token with a space', { adminToken: { read: 'sixteen bytes of token' } }, /for the role read must be ASCII/],
    ['a token for an unknown role', { adminToken: { root: secret } }, /unknown role 'root'/],
    ['one token for two roles', { adminToken: { read: secret, admin: secret } }, /same token for two roles/],
    [
      'an overlay that is none',
      { overlays: [{ name: 'ring' } as never] },
      /overlays .*has 'ring', which is no overlay/,
    ],
    ['an overlay under a name that is taken', { overlays: [fullMesh] }, /has a second 'full-mesh'/],
    ['an unknown topology', { topology: 'ring' }, /topology \('ring'\) must be .*full-mesh/],
    ['seventeen roles', { roles: Array.from({ length: 17 }, (_, i) => `r${i}`) }, /at most 16 roles/],
    ['an unknown log level', { logger: 'loud' }, /logger \('loud'\) must be a logger or 'silent'/],
    ['half a logger', { logger: { info() {} } }, /must be a logger/],
    ['admin at the address of listen', { listen: '127.0.0.1:1', admin: '127.0.0.1:1' }, /must not be the address/],
    ['no time to start', { timeoutMs: 0 }, /timeoutMs \(0\)/],
    ['a signal that is none', { signal: 'SIGINT' }, /must be an AbortSignal/],
    [
      'parameters that overlays refuse, all of them',
      { overlayOptions: { hyparview: { activeSize: 1, active: 6 }, ring: {}, 'full-mesh': 3 } as object },
      /hyparview\.active is not an option; .*hyparview\.activeSize \(1\) must be from 2.*overlayOptions\.ring must be of.*full-mesh \(3\)/,
    ],
    [
      'an adviser that cannot be',
      { topologyAuto: { stableMs: -1, speed: 2 } as object },
      /topologyAuto .* adviser\.speed is not an option, adviser\.stableMs \(-1\) must be from 0/,
    ],
    [
      'numbers where text belongs',
      { name: 1, cluster: 2, listen: 3, join: 4, secret: 5, dataDir: 6 },
      /; .*; .*; .*; .*; /,
    ],
  ]
  for (const [title, raw, message] of refused) it(`refuses ${title}`, () => assert.match(refusal(raw), message))

  it('never shows a secret or a token', () => {
    const message = refusal({ secret: 'hunter2', adminToken: { read: 'hunter3' } })
    assert.doesNotMatch(message, /hunter/)
  })

  it('says once what is wrong with one value, and shows it as it was given', () => {
    assert.equal(refusal({ topology: 7 } as never), 'topology (7) must be a text')
    assert.match(refusal({ timeoutMs: Number.NaN }), /timeoutMs \(NaN\)/)
    assert.match(refusal({ expect: Number.POSITIVE_INFINITY }), /expect \(Infinity\)/)
  })

  it('requires a secret as soon as others can reach it', () => {
    assert.match(refusal({ listen: '10.0.0.1:7400' }, 'ERR_SECRET_REQUIRED'), /listen \('10.0.0.1:7400'\)/)
    for (const listen of ['127.0.0.1:0', '127.9.9.9:0', '[::1]:0', 'localhost:0'])
      assert.equal(resolveOptions({ listen }).developmentSecret, true)
  })

  it('requires an admin token as soon as others can reach the admin', () => {
    refusal({ admin: '0.0.0.0:7500' }, 'ERR_ADMIN_TOKEN_REQUIRED')
    assert.deepEqual(resolveOptions({ admin: '0.0.0.0:7500', adminToken: secret }).adminTokens, { admin: secret })
    assert.equal(resolveOptions({ admin: false }).admin, undefined)
  })

  it('reports a missing secret and a missing token together', () => {
    const message = refusal({ listen: '10.0.0.1:1', admin: '10.0.0.1:2' })
    assert.match(message, /a secret is required.*an adminToken is required/)
  })
})

describe('defaultName', () => {
  it('is the host name and the port, made fit for a name', () => {
    assert.equal(defaultName('web.example.org', 7400), 'web-7400')
    assert.equal(defaultName('-ümlaut', 1), 'mlaut-1')
    assert.equal(defaultName('', 1), 'node-1')
  })
})

describe('docs/options.md', () => {
  const text = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8')
  const section = (title: string): string => text.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? ''
  const rows = (title: string): string[][] =>
    [...section(title).matchAll(/^\| (`.*) \|$/gm)].map((match) => match[1]!.split('|').map((cell) => cell.trim()))

  it('has a row for every option of createNode, and no other', () => {
    assert.deepEqual(
      rows('Options of a node')
        .map(([name]) => name!.replaceAll('`', ''))
        .sort(),
      [...optionNames].sort(),
    )
  })

  it('names the flag and the variable of every setting of the command', () => {
    const table = rows('Options of a node')
    for (const { flag, variable } of nodeSettings) {
      const name = flag.split(' ', 1)[0]!
      const row = table.find((cells) => cells[1] === `\`${name}\``)
      assert.ok(row, name)
      assert.ok(row[2]!.includes(`\`${variable}\``), `${name} ${variable}`)
    }
    assert.equal(table.filter((cells) => cells[1]).length, nodeSettings.length)
  })

  it('has every number that differs between the profiles, as it is', () => {
    const presets = { raft: raftPresets, swim: swimPresets }
    const differing = Object.entries(presets).flatMap(([part, { local, lan, wan }]) =>
      Object.entries(lan).flatMap(([name, value]) => {
        const values = [Reflect.get(local, name), value, Reflect.get(wan, name)]
        return new Set(values).size > 1 ? [[`${part}.${name}`, ...values.map(String)].join(' ')] : []
      }),
    )
    const documented = rows('Timing by profile').map((cells) => cells.join(' ').replace(/[`,]/g, ''))
    assert.deepEqual(documented.sort(), differing.sort())
  })
})
