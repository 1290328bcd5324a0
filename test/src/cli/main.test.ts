import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type AdminServer, startAdmin } from '../../../src/admin/server.ts'
import { type FakeNode, fakeNode, memberView } from '../admin/fake-node.ts'
import { runInProcess } from './run-in-process.ts'
import { temporaryDirectory } from './run-process.ts'

describe('a command line that is wrong', () => {
  const cases: readonly [argv: string[], message: RegExp][] = [
    [[], /a command is missing; 'trellis --help' lists them/],
    [['log'], /a command of 'trellis log' is missing: inspect, verify; 'trellis log --help' says what each does/],
    [['help', 'frobnicate'], /unknown command 'frobnicate'/],
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['statsu'], /unknown command 'statsu' \(Did you mean status\?\)/],
    [['status', '--frob'], /unknown option '--frob'/],
    [['status', 'extra'], /too many arguments for 'status'/],
    [['topology', 'swich'], /unknown command 'topology swich' \(Did you mean switch\?\)/],
    [['config', 'bogus'], /unknown command 'config bogus'/],
    [['topology', 'switch'], /missing required argument 'name'; 'trellis topology switch --help' says how it is used/],
    [['log', 'inspect'], /'--data-dir <dir>' not specified; 'trellis log inspect --help' says how it is used/],
    [['status', '--admin'], /option '--admin <URL>' argument missing/],
    [['status', '--admin', 'nonsense'], /--admin \('nonsense'\) must be a URL/],
    [['status', '--admin', 'ftp://127.0.0.1'], /must begin with http/],
    [['status', '--admin-token-file', '/nonexistent'], /cannot be read \(ENOENT\)/],
    [['up', '--nodes', '0'], /whole number from 1 to 100/],
    [['up', '--nodes', '2.5'], /whole number from 1 to 100/],
    [['up', '--port', '65533', '--nodes', '5'], /--port \(65533\) leaves no room for 5 ports/],
    [['up', '--topology', 'ring'], /Allowed choices are full-mesh/],
    [['up', '--transport', 'ws'], /Allowed choices are tcp/],
    [['up', '--port', '18620', '--admin-port', '18621', '--nodes', '3'], /\(18620\) and .* \(18621\) must be 3 apart/],
    [['why', ''], /'' is invalid for argument 'NAME'. It must not be empty/],
    [['config', 'get', '..'], /no URL can name '\.\.'/],
    [['config', 'rollback', '.', '1'], /no URL can name '\.'/],
    [['why', '..'], /no URL can name '\.\.'/],
    [['locks', 'acquire', '.', '--owner', 'me'], /no URL can name '\.'/],
    [['locks', 'acquire', '', '--owner', 'me'], /argument 'name'. It must not be empty/],
    [['locks', 'acquire', 'l', '--owner', ''], /'--owner <NAME>' argument '' is invalid. It must not be empty/],
    [['locks', 'acquire', 'l', '--owner', 'me', '--lease-ms', '0'], /whole number, 1 or more/],
    [['locks', 'acquire', 'l', '--owner', '--json'], /'--owner <NAME>' argument missing: '--json' is a flag/],
    [['merge', 'garbage'], /'garbage' is invalid for argument 'ADDRESS'. It must be HOST:PORT/],
    [['merge', ''], /It must be HOST:PORT/],
    [['leader', 'transfer', ''], /must not be empty/],
    [['services', '--impact', 'a', '--calls'], /--calls and --impact exclude each other/],
    [['services', 'x', '--impact', 'y'], /--impact and NAME exclude each other/],
    [['services', '--calls', '--range', '^1'], /--calls and --range exclude each other/],
    [['frobnicate', '--help'], /unknown command 'frobnicate'/],
    [['config', 'gte', '--help'], /unknown command 'config gte' \(Did you mean get\?\)/],
    [['help', 'config', 'gte'], /unknown command 'config gte'/],
    [['node', '--config', '/nonexistent'], /--config \('\/nonexistent'\) cannot be read/],
    [['simulate', '--seeds', '0'], /whole number, 1 or more/],
    [['simulate', '--bug', 'none-such'], /there is no planted bug none-such/],
  ]
  for (const [argv, message] of cases)
    it(`is refused in one line, exit code 2: ${argv.join(' ') || '(nothing)'}`, async () => {
      const { code, out, err } = await runInProcess(argv)
      // As JSON where an argument of the case says so.
      assert.match(err, /^(trellis: ERR_USAGE: |\{"code":"ERR_USAGE",)[^\n]*\n$/)
      assert.match(err, message)
      assert.deepEqual([code, out], [2, ''])
    })

  it('is refused with one line of JSON where --json is asked for', async () => {
    const { code, err } = await runInProcess(['status', '--json', '--frob'])
    const { code: errorCode, details, retryable, mayHaveHappened } = JSON.parse(err)
    assert.deepEqual([code, errorCode, retryable, mayHaveHappened], [2, 'ERR_USAGE', false, false])
    assert.deepEqual(details, { problem: "unknown option '--frob'" })
    assert.equal(err.indexOf('\n'), err.length - 1)
  })

  it('names every problem of the options of a node at once', async () => {
    const { code, err } = await runInProcess(['node', '--listen', 'x', '--expect', 'many', '--topology', 'ring'])
    assert.equal(code, 2)
    assert.match(
      err,
      /^trellis: ERR_BAD_OPTIONS: listen \('x'\).*expect \('many'\).*topology \('ring'\) must be [^\n]*\n$/,
    )
  })
})

