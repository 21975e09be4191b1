/** The catalog's part of the audit log: changes of products and stock. */
import { AuditLog } from '../../kit/database/audit-log.ts';

export const auditLog = new AuditLog();
