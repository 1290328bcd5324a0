// A log as the release before wrote it: format 1, one file, the records behind the header.

import { type FileSystem, replaceFile } from '../../../src/storage/file-system.ts'
import { decodeLogHeader, encodeLogHeader } from '../../../src/storage/log-header.ts'
import type { LogHeader, LogWrite } from '../../../src/storage/log-store.ts'
import { encodeRecord, sealRecord } from '../../../src/storage/record.ts'

/** Writes it durably to `path`, a record per item of `appends`. */
export async function writeFormerLog(
  fs: FileSystem,
  path: string,
  header: LogHeader,
  appends: readonly (readonly LogWrite[])[],
): Promise<void> {
  let file = encodeLogHeader(header, 1)
  const { seed } = decodeLogHeader(file, path)
  for (const [at, writes] of appends.entries()) {
    const record = encodeRecord(writes)
    if (record === undefined) continue
    sealRecord(record, at + 1, file.length, seed)
    file = Buffer.concat([file, record])
  }
  await replaceFile(fs, path, file)
}
