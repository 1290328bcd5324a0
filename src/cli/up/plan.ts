// What `trellis up` is going to start: names, addresses and directories of N nodes, all on this machine.

import { createServer } from 'node:net'
import { join } from 'node:path'
import { ClusterError } from '../../errors.ts'
import { freePorts, listenOn } from '../../free-ports.ts'

const host = '127.0.0.1'

export interface NodePlan {
  /** `node-1`, `node-2`, … */
  readonly name: string
  readonly address: string
  /** `127.0.0.1:7501` */
  readonly admin: string
  readonly dataDir: string
}

export interface PlanOptions {
  readonly nodes: number
  /** Node i listens on `port + i`; 0 takes free ones. */
  readonly port: number
  readonly adminPort: number
  /** Holds `node-1`, `node-2`, … */
  readonly root: string
}

export async function planNodes({ nodes, port, adminPort, root }: PlanOptions): Promise<NodePlan[]> {
  const free = await freePorts((port === 0 ? nodes : 0) + (adminPort === 0 ? nodes : 0))
  const ports = Array.from({ length: nodes }, (_, i) => (port === 0 ? free.shift()! : port + i + 1))
  const adminPorts = Array.from({ length: nodes }, (_, i) => (adminPort === 0 ? free.shift()! : adminPort + i + 1))
  return ports.map((own, i) => {
    const name = `node-${i + 1}`
    return { name, address: `${host}:${own}`, admin: `${host}:${adminPorts[i]}`, dataDir: join(root, name) }
  })
}

/** Rejects with `ERR_ADDRESS_IN_USE`, naming the port and who needs it, before anything has been started. */
export async function requireFreePorts(plans: readonly NodePlan[]): Promise<void> {
  const wanted = plans.flatMap(({ name, address, admin }) => [
    { address, use: `cluster port of ${name}` },
    { address: admin, use: `admin port of ${name}` },
  ])
  const taken = await Promise.all(wanted.map(async (want) => ({ ...want, error: await tryListen(want.address) })))
  const problem = taken.find(({ error }) => error !== undefined)
  if (problem === undefined) return
  const { address, use, error } = problem
  if (error?.code === 'EADDRINUSE')
    throw new ClusterError('ERR_ADDRESS_IN_USE', `${address} is in use, and needed as the ${use}`, { address })
  throw new ClusterError('ERR_ADDRESS_UNUSABLE', `${address}, needed as the ${use}: ${error?.message}`, { address })
}

async function tryListen(address: string): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer()
  try {
    await listenOn(server, Number(address.slice(host.length + 1)))
    return undefined
  } catch (error) {
    return error as NodeJS.ErrnoException
  } finally {
    server.close()
  }
}
