// libp2p says in prose why it cannot listen. The kernel says it by a code, so it is asked once more.

import { createServer } from 'node:net'
import { tcpAddressOf } from './addresses.ts'

/** The kernel's error for the address of a multiaddr; `cause` when the kernel has none. */
export async function whyUnusable(address: string, cause: unknown): Promise<NodeJS.ErrnoException> {
  const tcp = tcpAddressOf(address)
  if (tcp === undefined) return cause as Error
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', resolve)
    server.listen(tcp, () => server.close(() => resolve(cause as Error)))
  })
}
