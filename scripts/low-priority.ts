// Loaded before a program that only computes, so that it takes no more than what the others leave.

import { constants, setPriority } from 'node:os'

setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