describe('settings of a node that are wrong', () => {
  const problemsOf = async (argv: readonly string[], env = {}): Promise<readonly string[]> => {
    const { code, out, err } = await runInProcess(['node', ...argv, '--json'], env)
    const { code: error, details } = JSON.parse(err)
    assert.deepEqual([code, out, error], [2, '', 'ERR_BAD_OPTIONS'])
    return details.problems
  }

  it('are all named at once: those of flags', async () => {
    const flags = '--listen 127.0.0.1:99999 --admin foo --voters 4 --profile bogus --expect 0 --log-level x --role ,'
    const problems = await problemsOf(flags.split(' '))
    const options = ['--role', 'logLevel', 'listen', 'expect', 'admin', 'profile', 'voters']
    assert.deepEqual(
      problems.map((text) => text.split(' ', 1)[0]),
      options,
    )
  })

  it('are all named at once: those of a file', async () => {
    using directory = temporaryDirectory()
    const file = join(directory.path, 'node.json')
    const settings = { nmae: 'x', listen: 5, voters: 4, joins: [], logLevel: 'zz', admin: 'foo', coordination: 'x' }
    writeFileSync(file, JSON.stringify(settings))
    const text = (await problemsOf(['--config', file])).join('\n')
    assert.match(text, /^unknown option 'nmae'.* 'name'\?\nunknown option 'joins'.* 'join'\?\nlogLevel \('zz'\)/)
    for (const option of ['listen (5)', 'voters (4)', "admin ('foo')", '--coordination must be'])
      assert.ok(text.includes(`\n${option} `), `${option} in ${text}`)
  })

  it('ask for no secret that the data directory holds', async () => {
    using directory = temporaryDirectory()
    writeFileSync(join(directory.path, 'secret'), 'a secret of this test\n')
    const argv = [
      '--log-level',
      'x',
      '--data-dir',
      directory.path,
      '--listen',
      '0.0.0.0:0',
      '--advertise',
      '10.0.0.1:1',
    ]
    assert.equal((await problemsOf(argv)).length, 1)
    assert.equal((await problemsOf(argv.toSpliced(2, 2))).length, 2)
  })

  it('are a --join without an address: it would found a cluster of one', async () => {
    assert.deepEqual(await problemsOf(['--join', '']), ["--join ('') names nothing"])
    assert.deepEqual(await problemsOf(['--join', ',']), ["--join (',') names nothing"])
    assert.deepEqual(await problemsOf([], { TRELLIS_JOIN: ', ' }), ["TRELLIS_JOIN (', ') names nothing"])
    const unset = await problemsOf(['--log-level', 'x'], { TRELLIS_JOIN: '' })
    assert.deepEqual(unset, ["logLevel ('x') must be silent, error, warn, info, debug"])
  })
})

describe('help', () => {
  it('lists every command, with examples and exit codes', async () => {
    const { code, out, err } = await runInProcess(['--help'])
    assert.deepEqual([code, err], [0, ''])
    for (const verb of ['up', 'node', 'status', 'members', 'leader', 'simulate'])
      assert.match(out, new RegExp(`^ {2}${verb}\\b`, 'm'))
    assert.match(out, /Examples:/)
    assert.match(out, /Exit codes: 0 done, 1 refused, 2 used wrongly, 3/)
  })

  it('is there for every command, with examples', async () => {
    for (const verb of ['up', 'node', 'status', 'members', 'leader', 'simulate'])
      for (const argv of [
        [verb, '--help'],
        ['help', verb],
      ]) {
        const { code, out } = await runInProcess(argv)
        assert.equal(code, 0)
        assert.match(out, new RegExp(`Usage: trellis ${verb}`))
        assert.match(out, new RegExp(`Examples:\n {2}trellis ${verb}`))
      }
  })

  it('is there for commands of commands', async () => {
    const asked = await runInProcess(['config', 'get', '--help'])
    assert.match(asked.out, /Usage: trellis config get /)
    assert.deepEqual(await runInProcess(['help', 'config', 'get']), asked)
    assert.match((await runInProcess(['help'])).out, /Usage: trellis /)
  })

  it('tells the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
    assert.deepEqual(await runInProcess(['--version']), { code: 0, out: `${version}\n`, err: '' })
  })
})

