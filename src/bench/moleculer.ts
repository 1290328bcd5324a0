// Moleculer with its TCP transporter, for comparison in the same run: two nodes that know each other's address. The
// package is none of this one's: where it is not installed, what it is compared with is measured alone.

/** As much of a broker as the benchmark needs. */
export interface Broker {
  createService(schema: {
    readonly name: string
    readonly actions: Readonly<Record<string, (context: { readonly params: unknown }) => unknown>>
  }): unknown
  start(): Promise<void>
  stop(): Promise<void>
  waitForServices(name: string): Promise<unknown>
  call(action: string, params: unknown): Promise<unknown>
}

interface Moleculer {
  readonly ServiceBroker: new (options: object) => Broker
}

const packageName = 'moleculer'

/** Rejects when the package is not installed. */
export async function moleculer(name: 'near' | 'far', [near, far]: readonly [number, number]): Promise<Broker> {
  const module = (await import(packageName)) as { readonly default: Moleculer }
  const urls = [`127.0.0.1:${near}/near`, `127.0.0.1:${far}/far`]
  const options = { udpDiscovery: false, urls, port: name === 'near' ? near : far }
  return new module.default.ServiceBroker({ nodeID: name, logger: false, transporter: { type: 'TCP', options } })
}
