// What a figure is worth nothing without: on which machine it was measured, and how busy that was.

import { statfs } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os'

export interface MachineFacts {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  /** Of the folder for temporary files, where the benchmarks write. `tmpfs` is memory: there a flush costs nothing. */
  readonly fileSystem: string
  /**
   * Processes that wanted to run, averaged over the last minute before the benchmarks; above `cores` others were in the
   * way.
   */
  readonly load: number
}

/** Numbers of statfs(2) on Linux for what is met most. */
const fileSystems: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
}

export async function machineFacts(): Promise<MachineFacts> {
  const { type } = await statfs(tmpdir())
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    fileSystem: fileSystems[type] ?? `type ${type}`,
    load: Math.round(loadavg()[0]! * 10) / 10,
  }
}
