import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { eventParser } from '../../../src/cli/top/event-stream.ts'
import { draw, type Picture } from '../../../src/cli/top/view.ts'
import { incarnationNumber, type MemberView, type NodeStatus } from '../../../src/node-interface.ts'
import { startProcesses } from '../../../src/testing/processes.ts'
import { runInProcess } from './run-in-process.ts'
import { bin, start, trellis } from './run-process.ts'
import { until } from './wait-until.ts'

const hasScript = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0

const status: NodeStatus = {
  node: { id: 'x', name: 'node-1', address: '127.0.0.1:7401', roles: [], condition: 'ok' },
  cluster: { id: 'c', name: 'trellis', size: 12, alive: 11 },
  topology: { name: 'full-mesh', epoch: 0, phase: 'stable' },
  consensus: {
    role: 'follower',
    term: 3,
    leader: 'node-2',
    commitIndex: 9,
    quorum: true,
    voters: ['node-1', 'node-2'],
    learners: [],
  },
  s5: { host: 'node-2', phase: 'active', fencingToken: 7 },
}
const members = Array.from(
  { length: 12 },
  (_, i): MemberView => ({
    id: `id-${i + 1}`,
    name: `node-${i + 1}`,
    address: `127.0.0.1:${7401 + i}`,
    state: i === 10 ? 'down' : 'alive',
    condition: 'ok',
    incarnation: 1,
    roles: [],
    zone: '',
  }),
)
const picture: Picture = {
  url: 'http://127.0.0.1:7501',
  status,
  members,
  topology: undefined,
  events: ['12:00:00.000 node-11 is down'],
  lost: undefined,
}

describe('the screen of trellis top', () => {
  it('shows who leads, who is not well first, and what happened', () => {
    const lines = draw(picture, { columns: 120, rows: 30 })
    assert.equal(lines.length, 30)
    assert.match(lines[0]!, /^trellis as node-1 sees it/)
    assert.match(lines[1]!, /^11 of 12 alive {3}leader node-2, term 3, commit 9, quorum$/)
    assert.match(lines[2]!, /^S5 active on node-2, token 7/)
    assert.match(lines[5]!, /^- +node-11 +down /)
    assert.match(lines[6]!, /^voter +node-1 +alive /)
    assert.match(lines[7]!, /^leader,S5 +node-2 +alive /)
    assert.ok(lines.includes('12:00:00.000 node-11 is down'))
  })

  it('counts the lives of a member, and what it refuted in this one', () => {
    const old = { ...members[0]!, incarnation: incarnationNumber({ generation: 3, refutation: 2 }) }
    const [first] = draw({ ...picture, members: [old] }, { columns: 120, rows: 20 }).slice(5)
    assert.match(first!, /^voter +node-1 +alive +ok +127\.0\.0\.1:7401 +3, refuted 2$/)
  })

  it('fits every terminal, and counts whom it leaves out', () => {
    for (const rows of [1, 2, 5, 12, 20])
      for (const columns of [1, 20, 200]) {
        const lines = draw(picture, { columns, rows })
        assert.ok(lines.length <= rows && lines.every((line) => line.length <= columns), `${columns} x ${rows}`)
      }
    assert.ok(draw(picture, { columns: 80, rows: 16 }).some((line) => /^and \d+ more$/.test(line)))
  })

  it('says that what it shows is old, and lets no name move the cursor', () => {
    const strange = { ...members[0]!, name: 'a\u001b[2Jb' }
    const lines = draw({ ...picture, members: [strange], lost: 'refused' }, { columns: 200, rows: 20 })
    assert.match(lines[0]!, /NOT ANSWERING: refused; what is shown is old/)
    assert.match(draw({ ...picture, lost: 'refused' }, { columns: 24, rows: 20 })[0]!, /^NOT ANSWERING: refused/)
    assert.ok(!lines.join('').includes('\u001b'))
  })
})

describe('the reader of event streams', () => {
  it('finds events however they are cut, and leaves out what is none', () => {
    const text = 'retry: 1000\n\nevent: leader\ndata: {"leader":"ü"}\n\nevent: x\ndata: {\n\nevent: alive\ndata: {}\n\n'
    const parse = eventParser()
    const found = [...Buffer.from(text)].flatMap((byte) => parse(Uint8Array.of(byte)))
    assert.deepEqual(found, [
      { event: 'leader', data: { leader: 'ü' } },
      { event: 'alive', data: {} },
    ])
  })

  it('does not keep an event without an end', () => {
    const parse = eventParser()
    const chunk = Buffer.alloc(1_048_576, 'x')
    assert.throws(() => {
      for (let i = 0; i < 9; i++) parse(chunk)
    }, /too long/)
  })
})

