/** Threads of two kinds in one file, as they share most of their code: one that reads a source, and those that stage parts of a log for it. */
import { workerData } from 'node:worker_threads';
import type { StagingData } from '../predictionLog/stagingThreads.ts';
import type { WorkerData } from './workerSource.ts';

if ('told' in (workerData as StagingData | WorkerData)) void import('../predictionLog/stagingThread.ts');
else void import('./sourceThread.ts');
