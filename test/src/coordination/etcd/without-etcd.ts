// Real etcd is Debian's `etcd-server`; where it is not there, what needs it is skipped with the reason printed, and
// fails where nothing may be skipped.

import { withoutEtcd } from '../../../../src/testing/etcd-servers.ts'

const reason = withoutEtcd()
if (reason !== false && process.env.TRELLIS_REQUIRE_ALL === '1') throw new Error(reason)

/** Why there is no etcd here; false: there is one. */
export const skipWithoutEtcd: string | false = reason
