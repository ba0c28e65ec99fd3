import type { ResourceEventFacts } from '../events/resource-event.ts';
import type { GateState } from './recovery-gate.ts';

/** What {@link createGateFollower} acts on. */
export interface GateFollowerOptions {
  isClosing(): boolean;
  emit(facts: ResourceEventFacts): void;
  retryInMs(): number;
  /** It is lent again. */
  opened(): void;
  /** It was open, and is not lent any more. */
  shut(): void;
}

/** Tells what a gate does, each thing once: a try that succeeds where several are needed is no news. */
export function createGateFollower(options: GateFollowerOptions): (state: GateState) => void {
  /** Tries that failed; `undefined` while it is open. */
  let failed: number | undefined;
  return (state) => {
    if (options.isClosing() || state.state === 'probing') return;
    if (state.state === 'open') {
      const attempts = failed ?? 0;
      failed = undefined;
      options.opened();
      options.emit({ type: 'recovered', attempts });
      return;
    }
    const { attempts, reason } = state;
    const wasOpen = failed === undefined;
    const isNews = failed !== attempts || state.state === 'given-up';
    failed = attempts;
    if (wasOpen) options.shut();
    if (!isNews) return;
    if (state.state === 'given-up') options.emit({ type: 'given-up', attempts });
    else options.emit({ type: 'quarantined', reason, retryInMs: options.retryInMs(), attempt: attempts });
  };
}
