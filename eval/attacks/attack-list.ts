import { hostAttack, waitingRoomAttack } from './addresses.ts';
import type { Attack } from './attack.ts';
import { lookUpAttacks, streamAttack } from './look-ups.ts';
import { paymentAttacks } from './payments.ts';
import { rowAttacks } from './rows.ts';
import { signInAttacks } from './sign-ins.ts';
import { uploadAttacks } from './uploads.ts';

/** Against one shop in turn. Dead payments live on for a while, so they come last. */
export const attacks: readonly Attack[] = [
  ...signInAttacks,
  ...lookUpAttacks,
  ...rowAttacks,
  ...uploadAttacks,
  hostAttack,
  streamAttack,
  ...paymentAttacks,
];

/** Against a shop with a waiting room. */
export const attacksOnWaitingRoom: readonly Attack[] = [waitingRoomAttack];
