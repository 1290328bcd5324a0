// The slope of a line through measured points, by least squares: whether memory grows, and how fast.

export interface Point {
  readonly x: number
  readonly y: number
}

/** How much y grows with each x; 0 for fewer than two different x. */
export function slopeOf(points: readonly Point[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanX, meanY] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))]
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0)
  const variance = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  return !(variance > 0) ? 0 : covariance / variance
}
