import assert from 'node:assert/strict'
import { linkSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { isClusterError } from '../../src/errors.ts'
import type { TrellisNode } from '../../src/index.ts'
import { decodeBackup } from '../../src/recovery/backup-file.ts'
import { foundAnew } from '../../src/recovery/found-anew.ts'
import { runInProcess } from './cli/run-in-process.ts'
import { failureOf, form, start } from './local-nodes.ts'
import { temporaryDirectory } from './storage/temporary-directory.ts'

describe('a cluster that is founded anew', () => {
  it('on a backup has all that was agreed, larger tokens, and grows again', async () => {
    const directory = temporaryDirectory()
    const nodes = await form(['a', 'b', 'c'], (name) => ({ admin: '127.0.0.1:0', dataDir: `${directory}/old-${name}` }))
    const [a, b] = nodes as [TrellisNode, TrellisNode]
    const entry = await a.config.set('kept', { deep: [1, null] })
    await a.counters.add('hits', 7)
    const lock = await a.locks.grant('ledger', { owner: 'x', leaseMs: 300 })
    const file = `${directory}/backup.trellis`
    const taken = await runInProcess(['backup', file, '--admin', b.admin!, '--json'])
    assert.equal(taken.code, 0, taken.err)
    assert.equal(JSON.parse(taken.out).keys, 1)
    const into = ['--data-dir', `${directory}/new-a`, '--name', 'a', '--json']
    assert.equal((await runInProcess(['restore', file, ...into])).code, 2)
    const restored = await runInProcess(['restore', file, ...into, '--yes'])
    assert.equal(restored.code, 0, restored.err)
    assert.equal((await runInProcess(['restore', file, ...into, '--yes'])).code, 1, 'it is not empty any more')

    const anew = await start({ dataDir: `${directory}/new-a` })
    await anew.ready()
    assert.deepEqual([anew.name, anew.status().cluster.size], ['a', 1])
    assert.equal((await anew.config.get('kept'))?.revision, entry.revision)
    assert.equal(await anew.counters.get('hits'), 7)
    const next = await anew.locks.acquire('ledger')
    assert.ok(next.token > lock.token + 1e9)
    assert.ok((await anew.config.set('kept', 2)).revision > next.token)
    const joined = await start({ name: 'b', join: [anew.address] })
    assert.equal((await joined.config.get('kept'))?.value, 2)
    await anew.stop()
    const again = await start({ dataDir: `${directory}/new-a`, listen: anew.address })
    await again.ready()
    assert.equal((await again.config.get('kept'))?.value, 2)
  })

  it('on the log of one voter that is left has all that this one had', async () => {
    const directory = temporaryDirectory()
    const nodes = await form(['a', 'b', 'c'], (name) => ({ dataDir: `${directory}/${name}` }))
    await nodes[0]!.config.set('kept', 'x')
    for await (const _ of nodes[2]!.config.watch('kept', { from: 1 })) break
    await Promise.all(nodes.map((node) => node.stop()))
    const recovered = await runInProcess([
      'recover',
      '--from',
      `${directory}/c`,
      '--data-dir',
      `${directory}/new`,
      '--name',
      'n',
      '--yes',
    ])
    assert.equal(recovered.code, 0, recovered.err)
    assert.match(recovered.err, /takes the place of/)
    const anew = await start({ dataDir: `${directory}/new` })
    await anew.ready()
    assert.equal((await anew.config.get('kept'))?.value, 'x')
    assert.equal(
      (
        await runInProcess([
          'recover',
          '--from',
          `${directory}/none`,
          '--data-dir',
          `${directory}/other`,
          '--name',
          'n',
          '--yes',
        ])
      ).code,
      1,
    )
  })

  it('leaves nothing behind when a node cannot have its name, or there is nothing to recover from', async () => {
    const directory = temporaryDirectory()
    const node = await start({ name: 'a', admin: '127.0.0.1:0', dataDir: `${directory}/old` })
    await node.ready()
    const file = `${directory}/backup.trellis`
    assert.equal((await runInProcess(['backup', file, '--admin', node.admin!])).code, 0)
    await node.stop()
    for (const name of ['', 'a\nb', 'x'.repeat(300), 's5'])
      for (const from of [
        ['restore', file],
        ['recover', '--from', `${directory}/old`],
      ]) {
        const { code, err } = await runInProcess([...from, '--data-dir', `${directory}/new`, '--name', name, '--yes'])
        assert.deepEqual([code, /^trellis: ERR_BAD_OPTIONS: name [^\n]*\n$/.test(err)], [2, true], err)
      }
    const missing = [
      'recover',
      '--from',
      `${directory}/mistyped`,
      '--data-dir',
      `${directory}/new`,
      '--name',
      'a',
      '--yes',
    ]
    assert.equal((await runInProcess(missing)).code, 1)
    assert.deepEqual(readdirSync(directory).sort(), ['backup.trellis', 'old'])
  })

  it('whose directory was not finished is no part of any other cluster', async () => {
    const directory = temporaryDirectory()
    const [node] = await form(['a'], () => ({ dataDir: `${directory}/old` }))
    await node!.config.set('kept', 1)
    const backup = decodeBackup(await node!.backup())
    await foundAnew(backup, { dataDir: `${directory}/new`, cluster: 'trellis', name: 'b' })
    // What is written last.
    rmSync(`${directory}/new/cluster.json`)
    for (const join of [[], [node!.address]]) {
      const error = await failureOf(start({ name: 'b', join, dataDir: `${directory}/new`, timeoutMs: 10_000 }))
      assert.equal(error.code, 'ERR_DATA_FOREIGN')
      assert.match(error.message, /belongs to another cluster/)
    }
    assert.equal((await node!.config.get('kept'))?.value, 1)
  })

  it('keeps an earlier backup of the same name whole until the new one is', async () => {
    const directory = temporaryDirectory()
    const [node] = await form(['a'], () => ({ admin: '127.0.0.1:0' }))
    const file = `${directory}/backup.trellis`
    const again = () => runInProcess(['backup', file, '--admin', node!.admin!])
    assert.equal((await again()).code, 0)
    // Another name of the same file shows what is written into it.
    linkSync(file, `${directory}/earlier`)
    const earlier = readFileSync(file)
    await node!.config.set('more', 'than before')
    assert.equal((await again()).code, 0)
    assert.deepEqual(readFileSync(`${directory}/earlier`), earlier)
    assert.equal(decodeBackup(readFileSync(file)).state.config.records.length, 1)
    // What cannot be written leaves nothing behind.
    symlinkSync('/dev/full', `${file}.tmp`)
    const refused = await again()
    assert.deepEqual([refused.code, /ENOSPC/.test(refused.err)], [2, true])
    assert.equal(decodeBackup(readFileSync(file)).state.config.records.length, 1)
    assert.deepEqual(readdirSync(directory).sort(), ['backup.trellis', 'earlier'])
  })

  it('takes no backup that is damaged', async () => {
    const directory = temporaryDirectory()
    const [node] = await form(['a'])
    await node!.config.set('k', 'v')
    const whole = Buffer.from(await node!.backup())
    assert.equal(decodeBackup(whole).state.config.records.length, 1)
    const flipped = Buffer.from(whole)
    flipped[whole.length - 1]! ^= 1
    for (const bad of [flipped, whole.subarray(0, -1), Buffer.from('x'), Buffer.from('{}\n')])
      assert.throws(
        () => decodeBackup(bad),
        (error) => isClusterError(error, 'ERR_BAD_REQUEST'),
      )
    const file = `${directory}/bad`
    writeFileSync(file, flipped)
    assert.ok(readFileSync(file).length > 0)
    const { code, err } = await runInProcess(['restore', file, '--data-dir', `${directory}/d`, '--name', 'n', '--yes'])
    assert.deepEqual([code, /cut off or damaged/.test(err)], [1, true])
  })
})
