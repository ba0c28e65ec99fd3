import { createLifecycle, type ResourceState } from './resource-state.ts';

/** Keeps the state of a managed resource as its instances, borrowers and gate are. It makes no move that the one table does not have. */
export interface StateFollower {
  readonly state: ResourceState;
  /** An instance is being made. */
  making(): void;
  /** An instance is there, or others may be had again. */
  works(): void;
  /** An instance could not be made. */
  notMade(): void;
  /** Somebody came, or went. */
  settle(): void;
  /** Nobody may have it any more, as it fails. */
  quarantined(): void;
  /** It was held back, and is not any more. */
  resumed(): void;
  /** Its end has begun. From then on nothing else moves it. */
  ending(): void;
  ended(): void;
}

/** What {@link createStateFollower} looks at. */
export interface Followed {
  readonly resource: string;
  readonly onMove: (from: ResourceState, to: ResourceState) => void;
  /** Whether its gate is open. */
  isOpen(): boolean;
  isHeld(): boolean;
  borrowers(): number;
}

/** Begins in `created`. */
export function createStateFollower(followed: Followed): StateFollower {
  const lifecycle = createLifecycle(followed.resource, followed.onMove);
  let isEnding = false;
  const canMove = (): boolean => !isEnding && followed.isOpen();
  const is = (...states: readonly ResourceState[]): boolean => states.includes(lifecycle.state);

  const making = (): void => {
    if (canMove() && is('created', 'failed')) lifecycle.moveTo('initializing');
  };
  const settle = (): void => {
    if (!canMove() || !is('ready', 'idle', 'in-use')) return;
    if (followed.borrowers() > 0) {
      lifecycle.moveTo('in-use');
      return;
    }
    lifecycle.moveTo('idle');
    if (followed.isHeld()) lifecycle.moveTo('maintenance');
  };
  return {
    get state() {
      return lifecycle.state;
    },
    making,
    works() {
      making();
      if (canMove() && is('initializing')) lifecycle.moveTo('ready');
      settle();
    },
    notMade() {
      if (canMove() && is('initializing')) lifecycle.moveTo('failed');
    },
    settle,
    quarantined() {
      if (!isEnding && !is('created')) lifecycle.moveTo('failed');
    },
    resumed() {
      if (canMove() && is('maintenance')) lifecycle.moveTo('ready');
      settle();
    },
    ending() {
      isEnding = true;
      if (is('in-use')) lifecycle.moveTo('ready');
      if (is('initializing')) lifecycle.moveTo('failed');
      if (is('ready', 'idle')) lifecycle.moveTo('draining');
    },
    ended() {
      if (!is('created')) lifecycle.moveTo('cleanup');
      lifecycle.moveTo('terminated');
    },
  };
}
