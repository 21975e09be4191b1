import type { PostgresNode } from './node.ts';
import { Session } from './session.ts';

const deadlineMs = 700;

/** The newest order that each copy of the log has, asked of the copy itself. */
export class OrderNumbers {
  readonly #sessions = new Map<string, { pid: number; session: Session }>();
  readonly #password: string;

  constructor(password: string) {
    this.#password = password;
  }

  /** Null while the node does not answer. */
  async last(node: PostgresNode): Promise<number | null> {
    try {
      const session = await this.#sessionTo(node);
      const [row] = await session.query<{ number: number | null }>(
        'select max(number)::float8 as number from orders',
        [],
        deadlineMs,
      );
      return row?.number ?? null;
    } catch {
      this.#forget(node.id);
      return null;
    }
  }

  async #sessionTo(node: PostgresNode): Promise<Session> {
    const pid = node.running?.pid ?? 0;
    const known = this.#sessions.get(node.id);
    if (known?.pid === pid && known.session.isOpen) return known.session;
    this.#forget(node.id);
    const password = this.#password;
    const options = { ...node.endpoint, password, database: 'orders', name: 'control-room' };
    const session = new Session(options);
    this.#sessions.set(node.id, { pid, session });
    return session.open(deadlineMs);
  }

  #forget(id: string): void {
    this.#sessions.get(id)?.session.cut();
    this.#sessions.delete(id);
  }

  close(): void {
    for (const id of [...this.#sessions.keys()]) this.#forget(id);
  }
}
