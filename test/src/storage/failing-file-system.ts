// The real file system with one operation that can be made to fail, as a full, dying or forbidden disk would.

import { type FileSystem, nodeFileSystem, type OpenFile, type OpenMode } from '../../../src/storage/file-system.ts'

export type Operation = keyof FileSystem | keyof OpenFile

/** What `fail` answers with an errno is rejected with it instead of being done. */
export function failingFileSystem(fail: (operation: Operation, path: string) => string | undefined): FileSystem {
  const guard = <Args extends unknown[], Result>(
    operation: Operation,
    work: (...args: Args) => Promise<Result>,
    pathOf: (...args: NoInfer<Args>) => string,
  ) => {
    return async (...args: Args): Promise<Result> => {
      const code = fail(operation, pathOf(...args))
      if (code !== undefined) throw Object.assign(new Error(`${code}: planted`), { code })
      return await work(...args)
    }
  }
  const first = (path: string): string => path
  const fs = nodeFileSystem
  return {
    open: guard(
      'open',
      async (path: string, mode: OpenMode) => {
        const file = await fs.open(path, mode)
        const here = (): string => path
        return {
          size: guard('size', file.size, here),
          read: guard('read', file.read, here),
          write: guard('write', file.write, here),
          truncate: guard('truncate', file.truncate, here),
          sync: guard('sync', file.sync, here),
          close: file.close,
        }
      },
      first,
    ),
    link: guard('link', fs.link, first),
    rename: guard('rename', fs.rename, first),
    remove: guard('remove', fs.remove, first),
    list: guard('list', fs.list, first),
    makeDirectory: guard('makeDirectory', (path) => fs.makeDirectory(path), first),
    syncDirectory: guard('syncDirectory', fs.syncDirectory, first),
  }
}
