/** A source document, and the ids of what it asks for. */
export interface RequirementDocument {
  /** Its number, which starts every id: `000/1.1`. */
  readonly number: string;
  readonly title: string;
  readonly ids: readonly string[];
}

/** `1.1` ... `1.n` for each part, in order. */
function parts(counts: readonly number[]): readonly string[] {
  return counts.flatMap((count, index) => range(count).map((item) => `${index + 1}.${item}`));
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Task by task, how many behaviours document 003 asks for. */
const behavioursOf003 = [1, 3, 3, 6, 4, 4, 4, 4, 3, 7, 4, 6];

/**
 * Every id that requirements.json must hold, so that none can be dropped from it unseen. Document 000 says that it has 28
 * tasks and has 34.
 */
export const requirementDocuments: readonly RequirementDocument[] = [
  { number: '000', title: 'Frame.io apps with Adobe sign-in', ids: parts([6, 9, 9, 10]) },
  { number: '001', title: 'Credential manager', ids: range(153).map((task) => `T${String(task).padStart(3, '0')}`) },
  {
    number: '002',
    title: 'Resources, pools and resilience',
    ids: [8, 12, 8, 11, 9, 12].flatMap((count, phase) => range(count).map((task) => `P${phase}-T${task}`)),
  },
  {
    number: '003',
    title: 'Users, products and orders',
    ids: behavioursOf003.flatMap((count, index) => [
      `${index + 1}`,
      ...range(count).map((item) => `${index + 1}.${item}`),
    ]),
  },
  {
    number: '004',
    title: 'Nine services of an enterprise',
    ids: [...parts([9, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]), ...range(23).map((property) => `P${property}`)],
  },
];
