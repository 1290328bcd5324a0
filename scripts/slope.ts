// The slope of a line through measured points, by least squares: whether memory grows, and how fast, and how sure that
// is.

import { summarize } from '../src/bench/statistics.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

/** How much y grows with each x; 0 for fewer than two different x. */
export function slopeOf(points: readonly Point[]): number {
  const [meanX, meanY] = [mean(points, 'x'), mean(points, 'y')]
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0)
  const variance = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  return !(variance > 0) ? 0 : covariance / variance
}

export interface Trend {
  readonly slope: number
  /**
   * Standard error of the slope; not a number for too few points. Two of them either way hold the truth in 95 of 100
   * cases.
   */
  readonly error: number
}

/**
 * The slope through the middles of blocks of the given width. Points that follow each other soon have much in common,
 * so taken one by one they would pretend to know more than they do; and what is high for a moment is no growth.
 */
export function trendOf(points: readonly Point[], width: number): Trend {
  const blocks = Map.groupBy(points, ({ x }) => Math.floor(x / width))
  const middles = [...blocks.values()].map((block) => ({
    x: mean(block, 'x'),
    y: summarize(block.map(({ y }) => y))!.median,
  }))
  const slope = slopeOf(middles)
  const [meanX, meanY] = [mean(middles, 'x'), mean(middles, 'y')]
  const variance = middles.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  const rest = middles.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, error: middles.length < 3 ? Number.NaN : Math.sqrt(rest / (middles.length - 2) / variance) }
}

function mean(points: readonly Point[], of: keyof Point): number {
  return points.reduce((sum, point) => sum + point[of], 0) / points.length
}
