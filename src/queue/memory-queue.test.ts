import { purchaseQueueContract } from '../../test/queue/contract.ts';
import { MemoryQueue } from './memory-queue.ts';

purchaseQueueContract('memory', async () => new MemoryQueue());
