/** The account of the owner. */
import type { Database } from '../../kit/database/postgres.ts';
import { changeAccount, createAccount, findByEmail } from './account-store.ts';
import { auditLog } from './audit.ts';
import { type HashCost, hashCost, hashPassword, isPassword } from './password.ts';
import { endSessions } from './session-store.ts';
import { forgetAttempts } from './sign-in-limit.ts';

export const ownerEmail = 'owner@localhost';

/**
 * The owner's account, with the password that the installation sets: made at the first start,
 * changed when the service is started with another one, which ends the owner's sessions and forgets
 * failed attempts to sign in. Safe to call from several instances at once.
 */
export async function ensureOwner(
  database: Database,
  password: string,
  cost: HashCost = hashCost,
): Promise<'created' | 'unchanged' | 'changed'> {
  const { account: owner } = await findByEmail(database, ownerEmail);
  if (owner !== null && (await isPassword(password, owner.password_hash, cost))) {
    return 'unchanged';
  }
  const passwordHash = await hashPassword(password, cost);
  return database.transaction(async (sql) => {
    if (owner === null) {
      const account = { email: ownerEmail, name: 'Owner', passwordHash, role: 'owner' as const };
      const created = await createAccount(sql, account);
      return created === null ? 'unchanged' : 'created'; // another instance was faster
    }
    await changeAccount(sql, owner.id, { passwordHash });
    await endSessions(sql, owner.id);
    await forgetAttempts(sql, owner.address);
    await auditLog.add(sql, {
      actor: owner.id,
      action: 'owner.password-changed',
      subject: owner.id,
    });
    return 'changed';
  });
}
