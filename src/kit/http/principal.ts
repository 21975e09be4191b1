/**
 * The signed-in account of a request. The gateway verifies the session cookie and sends the result
 * to the services in one header, which it removes from what clients send. A service trusts the
 * header because the call has the internal credential (service.ts). So these functions check only
 * the role.
 */
import { Problem } from './problem.ts';

export type Role = 'customer' | 'staff' | 'owner';

export interface Principal {
  readonly customerId: string;
  readonly email: string;
  readonly role: Role;
  /** The session that was verified, where there is one. */
  readonly sessionId?: string | undefined;
}

export const principalHeader = 'x-doorbuster-principal';

/** A request of Fastify or of Node. */
export interface HeaderCarrier {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The header's value, percent-encoded: an e-mail address may hold non-ASCII characters. */
export function encodePrincipal({ customerId, email, role, sessionId }: Principal): string {
  return encodeURIComponent(JSON.stringify({ customerId, email, role, sessionId }));
}

function isPrincipal(value: unknown): value is Principal {
  if (typeof value !== 'object' || value === null) return false;
  const { customerId, email, role, sessionId } = value as Record<string, unknown>;
  if (sessionId !== undefined && typeof sessionId !== 'string') return false;
  const isRole = role === 'customer' || role === 'staff' || role === 'owner';
  return typeof customerId === 'string' && typeof email === 'string' && isRole;
}

/** The signed-in account, or null for a guest. A header that cannot be read counts as a guest. */
export function principalOf(request: HeaderCarrier): Principal | null {
  const header = request.headers[principalHeader];
  if (typeof header !== 'string' || header === '') return null;
  try {
    const value: unknown = JSON.parse(decodeURIComponent(header));
    return isPrincipal(value) ? value : null;
  } catch {
    return null;
  }
}

/** Any account, of any role. Throws Problem 401 without a session. */
export function requireCustomer(request: HeaderCarrier): Principal {
  return signedIn(principalOf(request));
}

function signedIn(principal: Principal | null): Principal {
  if (principal !== null) return principal;
  throw new Problem(401, 'sign-in-needed', 'Sign in first', {
    detail: 'this needs a session: POST /api/sessions',
  });
}

function requireRole(principal: Principal, roles: readonly Role[]): Principal {
  if (roles.includes(principal.role)) return principal;
  throw new Problem(403, 'forbidden', 'Not allowed', {
    detail: `this needs the role ${roles.join(' or ')}`,
  });
}

/** Staff or owner. Throws Problem 401 without a session, 403 with another role. */
export function requireStaff(request: HeaderCarrier): Principal {
  return checkStaff(principalOf(request));
}

/** As `requireStaff`, for an account that is already known. */
export function checkStaff(principal: Principal | null): Principal {
  return requireRole(signedIn(principal), ['staff', 'owner']);
}

/** The owner only. Throws Problem 401 without a session, 403 with another role. */
export function requireOwner(request: HeaderCarrier): Principal {
  return requireRole(requireCustomer(request), ['owner']);
}
