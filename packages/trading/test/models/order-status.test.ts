import { isCurrency, isOrderMove, orderMoves, orderStatuses } from '@tenon/trading';
import { expect, test } from 'vitest';

test('exactly the seven moves of an order are legal', () => {
  const legal = orderStatuses.flatMap((from) =>
    orderStatuses.filter((to) => isOrderMove(from, to)).map((to) => `${from} -> ${to}`),
  );
  expect(legal).toEqual([
    'draft -> placed',
    'draft -> cancelled',
    'placed -> paid',
    'placed -> cancelled',
    'paid -> shipped',
    'paid -> cancelled',
    'shipped -> delivered',
  ]);
});

test('the table of moves cannot be changed by those who read it', () => {
  expect(Object.isFrozen(orderMoves)).toBe(true);
  expect(Object.values(orderMoves).every((moves) => Object.isFrozen(moves))).toBe(true);
});

test.each([
  ['EUR', true],
  ['USD', true],
  ['JPY', true],
  ['DEM', false], // no longer in use
  ['XXX', false], // no currency
  ['XAU', false], // gold
  ['eur', false],
  ['', false],
])('%o is a currency in use: %s', (code, is) => {
  expect(isCurrency(code)).toBe(is);
});
