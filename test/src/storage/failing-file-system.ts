// The real file system with operations that can be made to fail, as on a full, dying or forbidden disk.

import { type FileSystem, nodeFileSystem, type OpenFile } from '../../../src/storage/file-system.ts'

export type Operation = keyof FileSystem | keyof OpenFile

/** What `fail` answers with an errno is rejected with it instead of being done. */
export function failingFileSystem(fail: (operation: Operation, path: string) => string | undefined): FileSystem {
  const allow = (operation: Operation, path: string): void => {
    const code = fail(operation, path)
    if (code !== undefined) throw Object.assign(new Error(`${code}: planted`), { code })
  }
  /** `path` is the first argument of all calls but those of an open file. */
  function guard<Args extends unknown[], Result>(
    operation: Operation,
    work: (...args: Args) => Promise<Result>,
    path?: string,
  ) {
    return async (...args: Args): Promise<Result> => {
      allow(operation, path ?? String(args[0]))
      return await work(...args)
    }
  }
  const fs = nodeFileSystem
  return {
    async open(path, mode) {
      allow('open', path)
      const file = await fs.open(path, mode)
      return {
        size: guard('size', file.size, path),
        read: guard('read', file.read, path),
        write: guard('write', file.write, path),
        truncate: guard('truncate', file.truncate, path),
        sync: guard('sync', file.sync, path),
        writeDurably: (bytes, position) => {
          allow('writeDurably', path)
          file.writeDurably(bytes, position)
        },
        close: file.close,
      }
    },
    link: guard('link', fs.link),
    rename: guard('rename', fs.rename),
    remove: guard('remove', fs.remove),
    list: guard('list', fs.list),
    makeDirectory: guard('makeDirectory', (path: string) => fs.makeDirectory(path)),
    syncDirectory: guard('syncDirectory', fs.syncDirectory),
  }
}
