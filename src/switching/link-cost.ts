// What one end of a link takes: resident memory and processor time of a full mesh of 6 to 24 nodes in one process, Node
// 24, fitted over its links. To be measured again with the transport.

export const LINK_BYTES = 230_000
export const LINK_MS = 3
