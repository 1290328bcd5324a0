// A process of its own that opens a data directory when told to, says how that went, and stays until it is killed or
// its standard input ends. Not a test: `directory-lock.test.ts` starts it.

import { once } from 'node:events'
import { isClusterError } from '../../../src/errors.ts'
import { DataDirectory } from '../../../src/storage/data-directory.ts'

console.log('ready')
await once(process.stdin, 'data')
try {
  const storage = await DataDirectory.open(process.argv[2]!, {
    cluster: 'trellis',
    identify: (pem) => pem.slice(30, 100),
  })
  console.log(`open ${storage.generation}`)
} catch (error) {
  console.log(isClusterError(error, 'ERR_DATA_IN_USE') ? `in use by ${error.details.pid}` : String(error))
}
await once(process.stdin.resume(), 'end')
