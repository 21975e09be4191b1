/** The customers service's part of the audit log: sign-ins of staff, changes of role, erasures. */
import { AuditLog } from '../../kit/database/audit-log.ts';

export const auditLog = new AuditLog('actor_id');
