import { purchaseQueueContract } from './contract.ts';
import { MemoryQueue } from './memory-queue.ts';

purchaseQueueContract('memory', async () => new MemoryQueue());
