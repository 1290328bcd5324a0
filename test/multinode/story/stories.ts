// What happens to clusters, told once: on OS processes and on hosts in network namespaces, in every topology.

import type { Story } from './story.ts'

export const stories: readonly Story[] = [
  {
    name: 'partition 3/2 (leader in the minority)',
    needs: 'cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      const [a, b, c, d] = others
      await story.splits([leader, a], [b, c, d])
      await story.refuses(leader, a)
      await story.serves(b, c, d)
      await story.seesDown([b, c, d], [leader, a])
      await story.heals()
    },
  },
  {
    name: 'partition 2/2/1 (no majority anywhere)',
    needs: 'cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      const [a, b, c, d] = others
      await story.splits([leader, a], [b, c], [d])
      await story.refuses(leader, a, b, c, d)
      await story.seeSomebodyDown(leader, a, b, c, d)
      await story.heals()
    },
  },
  {
    name: 'long partition (3/2 for half a minute)',
    needs: 'long cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      const [a, b, c, d] = others
      await story.splits([leader, a], [b, c, d])
      await story.lasts(30_000)
      await story.heals()
    },
  },
  {
    name: 'long half-partition (half a minute, one member hears both sides)',
    needs: 'long cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      const [, b, c, d] = others
      await story.splits([leader], [b, c, d])
      await story.lasts(30_000)
      await story.heals()
    },
  },
  {
    name: 'one way (the leader hears all and is not heard)',
    needs: 'cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      await story.isNotHeard(leader, others)
      await story.serves(...others)
      await story.heals()
    },
  },
  {
    name: 'bridge (two halves that only one member connects)',
    needs: 'cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      const [a, b, bridge, c] = others
      await story.splits([leader, a], [b, c])
      await story.serves(bridge)
      await story.goesOn()
      await story.heals()
    },
  },
  {
    name: 'flapping link (between the leader and a follower)',
    needs: 'cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      await story.flaps(leader, others[0], 6, 300)
      await story.goesOn()
      await story.heals()
    },
  },
  {
    name: 'isolated leader (4/1)',
    needs: 'cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      await story.splits([leader], others)
      await story.refuses(leader)
      await story.serves(...others)
      await story.seesDown(others, [leader])
      await story.heals()
    },
  },
  {
    name: 'isolated S5 host (one member hears it and its successor)',
    needs: 'cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      const [, b, c, d] = others
      await story.splits([leader], [b, c, d])
      await story.serves(...others)
      await story.goesOn()
      await story.heals()
    },
  },
  {
    name: 'rolling restart',
    needs: 'cuts',
    async tell(story) {
      const { leader, others } = await story.begins()
      for (const node of [...others, leader]) {
        await story.stopsAndStarts(node)
        await story.heals()
      }
    },
  },
  {
    name: 'clock steps (hours ahead and back, one member after the other)',
    needs: 'cuts',
    async tell(story) {
      const scene = await story.begins()
      await story.clocksStep()
      await story.isUnmoved(scene)
      await story.heals()
    },
  },
  {
    name: 'slow link (100 ms each way, the leader)',
    needs: 'delay',
    async tell(story) {
      const { leader } = await story.begins()
      await story.isSlow(leader, 100)
      await story.goesOn()
      await story.heals()
    },
  },
  {
    name: 'loss (20 % each way, a follower)',
    needs: 'loss',
    async tell(story) {
      const { others } = await story.begins()
      await story.losesPackets(others[0], 20)
      await story.goesOn(200)
      await story.heals()
    },
  },
]
