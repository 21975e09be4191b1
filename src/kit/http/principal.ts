/**
 * Who is asking. The gateway verifies the session cookie and tells every service the result in one
 * header; it strips that header from what clients send. A service believes it because the call
 * carries the internal credential (service.ts), so these functions decide nothing but the role.
 */
import { Problem } from './problem.ts';

export type Role = 'customer' | 'staff' | 'owner';

export interface Principal {
  readonly customerId: string;
  readonly email: string;
  readonly role: Role;
  /** The session that vouches for it, where there is one. */
  readonly sessionId?: string | undefined;
}

export const principalHeader = 'x-doorbuster-principal';

/** What of a request is needed to know who asks: Fastify's and Node's requests both fit. */
export interface HeaderCarrier {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The header's value. Percent-encoded, since an e-mail address may hold non-ASCII characters. */
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

/** The signed-in person, or null for a guest. A header that cannot be read is a guest's. */
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

/** Anyone with a session, whatever the role. Throws Problem 401. */
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

/** As `requireStaff`, of somebody who is known already. */
export function checkStaff(principal: Principal | null): Principal {
  return requireRole(signedIn(principal), ['staff', 'owner']);
}

/** The owner alone. Throws Problem 401 without a session, 403 with another role. */
export function requireOwner(request: HeaderCarrier): Principal {
  return requireRole(requireCustomer(request), ['owner']);
}
