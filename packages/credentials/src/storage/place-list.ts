import { comparePlaces, type Place } from './matches.ts';
import { scopeRanges } from './scope-ranges.ts';

/** Places in their order. */
export interface PlaceList {
  add(place: Place): void;
  /** The same for many at once, in less time. */
  addAll(places: readonly Place[]): void;
  delete(place: Place): void;
  /**
   * Those within a scope and behind a place. Others may be added and deleted while it is read: those that were there all the time come
   * once each.
   */
  within(scope: string | undefined, after: Place | undefined): Generator<Place, void>;
}

/** Makes an empty list. */
export function createPlaceList(): PlaceList {
  let places: Place[] = [];

  /** The index of the first place that is not before this one. */
  const indexOf = (place: Place): number => {
    let low = 0;
    let high = places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = places[middle];
      if (found !== undefined && comparePlaces(found, place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const isAt = (index: number, place: Place): boolean => {
    const found = places[index];
    return found !== undefined && comparePlaces(found, place) === 0;
  };

  return {
    add({ scope, id }) {
      const index = indexOf({ scope, id });
      if (!isAt(index, { scope, id })) places.splice(index, 0, { scope, id });
    },
    addAll(more) {
      const all = [...places, ...more.map(({ scope, id }) => ({ scope, id }))].toSorted(comparePlaces);
      places = all.filter((place, index) => index === 0 || comparePlaces(all[index - 1] ?? place, place) !== 0);
    },
    delete(place) {
      const index = indexOf(place);
      if (isAt(index, place)) places.splice(index, 1);
    },
    *within(scope, after) {
      for (const { from, to } of scopeRanges(scope)) {
        let next: Place = { scope: from, id: '' };
        if (after !== undefined && comparePlaces(after, next) >= 0) next = behind(after);
        for (;;) {
          const place = places[indexOf(next)];
          if (place === undefined || place.scope >= to) break;
          yield place;
          next = behind(place);
        }
      }
    },
  };
}

// No id holds NUL, so nothing comes between a place and this one.
const behind = ({ scope, id }: Place): Place => ({ scope, id: `${id}\0` });
