// `GET /v1/channels`: what this node knows of its four channels.

import type { ChannelStats } from '../channels/channel.ts'
import { channelNames } from '../channels/channel-defaults.ts'
import type { Resource } from './resource.ts'
import type { AdminNode } from './server.ts'

/** The most important channel first. */
export interface ChannelsView {
  readonly channels: readonly ChannelStats[]
}

export function channelResources(node: Pick<AdminNode, 'channel'>): Resource[] {
  return [
    { path: '/v1/channels', calls: { GET: { needs: 'read', handle: (context) => context.json(channelsView(node)) } } },
  ]
}

export function channelsView(node: Pick<AdminNode, 'channel'>): ChannelsView {
  return { channels: channelNames.map((name) => node.channel(name).stats()) }
}
