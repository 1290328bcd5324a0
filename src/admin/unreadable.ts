// Requests that Node hands on to nobody: it cannot read them, or refuses them by itself and says nothing. They are
// answered as all others are, and their connection ends.

import type { Server, ServerResponse } from 'node:http'
import { ClusterError } from '../errors.ts'
import { http } from '../node-http.ts'

/** What is wrong with them, by the status that it is answered with. */
export const unreadable = {
  400: 'the request cannot be read as HTTP',
  408: 'the request has not come in time',
  417: 'of expectations only 100-continue is met',
  431: 'the header lines have more than 16384 bytes',
} as const

type Status = keyof typeof unreadable

const statusOf: Readonly<Record<string, Status>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }
/** For so long a client may go on sending, and leave unread what it is told. */
const patienceMs = 1_000

/** `underWay`: what `server` is about to answer. */
export function answerUnreadable(server: Server, underWay: ReadonlySet<ServerResponse>): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // In the middle of an answer nothing more can be said.
    const isAnswered = [...underWay].some((response) => response.socket === socket && response.headersSent)
    if (isAnswered || !socket.writable) return void socket.destroy()
    const status = statusOf[error.code ?? ''] ?? 400
    const { headers, body } = refusal(status)
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
    const timer = setTimeout(() => socket.destroy(), patienceMs)
    socket.once('close', () => clearTimeout(timer))
  })
  server.on('checkExpectation', (_request, response: ServerResponse) => {
    const { headers, body } = refusal(417)
    response.writeHead(417, headers).end(body)
  })
}

function refusal(status: Status) {
  const problem = unreadable[status]
  const body = JSON.stringify(new ClusterError('ERR_BAD_REQUEST', problem, { problem }))
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  }
  return { headers, body }
}
