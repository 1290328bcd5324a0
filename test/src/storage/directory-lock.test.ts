// The lock between real processes.

import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { isClusterError } from '../../../src/errors.ts'
import { lockDirectory } from '../../../src/storage/directory-lock.ts'
import { nodeFileSystem } from '../../../src/storage/file-system.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const deadlineMs = 20_000

interface Holder {
  readonly process: ChildProcessWithoutNullStreams
  /** The next line it prints. */
  line(): Promise<string>
  /** Opens the directory; answers how that went. */
  open(): Promise<string>
  kill(): Promise<void>
}

/** A process that is about to open `path`. */
async function startHolder(test: TestContext, path: string): Promise<Holder> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lock-holder.ts'), path])
  child.stderr.pipe(process.stderr)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next()
    assert(!done, 'the process ended')
    return value
  }
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  test.after(kill)
  assert.equal(await line(), 'ready')
  const open = async (): Promise<string> => {
    child.stdin.write('open\n')
    return await line()
  }
  return { process: child, line, open, kill }
}

describe('the lock of a data directory', { timeout: deadlineMs }, () => {
  it('goes to exactly one of several processes that race for it', async (test) => {
    const path = temporaryDirectory()
    let generation = 0
    for (let round = 1; round <= 3; round++) {
      const holders = await Promise.all(Array.from({ length: 4 }, () => startHolder(test, path)))
      const answers = await Promise.all(holders.map((holder) => holder.open()))
      const winner = answers.findIndex((answer) => answer.startsWith('open'))
      assert.equal(answers[winner], `open ${++generation}`)
      const others = answers.filter((_, at) => at !== winner)
      assert.deepEqual(others, Array(3).fill(`in use by ${holders[winner]!.process.pid}`))
      // Killed while holding it: the next round races for a stale lock.
      await Promise.all(holders.map((holder) => holder.kill()))
    }
  })

  it('is free once its holder was killed, even before anyone waited for it', async (test) => {
    const path = temporaryDirectory()
    const first = await startHolder(test, path)
    const second = await startHolder(test, path)
    assert.equal(await first.open(), 'open 1')
    await first.kill()
    assert.equal(await second.open(), 'open 2')
  })

  it('is held by a process that is stopped', async (test) => {
    const path = temporaryDirectory()
    const first = await startHolder(test, path)
    assert.equal(await first.open(), 'open 1')
    first.process.kill('SIGSTOP')
    const second = await startHolder(test, path)
    assert.equal(await second.open(), `in use by ${first.process.pid}`)
  })

  it('is stale when its pid is another process now, or one of an earlier boot, or nonsense', async () => {
    const path = temporaryDirectory()
    await lockDirectory(nodeFileSystem, path)
    const mine = JSON.parse(readFileSync(join(path, 'lock.1'), 'utf8'))
    assert.equal(mine.pid, process.pid)
    const stale = [
      { ...mine, started: `${Number(mine.started) - 1}` },
      { ...mine, world: 'another boot' },
      { ...mine, pid: 2 ** 22 + 1 },
    ]
    const texts = [...stale.map((owner) => JSON.stringify(owner)), '', '{', '[]', '\0\0\0\0']
    for (const [at, text] of texts.entries()) {
      writeFileSync(join(path, `lock.${at + 1}`), text)
      await lockDirectory(nodeFileSystem, path)
      await assert.rejects(lockDirectory(nodeFileSystem, path), (error) => isClusterError(error, 'ERR_DATA_IN_USE'))
    }
    // Two remain, whatever came before.
    assert.deepEqual(readdirSync(path).sort(), [`lock.${texts.length}`, `lock.${texts.length + 1}`])
  })

  it('is not taken by a claim that came late, and leftovers of a claim are swept', async () => {
    const path = temporaryDirectory()
    writeFileSync(join(path, 'lock.0123456789abcdef.tmp'), '')
    await lockDirectory(nodeFileSystem, path)
    // As seen by a process that listed the folder before: nothing there, and then it is.
    let lists = 0
    const late = {
      ...nodeFileSystem,
      list: (name: string) => (lists++ === 0 ? Promise.resolve([]) : nodeFileSystem.list(name)),
    }
    writeFileSync(join(path, 'lock.9'), readFileSync(join(path, 'lock.1')))
    await nodeFileSystem.remove(join(path, 'lock.1'))
    await assert.rejects(lockDirectory(late, path), (error) => isClusterError(error, 'ERR_DATA_IN_USE'))
    assert.deepEqual(readdirSync(path), ['lock.9'])
  })
})
