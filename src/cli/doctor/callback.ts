// The other direction. A member that is linked to knocks once at the address that the newcomer says others can dial it
// at (design rule 13: only a port that was seen accepting can be evidence later). So whoever listens there and hears
// that knock knows that it can be reached. The knock is a bare TCP connection, so a bare listener hears it.

import { createServer, type Server } from 'node:net'
import { parseAddress } from '../../network-address.ts'
import type { Finding } from './finding.ts'

export interface CallbackListener extends AsyncDisposable {
  /** Where it listens, the port filled in; undefined when it could not. */
  readonly address: string | undefined
  /** How many connections have come so far, and where the last one came from. */
  readonly heard: { readonly count: number; readonly from: string }
}

/** Listens at the node's own address, and says whether that was possible. `what` is the option's name. */
export async function openListener(
  what: 'listen' | 'admin',
  address: string,
): Promise<{ readonly finding: Finding; readonly listener: CallbackListener }> {
  const heard = { count: 0, from: '' }
  const server = createServer((socket) => {
    heard.count++
    // An IPv4 address may come in the form of IPv6.
    heard.from = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    socket.on('error', () => {})
    socket.destroy()
  })
  const { bound, error } = await listen(server, address)
  const listener: CallbackListener = {
    address: bound,
    heard,
    async [Symbol.asyncDispose]() {
      if (bound !== undefined) await new Promise((resolve) => server.close(resolve))
    },
  }
  return { listener, finding: error === undefined ? usable(what, address) : unusable(what, address, error) }
}

function listen(server: Server, address: string): Promise<{ bound?: string; error?: NodeJS.ErrnoException }> {
  const parsed = parseAddress(address)
  if (typeof parsed === 'string') return Promise.resolve({ error: new Error(parsed) })
  const { host, port } = parsed
  return new Promise((resolve) => {
    server.once('error', (error) => resolve({ error }))
    server.listen({ host, port, exclusive: true }, () => {
      const { port } = server.address() as { readonly port: number }
      resolve({ bound: address.replace(/\d+$/, String(port)) })
    })
  })
}

function usable(check: string, address: string): Finding {
  return { check, level: 'ok', text: `${address} is free` }
}

function unusable(check: string, address: string, { code, message }: NodeJS.ErrnoException): Finding {
  if (code === 'EADDRINUSE') {
    const advice = `stop what listens there (a node that still runs?), or choose another --${check}`
    return { check, level: 'problem', code: 'ERR_ADDRESS_IN_USE', text: `${address} is in use`, advice }
  }
  const advice = `choose an address of this machine, and a port that its user may open, for --${check}`
  const text = `${address} cannot be listened on (${code ?? message})`
  return { check, level: 'problem', code: 'ERR_ADDRESS_UNUSABLE', text, advice }
}
