import { describePurchaseQueue } from './contract.ts';
import { MemoryQueue } from './memory-queue.ts';

describePurchaseQueue('memory', async () => new MemoryQueue());
