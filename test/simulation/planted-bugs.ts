/**
 * Bugs planted on purpose, each a wrapper around one port or a wrong copy of one service: the test
 * of the simulation. One that it does not find is a hole in the simulation, not good luck.
 */
import type { ReserveOutcome, ReserveRequest } from '../../src/api/internal/catalog-routes.ts';
import type { Charge } from '../../src/services/worker/payment.ts';
import { decideReservations } from '../../src/shop/reservation-decision.ts';
import {
  ForgetfulBoard,
  forgetAcceptedKeys,
  forgetToRegister,
  PatientBoard,
} from './planted-gateway-bugs.ts';
import { ForgetfulStore, HastyStore, KeylessStore, UnfencedStore } from './planted-store-bugs.ts';
import {
  announceFirst,
  holdNoCart,
  ignoreExpectedTotal,
  releaseFirst,
  timeOutIsDecline,
} from './planted-worker-bugs.ts';
import type { Scheduler } from './scheduler.ts';
import type { Mutation } from './shop-world.ts';
import { SimulatedProvider, type Verdict } from './simulated-provider.ts';
import { type LedgerEntry, SimulatedStock } from './simulated-stock.ts';

class RepeatedReleaseStock extends SimulatedStock {
  override async release(checkoutIds: readonly string[]): Promise<void> {
    for (const id of checkoutIds) {
      const entry = this.ledger.get(id);
      if (entry === undefined) this.bury(id);
      else {
        entry.released = true;
        this.giveBack(entry);
      }
    }
  }
}

class StockWithoutTombstones extends SimulatedStock {
  protected override bury(): void {}
}

/** Takes the units again whenever it is asked again. */
class ForgetfulStock extends SimulatedStock {
  override async reserve(batch: readonly ReserveRequest[]) {
    for (const { checkoutId } of batch) {
      const known = this.ledger.get(checkoutId);
      if (known !== undefined && known.answer.kind === 'reserved') this.ledger.delete(checkoutId);
    }
    return super.reserve(batch);
  }
}

/** Forgets its answer once the units went back: a late reserve takes them anew. */
class UnrememberingStock extends SimulatedStock {
  protected override giveBack(entry: LedgerEntry): void {
    super.giveBack(entry);
    for (const [id, known] of this.ledger) if (known === entry) this.ledger.delete(id);
  }
}

/** Reads the stock, decides one checkout, and writes what is left a moment later: no lock. */
class UnlockedStock extends SimulatedStock {
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    super();
    this.#scheduler = scheduler;
  }

  override async reserve(batch: readonly ReserveRequest[]): Promise<ReserveOutcome[]> {
    const outcomes: ReserveOutcome[] = [];
    for (const request of batch) {
      if (!this.ledger.has(request.checkoutId)) {
        const { reservations, remainders } = decideReservations([request], this.items);
        const [answer] = reservations;
        if (answer !== undefined) this.ledger.set(request.checkoutId, { answer, released: false });
        await this.#scheduler.sleep(2);
        for (const [sku, available] of remainders) {
          this.items.set(sku, { ...this.item(sku), available });
        }
      }
      outcomes.push(this.outcomeOf(request.checkoutId));
    }
    return outcomes;
  }
}

/** Asked again, it names the price of today instead of the one it reserved for. */
class RepricingStock extends SimulatedStock {
  protected override outcomeOf(checkoutId: string): ReserveOutcome {
    const outcome = super.outcomeOf(checkoutId);
    if (outcome.kind === 'refused') return outcome;
    const lines = outcome.lines.map((line) => {
      return { ...line, unitPrice: this.item(line.sku).unitPrice };
    });
    const total = lines.reduce((sum, line) => sum + line.quantity * line.unitPrice, 0);
    return { ...outcome, lines, total };
  }
}

/** Some of the lines will do. */
class GenerousStock extends SimulatedStock {
  override reserve(batch: readonly ReserveRequest[]) {
    return super.reserve(batch.map((each) => ({ ...each, lines: each.lines.slice(0, 1) })));
  }
}

/** Charges as often as it is asked. */
class KeylessProvider extends SimulatedProvider {
  readonly #charged = new Map<string, number>();

  override async charge(charge: Charge): Promise<Verdict> {
    const verdict = await super.charge(charge);
    if (verdict.kind === 'approved') {
      this.#charged.set(charge.key, (this.#charged.get(charge.key) ?? 0) + charge.amount);
    }
    return verdict;
  }

  override inspect() {
    return super.inspect().map((each) => {
      const captured = this.#charged.get(each.key) ?? 0;
      return { ...each, captured, returned: each.returned > 0 ? captured : 0 };
    });
  }
}