describe('trellis top', () => {
  it('is told at once when nobody was ever there', async () => {
    const { code, err } = await runInProcess(['top', '--admin', 'http://127.0.0.1:1'])
    assert.equal(code, 3)
    assert.match(err, /^trellis: ERR_UNREACHABLE: /)
  })

  it('prints a line for each change, through the end and the return of the node it asks', async () => {
    await using cluster = await startProcesses(3)
    const [watched, victim] = cluster.nodes
    using lines = trellis(['top', '--admin', watched!.admin])
    using json = trellis(['top', '--admin', watched!.admin, '--json'])
    const says = (text: RegExp) =>
      until(
        () => text.test(lines.out),
        () => lines.out + lines.err,
      )
    await says(/node-1 sees 3 of 3 alive, node-\d leads, term \d+\n/)
    // On a busy machine the other one may only be starting: it must have been connected to lose anything.
    await until(() => json.out.includes('"event":"members"'))
    await victim!.kill()
    await says(/ node-2 is down\n/)
    await watched!.kill()
    await says(/ it does not answer: /)
    await victim!.restart()
    await watched!.restart()
    await says(/ it answers again\n/)
    await until(() => json.out.includes('{"event":"back","data":{}}'))
    for (const one of [lines, json]) {
      one.child.kill('SIGINT')
      assert.deepEqual(await one.exited, { code: 0, signal: null })
      assert.equal(one.err, '')
    }
    const heard = json.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    for (const event of ['status', 'members', 'topology', 'member', 'lost', 'back'])
      assert.ok(heard.includes(event), event)
    assert.ok(!lines.out.includes('\u001b'))
  })

  it('draws on the whole terminal, and leaves it as it was', {
    skip: !hasScript && 'no script(1)',
  }, async () => {
    await using cluster = await startProcesses(1)
    const command = `stty rows 20 cols 60; '${process.execPath}' '${bin}' top --admin ${cluster.nodes[0]!.admin}`
    using terminal = start('script', ['-qec', command, '/dev/null'])
    const says = (text: string) =>
      until(
        () => terminal.out.includes(text),
        () => terminal.out,
      )
    await says('\u001b[?1049h')
    await says('1 of 1 alive')
    await says('q quits')
    terminal.child.stdin!.write('q')
    assert.deepEqual(await terminal.exited, { code: 0, signal: null })
    assert.ok(terminal.out.trimEnd().endsWith('\u001b[?25h\u001b[?1049l'))
    const screen = terminal.out.slice(terminal.out.indexOf('\u001b[H') + 3).split('\u001b[J', 1)[0]!
    assert.equal(screen.split('\r\n').length, 20)
  })

  it('follows the size of the terminal, and leaves it as it was when it is interrupted', {
    skip: !hasScript && 'no script(1)',
  }, async () => {
    await using cluster = await startProcesses(1)
    const watch = `'${process.execPath}' '${bin}' top --admin ${cluster.nodes[0]!.admin}`
    using terminal = start('script', ['-qec', `stty rows 20 cols 60; echo "at $$ $(tty)"; exec ${watch}`, '/dev/null'])
    const screens = (): string[] => terminal.out.split('\u001b[H').slice(1)
    const linesOf = (screen = ''): number => screen.split('\u001b[J', 1)[0]!.split('\r\n').length
    const drawn = (rows: number) =>
      until(
        () => screens().some((screen) => screen.includes('\u001b[J') && linesOf(screen) === rows),
        () => terminal.out,
      )
    await drawn(20)
    const [, pid = '', tty = ''] = /at (\d+) (\S+)/.exec(terminal.out) ?? []
    assert.equal(spawnSync('sh', ['-c', `stty rows 12 cols 50 < ${tty}`]).status, 0)
    await drawn(12)
    process.kill(Number(pid), 'SIGINT')
    assert.deepEqual(await terminal.exited, { code: 0, signal: null })
    assert.ok(terminal.out.trimEnd().endsWith('\u001b[?25h\u001b[?1049l'))
  })
})