describe('commands that ask a node', () => {
  let node: FakeNode
  let admin: AdminServer
  before(async () => {
    node = fakeNode()
    node.setMembers([memberView('node-10'), memberView('node-2', { state: 'down', roles: ['a', 'b'], zone: 'z' })])
    admin = await startAdmin(node, { address: '127.0.0.1:0' })
  })
  after(() => admin.close())

  it('print with --json exactly what the admin answers, in one line', async () => {
    const status = await runInProcess(['status', '--admin', admin.url, '--json'])
    assert.deepEqual(status, { code: 0, out: `${JSON.stringify(node.status())}\n`, err: '' })
    const members = await runInProcess(['members', '--admin', `${admin.url}/`, '--json'])
    assert.deepEqual(members, { code: 0, out: `${JSON.stringify({ members: node.members() })}\n`, err: '' })
  })

  it('find it however many slashes end its address', async () => {
    for (const end of ['/', '//', '///'])
      assert.equal((await runInProcess(['status', '--admin', admin.url + end])).code, 0, end)
  })

  it('print for people otherwise', async () => {
    const status = await runInProcess(['status', '--admin', admin.url])
    assert.match(status.out, /^s5 +active on node-1, fencing token 2$/m)
    assert.match(status.out, /^consensus +led by node-1, term 1, commit index 2, quorum$/m)
    const members = await runInProcess(['members', '--admin', admin.url])
    const [head, first, second] = members.out.split('\n').map((line) => line.split(/ {2,}/))
    assert.deepEqual(head, ['NAME', 'STATE', 'CONDITION', 'ADDRESS', 'ROLES', 'ZONE', 'ID'])
    assert.deepEqual(first, ['node-2', 'down', '-', '127.0.0.1:7401', 'a,b', 'z', '12D3KooWnode-2'])
    assert.equal(second?.[0], 'node-10')
  })

  it('say who leads, and that nobody does, with exit code 0', async () => {
    assert.deepEqual(await runInProcess(['leader', '--admin', admin.url]), { code: 0, out: 'node-1\n', err: '' })
    const whole = node.status()
    node.change({
      consensus: { leader: null, quorum: false },
      s5: { host: null, phase: 'inactive', fencingToken: null },
    })
    const text = await runInProcess(['leader', '--admin', admin.url])
    const json = await runInProcess(['leader', '--admin', admin.url, '--json'])
    node.change(whole)
    assert.deepEqual(text, { code: 0, out: 'node-1 knows no leader (term 1)\n', err: '' })
    assert.deepEqual(JSON.parse(json.out), { leader: null, term: 1, quorum: false, s5: null, fencingToken: null })
  })

  it('let no name move the cursor', async () => {
    const whole = node.members()
    node.setMembers([memberView('evil', { zone: '\u001b[2Jgone' })])
    const { out } = await runInProcess(['members', '--admin', admin.url])
    node.setMembers(whole)
    assert.match(out, /\?\[2Jgone/)
    assert.ok(!out.includes('\u001b'))
  })

  it('pass on what the admin refuses, exit code 1', async () => {
    const token = 'a-token-of-this-test'
    const guarded = await startAdmin(node, { address: '127.0.0.1:0', tokens: { read: token } })
    using directory = temporaryDirectory()
    const file = join(directory.path, 'token')
    writeFileSync(file, `${token}\n`)
    const argv = ['status', '--admin', guarded.url]
    const refused = await runInProcess(argv)
    assert.equal(refused.code, 1)
    assert.match(refused.err, /^trellis: ERR_UNAUTHORIZED: [^\n]*\n$/)
    const asJson = await runInProcess([...argv, '--json'])
    assert.equal(JSON.parse(asJson.err).code, 'ERR_UNAUTHORIZED')
    assert.equal((await runInProcess([...argv, '--admin-token-file', file])).code, 0)
    assert.equal((await runInProcess(argv, { TRELLIS_ADMIN_TOKEN: token })).code, 0)
    assert.equal((await runInProcess(argv, { TRELLIS_ADMIN_TOKEN_FILE: file })).code, 0)
    assert.equal((await runInProcess([...argv, '--admin-token-file', file], { TRELLIS_ADMIN_TOKEN: 'wrong' })).code, 0)
    await guarded.close()
  })
})

describe('a node that cannot be asked', () => {
  const servers: Server[] = []
  after(() => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  })

  async function answering(listener: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(listener)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('is unreachable when nothing listens: exit code 3', async () => {
    const { code, err } = await runInProcess(['status', '--admin', 'http://127.0.0.1:1'])
    assert.equal(code, 3)
    assert.match(err, /^trellis: ERR_UNREACHABLE: http:\/\/127\.0\.0\.1:1 cannot be reached \(ECONNREFUSED\)\n$/)
  })

  for (const [title, listener] of [
    ['closes the connection', (request) => request.socket.destroy()],
    ['answers something else', (_, response) => response.end('<html>')],
    ['answers JSON that is no error of ours', (_, response) => response.writeHead(500).end('{"error":1}')],
    [
      'answers without end',
      (_, response) => {
        const flood = (): void => {
          while (!response.destroyed && response.write('x'.repeat(65_536)));
        }
        response.on('drain', flood)
        flood()
      },
    ],
  ] as readonly (readonly [string, NonNullable<Parameters<typeof createServer>[1]>])[])
    it(`is unreachable when what is there ${title}`, async () => {
      const url = await answering(listener)
      const { code, err } = await runInProcess(['status', '--admin', url, '--json'])
      assert.equal(code, 3)
      assert.deepEqual([JSON.parse(err).code, JSON.parse(err).details], ['ERR_UNREACHABLE', { url }])
    })

  it('is unreachable when what is there answers JSON that no node answers', async () => {
    const url = await answering((_, response) => response.end('{}'))
    const commands = [
      'status, members, leader, why a, channels, services, services --calls, services --impact a, locks, config',
      'config get x, config history x, config set x 1, config delete x, config rollback x 7, locks renew l 1, merge a:1',
      'locks acquire l --owner me, leader transfer, topology, topology links, topology advise, topology switch hyparview',
    ]
    for (const command of commands.flatMap((line) => line.split(', '))) {
      const { code, out, err } = await runInProcess([...command.split(' '), '--json', '--admin', url])
      assert.deepEqual([code, out, JSON.parse(err).code], [3, '', 'ERR_UNREACHABLE'], command)
    }
  })

  it('refuses what a command was given: exit code 1', async () => {
    const refusal = { code: 'ERR_BAD_REQUEST', message: 'no', details: { problem: 'no' } }
    const url = await answering((_, response) => response.writeHead(400).end(JSON.stringify(refusal)))
    assert.equal((await runInProcess(['config', 'rollback', 'k', '999', '--admin', url])).code, 1)
  })

  it('shows a code of a newer release as it came', async () => {
    const error = {
      code: 'ERR_OF_TOMORROW',
      message: 'two\nlines',
      details: { a: 1 },
      retryable: true,
      mayHaveHappened: true,
    }
    const url = await answering((_, response) => response.writeHead(418).end(JSON.stringify(error)))
    const { code, err } = await runInProcess(['status', '--admin', url, '--json'])
    assert.equal(code, 1)
    assert.deepEqual(JSON.parse(err), error)
    assert.equal((await runInProcess(['status', '--admin', url])).err, 'trellis: ERR_OF_TOMORROW: two lines\n')
  })
})

describe('trellis simulate', () => {
  it('runs the seeds it is told to, and says so', async () => {
    const { code, out } = await runInProcess(['simulate', '--seed', '3', '--json'])
    const { seeds, failure } = JSON.parse(out)
    assert.deepEqual([code, seeds, failure], [0, 1, null])
  })

  it('prints one line of JSON with --json, and the trace beside it', async () => {
    const { code, out, err } = await runInProcess(['simulate', '--seed', '3', '--trace', '--json'])
    assert.deepEqual([code, JSON.parse(out).seeds, out.indexOf('\n')], [0, 1, out.length - 1])
    assert.match(err, /node-a +start/)
  })

  it('prints the command that shows a failure again, exit code 1', async () => {
    const { code, out, err } = await runInProcess(['simulate', '--seeds', '30', '--bug', 'vote-not-persisted'])
    assert.equal(code, 1)
    assert.match(out, /broken: \d+ events, \d+ events\/s/)
    assert.match(err, /^replay: trellis simulate --seed \d+ --bug vote-not-persisted$/m)
  })
})