/** A void of a charge that it has not seen yet means nothing to it. */
class VoidlessProvider extends SimulatedProvider {
  override async void(key: string): Promise<void> {
    if (this.inspect().some((each) => each.key === key)) await super.void(key);
  }
}

export interface PlantedBug {
  readonly name: string;
  /** Within so many seeds it must be found. */
  readonly seedsMax: number;
  readonly mutation: Mutation;
}

/** Over before its batch is even reserved. */
export const leaseTooShort: Mutation = { limits: (limits) => ({ ...limits, leaseMs: 15 }) };

/** The breaker of before: one payment without an answer, and nearly nobody is asked any more. */
const timeOutIsOutage: Mutation = {
  limits: (limits) => ({ ...limits, unansweredBuyersMax: 1, probesMax: 1 }),
};

const decideAllTogether: Mutation = {
  limits: (limits) => ({ ...limits, decideEveryMs: 60_000, decideEveryMsMax: 60_000 }),
};

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'no fencing: every decision is written, whoever holds the checkout',
    seedsMax: 200,
    mutation: { orders: (store) => new UnfencedStore(store) },
  },
  {
    name: 'no unique key: asking again is buying again',
    seedsMax: 200,
    mutation: { orders: (store) => new KeylessStore(store) },
  },
  {
    name: 'release without idempotency: units come back twice',
    seedsMax: 200,
    mutation: { stock: () => new RepeatedReleaseStock() },
  },
  {
    name: 'release before the fenced decision',
    seedsMax: 1_000,
    mutation: { workerPorts: releaseFirst },
  },
  {
    name: 'no tombstone: a late reserve takes units for a rejected checkout',
    seedsMax: 1_000,
    mutation: { stock: () => new StockWithoutTombstones() },
  },
  {
    name: 'a time-out taken for a decline',
    seedsMax: 200,
    mutation: { workerPorts: timeOutIsDecline },
  },
  {
    name: 'lease too short: others take over what nobody lost',
    seedsMax: 200,
    mutation: leaseTooShort,
  },
  {
    name: 'a charge for every time it is asked, not for every key',
    seedsMax: 200,
    mutation: { provider: () => new KeylessProvider() },
  },
  {
    name: 'decrement per checkout outside the lock',
    seedsMax: 200,
    mutation: { stock: (scheduler) => new UnlockedStock(scheduler) },
  },
  {
    name: 'a repeated reserve takes the units again',
    seedsMax: 200,
    mutation: { stock: () => new ForgetfulStock() },
  },
  {
    name: 'a repeated reserve names another price',
    seedsMax: 1_000,
    mutation: { stock: () => new RepricingStock() },
  },
  {
    name: 'sold at any price, whatever the buyer agreed to',
    seedsMax: 200,
    mutation: { workerPorts: ignoreExpectedTotal },
  },
  {
    name: 'a cart is bought as often as it is asked for',
    seedsMax: 200,
    mutation: { workerPorts: holdNoCart },
  },
  {
    name: 'some of the lines are reserved, not all or none',
    seedsMax: 200,
    mutation: { stock: () => new GenerousStock() },
  },
  {
    name: 'a first answer is forgotten once the units went back',
    seedsMax: 1_000,
    mutation: { stock: () => new UnrememberingStock() },
  },
  {
    name: 'a void that does not stop a charge still on its way',
    seedsMax: 1_000,
    mutation: { provider: () => new VoidlessProvider() },
  },
  {
    name: 'an intake acknowledged before it is written',
    seedsMax: 200,
    mutation: { orders: (store) => new ForgetfulStore(store) },
  },
  {
    name: 'follow-ups forgotten before they are carried out',
    seedsMax: 200,
    mutation: { orders: (store) => new HastyStore(store) },
  },
  {
    name: 'one time-out taken for an outage: honest buyers wait for dead payments',
    seedsMax: 200,
    mutation: timeOutIsOutage,
  },
  {
    name: 'a batch decided when its last payment is: neighbours wait for a dead one',
    seedsMax: 200,
    mutation: decideAllTogether,
  },
  {
    name: 'an outcome announced before it is written',
    seedsMax: 200,
    mutation: { workerPorts: announceFirst },
  },
  {
    name: 'a repeated key whose outcome the gateway does not ask for',
    seedsMax: 200,
    mutation: { gatewayCalls: forgetToRegister },
  },
  {
    name: 'refused before the queue without a look whether its key was accepted',
    seedsMax: 200,
    mutation: { gatewayCalls: forgetAcceptedKeys },
  },
  {
    name: 'an outcome board that forgets all who wait but the first',
    seedsMax: 1_000,
    mutation: { board: () => new ForgetfulBoard() },
  },
  {
    name: 'an outcome board that never looks for what did not come',
    seedsMax: 1_000,
    mutation: { board: () => new PatientBoard() },
  },
];
