// Which features a node has beside membership and agreement: one line each, in the order in which they start. A part's
// public face is a field of `NodeFeatures`, which the running node hands on.

import { Broadcasts } from './broadcasts/broadcasts.ts'
import { OpenTopicsPart } from './broadcasts/open-topics-part.ts'
import { Channels } from './channels/channels.ts'
import type { Lanes } from './channels/lane.ts'
import { LanesPart } from './channels/lanes-part.ts'
import type { ElectedHost } from './coordination/elected-host.ts'
import { type DataFaces, ReplicatedData } from './coordination/replicated-data.ts'
import { SeedWatcher } from './discovery/seed-watcher.ts'
import { DnsPart } from './dns/dns-part.ts'
import { RequestedFaults } from './faults/requested-faults.ts'
import { Federation } from './federation/federation.ts'
import { LinkSurvey } from './link-survey/link-survey.ts'
import { Liveness } from './liveness/liveness.ts'
import { Merging } from './merging/merging.ts'
import type { NodeTopology } from './node-interface.ts'
import { type NodeContext, NodeParts } from './node-part.ts'
import { LocalServices } from './services/services.ts'
import { Advising } from './switching/advising.ts'
import { Switching } from './switching/switching.ts'
import { Why } from './why/why.ts'

/** The parts of one node, and what its users see of them. */
export interface NodeFeatures {
  readonly parts: NodeParts
  readonly channels: Channels
  readonly seeds: SeedWatcher
  readonly switching: Switching
  readonly topology: NodeTopology
  readonly data: DataFaces
  /** Who leads when an engine keeps what is agreed on. */
  readonly elected: ElectedHost | undefined
  readonly faults: RequestedFaults
  readonly services: LocalServices
  readonly lanes: Lanes
  readonly why: Why
  readonly federation: Federation
  readonly merging: Merging
}

export function createFeatures(context: NodeContext): NodeFeatures {
  const seeds = new SeedWatcher(context)
  const switching = new Switching(context)
  const data = new ReplicatedData(context)
  const faults = new RequestedFaults(context, context.faults)
  const lanes = new LanesPart(context)
  const broadcasts = new Broadcasts(context)
  const openTopics = new OpenTopicsPart(context, context.openTopics)
  const services: LocalServices = new LocalServices(context, (channel, name) => channels.carrier(channel, name))
  const channels: Channels = new Channels(context, lanes.lanes, (to) => services.memberOffering(to), {
    open: openTopics,
    tree: broadcasts,
    budget: lanes.lanes.budget,
  })
  const why = new Why(context)
  const survey = new LinkSurvey(context)
  const federation = new Federation(context, services)
  const liveness = new Liveness(context)
  const merging = new Merging(context)
  const advising = new Advising({
    context,
    topology: () => {
      const { name, history } = switching.view()
      return { name, lastSwitchAt: history.at(-1)?.at }
    },
    traffic: () => channels.traffic(),
    maySwitch: () => switching.isFree,
    switch: (name, options) => switching.switch(name, options),
  })
  const parts = new NodeParts([
    seeds,
    switching,
    data,
    faults,
    lanes,
    broadcasts,
    openTopics,
    channels,
    why,
    survey,
    services,
    liveness,
    advising,
    new DnsPart(context, services),
    federation,
    merging,
  ])
  return {
    parts,
    seeds,
    switching,
    topology: {
      view: () => switching.view(),
      switch: (name, options) => switching.switch(name, options),
      advise: () => advising.advise(),
      links: (options) => survey.ask(options),
    },
    data: data.faces,
    elected: data.elected,
    faults,
    lanes: lanes.lanes,
    channels,
    why,
    services,
    federation,
    merging,
  }
}
